package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"throng"
	"throng/ingest/accesslog"
)

// dayFeed gives a log day by day: as a reader it ends before the first line of a later day than the
// current one. Lines without a time, and lines of earlier days, belong to the current day.
type dayFeed struct {
	name   string
	f      *os.File
	r      *bufio.Reader
	format string
	parser *accesslog.Parser
	rec    accesslog.Record
	day    throng.Day
	held   []byte // read and not yet given
	// preamble are the directives among the lines that were read.
	preamble accesslog.Preamble
	next     throng.Day
	ahead    bool // held is a line of the day next, later than day
	done     bool
}

// openDayFeed opens a log and looks for its first day; ok is false where no line has a time.
func openDayFeed(path string) (d *dayFeed, first throng.Day, ok bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, false, fmt.Errorf("open log: %w", err)
	}
	d = &dayFeed{name: path, f: f, r: bufio.NewReaderSize(f, maxShownLine), day: -1 << 30}
	if err := d.detect(); err != nil {
		return nil, 0, false, errors.Join(err, f.Close())
	}
	first, ok, err = d.firstDay()
	if err != nil {
		return nil, 0, false, errors.Join(err, f.Close())
	}
	return d, first, ok, nil
}

func (d *dayFeed) detect() error {
	head, err := d.r.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read log %s: %w", d.name, err)
	}
	if d.format, err = accesslog.Detect(bytes.Split(head, []byte{'\n'})); err != nil {
		return fmt.Errorf("read log %s: %w", d.name, err)
	}
	d.parser, err = accesslog.New(d.format)
	return err
}

// firstDay finds the first line with a time and starts again at the beginning.
func (d *dayFeed) firstDay() (day throng.Day, ok bool, err error) {
	for !ok {
		line, err := d.line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, false, err
		}
		day, ok = d.dayOf(line)
	}
	if _, err := d.f.Seek(0, io.SeekStart); err != nil {
		return 0, false, fmt.Errorf("read log %s: %w", d.name, err)
	}
	d.r.Reset(d.f)
	return day, ok, nil
}

// line reads one line with its newline; an over-long one comes in parts, which are refused later.
func (d *dayFeed) line() ([]byte, error) {
	line, err := d.r.ReadSlice('\n')
	_, _ = d.preamble.Write(line) // never fails
	if errors.Is(err, bufio.ErrBufferFull) || errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read log %s: %w", d.name, err)
	}
	return line, err
}

func (d *dayFeed) dayOf(line []byte) (throng.Day, bool) {
	if d.parser.Parse(bytes.TrimSuffix(line, []byte{'\n'}), &d.rec) != nil {
		return 0, false
	}
	return throng.DayOfUnix(d.rec.Time), true
}

// Read gives lines up to the first of a later day, then io.EOF.
func (d *dayFeed) Read(p []byte) (int, error) {
	if len(d.held) == 0 && !d.done {
		if err := d.advance(); err != nil {
			return 0, err
		}
	}
	if d.ahead || d.done {
		return 0, io.EOF
	}
	n := copy(p, d.held)
	d.held = d.held[n:]
	return n, nil
}

func (d *dayFeed) advance() error {
	line, err := d.line()
	if errors.Is(err, io.EOF) {
		d.done = true
		return nil
	}
	if err != nil {
		return err
	}
	d.held = line
	if day, ok := d.dayOf(line); ok && day > d.day {
		d.ahead, d.next = true, day
	}
	return nil
}

// start moves to a day; the feed then gives that day's lines.
func (d *dayFeed) start(day throng.Day) {
	d.day = day
	if d.ahead && d.next <= day {
		d.ahead = false
		d.held = append(d.preamble.Lines(), d.held...) // of days before, which nobody reads with this one
	}
}
