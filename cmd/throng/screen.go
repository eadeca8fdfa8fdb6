package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// screen is a terminal with a status below what is written: the status is taken away before something
// is written, and drawn again after it. On anything but a terminal nothing is drawn.
type screen struct {
	w        io.Writer
	terminal bool

	mu     sync.Mutex // guards what follows
	status func() []string
	rows   int // of the status, as it was drawn last
}

func newScreen(w io.Writer) *screen {
	f, ok := w.(*os.File)
	return &screen{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// Write implements [io.Writer].
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == nil {
		return s.w.Write(b)
	}
	s.erase()
	n, err := s.w.Write(b)
	if bytes.HasSuffix(b, []byte("\n")) {
		s.draw()
	}
	return n, err
}

// every is how often a status is drawn.
const every = 500 * time.Millisecond

// show draws a status until the returned function is called, which leaves the last one on the terminal.
func (s *screen) show(status func() []string) (stop func()) {
	if !s.terminal {
		return func() {}
	}
	s.mu.Lock()
	s.status = status
	s.mu.Unlock()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			s.redraw()
			select {
			case <-end:
				return
			case <-tick.C:
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		s.redraw()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.status = nil
	}
}

func (s *screen) redraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.draw()
}

// erase takes the status away; the caller holds mu.
func (s *screen) erase() {
	if s.rows > 0 {
		fmt.Fprintf(s.w, "\033[%dA\033[J", s.rows)
	}
	s.rows = 0
}

// draw writes the status, each row cut so that the terminal does not fold it; the caller holds mu.
func (s *screen) draw() {
	width := 80
	if f, ok := s.w.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			width = w
		}
	}
	for _, row := range s.status() {
		if r := []rune(row); len(r) >= width {
			row = string(r[:width-1])
		}
		fmt.Fprintln(s.w, row)
		s.rows++
	}
}
