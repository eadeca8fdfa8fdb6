package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"

	"throng/ingest/accesslog"
)

// passage is one walk through what a file holds, compressed or not, from front to back.
type passage struct {
	of     *reading
	packed io.Closer // nil where the file is not compressed
	in     *bufio.Reader
	at     uint64

	directives bool               // lines are read as directives before them say
	preamble   accesslog.Preamble // of what is before at, where that counts
	jumped     bool               // the parser has not seen the line before at
}

func (r *reading) walk() (*passage, error) {
	t := &passage{of: r, directives: accesslog.ReadsPreamble(r.parser.Format()), jumped: true}
	var from io.Reader = io.NewSectionReader(r.f, 0, math.MaxInt64)
	if r.packed != "" {
		in, err := unpack(r.f, r.packed)
		if err != nil {
			return nil, fmt.Errorf("unpack file: %w", err)
		}
		from, t.packed = in, in
	}
	t.in = bufio.NewReaderSize(from, maxLine)
	return t, nil
}

func (t *passage) close() error {
	if t.packed == nil {
		return nil
	}
	return t.packed.Close()
}

// skipTo passes over what is before a position. Of a file that is not compressed only what says how lines are to
// be read is read for it. Beyond the end of the file there are no lines.
func (t *passage) skipTo(position uint64) error {
	n := int64(position - t.at)
	var err error
	switch {
	case n == 0:
		return nil
	case t.directives:
		_, err = io.CopyN(&t.preamble, t.in, n)
	case t.packed != nil:
		_, err = io.CopyN(io.Discard, t.in, n)
	default:
		t.in.Reset(io.NewSectionReader(t.of.f, int64(position), math.MaxInt64-int64(position)))
	}
	t.at, t.jumped = position, true
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read file again: %w", err)
	}
	return nil
}

// line is the next line with its newline, if it has one: empty at the end of the file, and in parts where it is
// longer than a parser takes. It is good until the next call.
func (t *passage) line() ([]byte, error) {
	line, err := t.in.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("read file again: %w", err)
	}
	t.at += uint64(len(line))
	if t.directives {
		_, _ = t.preamble.Write(line) // never fails
	}
	return line, nil
}

// each calls take with the lines of a range.
func (t *passage) each(start, end uint64, take func(line []byte) error) error {
	if err := t.skipTo(start); err != nil {
		return err
	}
	for t.at < end {
		line, err := t.line()
		if err == nil && len(line) == 0 {
			return nil
		}
		if err == nil {
			err = take(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
