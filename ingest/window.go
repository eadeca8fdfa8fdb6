package ingest

import (
	"time"

	"throng"
)

// window holds the times of lines that are taken: from the first day that is still open to a little
// ahead of the clock, in seconds since the Unix epoch.
type window struct{ from, to int64 }

type place uint8

const (
	inside place = iota
	late
	future
)

// openWindow is the window at a time: a day is open until lateness after its end.
func openWindow(now time.Time, lateness time.Duration) window {
	first := throng.DayOf(now.Add(-lateness)) - 1
	if first.End().Before(now.Add(-lateness)) {
		first++
	}
	return window{first.Start().Unix(), now.Add(maxSkew).Unix()}
}

func (w window) place(sec int64) place {
	switch {
	case sec < w.from:
		return late
	case sec > w.to:
		return future
	}
	return inside
}
