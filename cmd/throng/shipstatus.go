package main

import (
	"fmt"
	"time"

	"throng"
	"throng/ingest"
)

// shipStatus draws how far ship is: a row for each source, with its speed since the last drawing.
type shipStatus struct {
	clock throng.Clock
	ship  *ingest.Shipper
	feeds []ingest.Feed

	// of the last drawing
	at    time.Time
	lines []uint64
	speed []float64
}

// rows is called by one goroutine at a time.
func (s *shipStatus) rows() []string {
	now, p := s.clock.Now(), s.ship.Progress()
	if s.lines == nil {
		s.lines, s.speed = make([]uint64, len(p.Sources)), make([]float64, len(p.Sources))
	}
	if d := now.Sub(s.at); d >= every {
		for i, src := range p.Sources {
			s.speed[i] = float64(src.Lines-s.lines[i]) / d.Seconds()
			s.lines[i] = src.Lines
		}
		s.at = now
	}
	rows := []string{fmt.Sprintf("  %-24s %15s %12s %14s %10s  %s", "source", "lines", "lines/s", "behind", "up to", "")}
	for i, src := range p.Sources {
		rows = append(rows, fmt.Sprintf("  %-24s %15s %12s %14s %10s  %s", src.Name, thousands(src.Lines), thousands(uint64(s.speed[i])),
			behind(src, s.feeds[i]), ago(now, src.Watermark), remarks(src)))
	}
	return rows
}

// behind is what was not read yet.
func behind(src ingest.SourceProgress, f ingest.Feed) string {
	if f.Topic != nil {
		return thousands(uint64(src.Lag)) + " messages"
	}
	if src.Lag < 1<<10 {
		return fmt.Sprintf("%d B", src.Lag)
	}
	return fmt.Sprintf("%s KiB", thousands(uint64(src.Lag)>>10))
}

// ago is how long before now everything up to then was in the broker.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return "-" + max(now.Sub(t), 0).Truncate(time.Second).String()
}

// remarks says what is amiss.
func remarks(src ingest.SourceProgress) (text string) {
	for _, r := range []struct {
		n    uint64
		what string
	}{{src.Rejected, "refused"}, {src.Late, "late"}, {src.Dropped, "dropped"}} {
		if r.n > 0 {
			text += fmt.Sprintf("%s %s ", thousands(r.n), r.what)
		}
	}
	return text
}

// shipLine is ship's work in one line.
func shipLine(p ingest.Progress) string {
	return fmt.Sprintf("throng: %s lines read, %s refused, %s late, %s sent, %s bytes behind",
		thousands(p.Lines), thousands(p.Rejected), thousands(p.Late), thousands(p.Acked), thousands(uint64(max(p.Lag, 0))))
}
