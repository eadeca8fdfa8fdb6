package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress shows how far something is: as a bar that is drawn over on a terminal, else as a line now
// and then.
type progress struct {
	w        io.Writer
	terminal bool
	every    time.Duration
	stop     chan struct{}
	stopped  chan struct{}
}

// showProgress draws what state says until finish is called: the share that is done (below 0 when it
// is not known) and a text.
func showProgress(w io.Writer, state func() (share float64, text string)) *progress {
	p := &progress{w: w, every: 5 * time.Second, stop: make(chan struct{}), stopped: make(chan struct{})}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal, p.every = true, 200*time.Millisecond
	}
	go func() {
		defer close(p.stopped)
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for {
			select {
			case <-p.stop:
				p.draw(state())
				if p.terminal {
					fmt.Fprintln(p.w)
				}
				return
			case <-tick.C:
				p.draw(state())
			}
		}
	}()
	return p
}

// finish draws the last state and ends the drawing.
func (p *progress) finish() {
	close(p.stop)
	<-p.stopped
}

const barWidth = 30

func (p *progress) draw(share float64, text string) {
	if !p.terminal {
		if share >= 0 {
			text = fmt.Sprintf("%3.0f %%  %s", 100*share, text)
		}
		fmt.Fprintln(p.w, " ", text)
		return
	}
	bar := ""
	if share >= 0 {
		full := int(min(max(share, 0), 1) * barWidth)
		bar = fmt.Sprintf("[%s%s] %3.0f %%  ", strings.Repeat("█", full), strings.Repeat("·", barWidth-full), 100*share)
	}
	fmt.Fprintf(p.w, "\r\033[2K  %s%s", bar, text)
}
