package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// lines are the lines of a range, chunk by chunk. The buffer of a chunk goes back to the pool when it
// was read; next returns io.EOF behind the last one. intact fails where what was read so far may not be
// what was meant to be read. close gives back what is left.
type lines interface {
	next() (chunk, error)
	intact() error
	close()
}

// fileRange is a range of a file. The worker reads it itself, so that the bytes are in its
// processor's cache when it parses them.
type fileRange struct {
	*chunker
	end   uint64
	f     *os.File
	key   printKey
	print string          // of the generation of the file that is meant
	held  *sync.WaitGroup // until close, the file stays open
}

func newFileRange(fo *followed, start, end uint64, s *Shipper) *fileRange {
	section := io.NewSectionReader(fo.f, int64(start), int64(end-start))
	fo.held.Add(1)
	return &fileRange{newChunker(section, s.pool, start), end, fo.f, s.key, fo.at.Print, &fo.held}
}

func (r *fileRange) close() {
	r.chunker.close()
	r.held.Done()
}

// intact looks at the file's first line again. While it is what it was, the file was not truncated
// and written anew before the bytes were read.
func (r *fileRange) intact() error {
	now, err := r.key.fingerprint(r.f)
	if err == nil && now != r.print {
		err = errShort
	}
	return err
}

// next reads on. A range that ends before its end is an error: the file was truncated meanwhile.
func (r *fileRange) next() (chunk, error) {
	c, err := r.chunker.next(context.Background())
	if !errors.Is(err, io.EOF) {
		return c, err
	}
	c, ok, err := r.rest(context.Background())
	switch {
	case err != nil:
		return chunk{}, err
	case r.off != r.end && ok:
		r.pool.put(c.buf)
		return chunk{}, errShort
	case r.off != r.end:
		return chunk{}, errShort
	case !ok:
		return chunk{}, io.EOF
	}
	return c, nil
}

// errShort says that a file does not hold the range any more that was to be read of it.
var errShort = fmt.Errorf("the file was truncated: %w", io.ErrUnexpectedEOF)

// streamRange is a range of a stream; whoever reads the stream sends its chunks and closes the channel.
type streamRange struct {
	chunks chan chunk
	pool   *chunkPool
}

func (r streamRange) next() (chunk, error) {
	c, ok := <-r.chunks
	if !ok {
		return chunk{}, io.EOF
	}
	return c, nil
}

func (r streamRange) intact() error { return nil }

func (r streamRange) close() {
	for c := range r.chunks {
		r.pool.put(c.buf)
	}
}

// nextLine is the offset behind the first newline at or after from; to where there is none before it.
func nextLine(f io.ReaderAt, from, to uint64) (uint64, error) {
	buf := make([]byte, 16<<10)
	for from < to {
		n, err := f.ReadAt(buf[:min(uint64(len(buf)), to-from)], int64(from))
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
			return from + uint64(i) + 1, nil
		}
		from += uint64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return to, fmt.Errorf("follow file: %w", err)
		}
	}
	return to, nil
}

// wholeLines is the offset behind the last newline between from and to; from where there is none.
func wholeLines(f io.ReaderAt, from, to uint64) (uint64, error) {
	buf := make([]byte, 16<<10)
	for to > from {
		n := min(uint64(len(buf)), to-from)
		if _, err := f.ReadAt(buf[:n], int64(to-n)); err != nil && !errors.Is(err, io.EOF) {
			return from, fmt.Errorf("follow file: %w", err)
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return to - n + uint64(i) + 1, nil
		}
		to -= n
	}
	return from, nil
}
