package aggregate

import (
	"sync"
	"time"
)

// Progress says how the closer does, for metrics. It tells nothing of what is in a period.
type Progress struct {
	// Rounds is the number of rounds, Failed that of those with an error.
	Rounds, Failed uint64
	// Last is the time of the last round without an error; zero is none.
	Last time.Time
	// Overdue is the number of days that should have been closed, and Lost that of those that cannot be
	// any more, both of the last round. Deadline is the time at which the next day is lost; zero is none.
	Overdue, Lost int
	Deadline      time.Time
	// Unpublished and Spent are what [ledger.Ledger.Unpublished] says after the last round.
	Unpublished int
	Spent       float64
}

// progress is written by Tick and read by anyone.
type progress struct {
	mu sync.Mutex
	p  Progress // guarded by mu
}

func (s *progress) note(now time.Time, waiting []Waiting, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.p.Rounds++
	if err != nil {
		s.p.Failed++
	} else {
		s.p.Last = now
	}
	s.p.Overdue, s.p.Lost, s.p.Deadline = 0, 0, time.Time{}
	for _, w := range waiting {
		switch {
		case w.Reason == Lost:
			s.p.Lost++
		case w.Overdue:
			s.p.Overdue++
			if s.p.Deadline.IsZero() || w.Deadline.Before(s.p.Deadline) {
				s.p.Deadline = w.Deadline
			}
		}
	}
}

// spent notes what was reserved and not published.
func (s *progress) spent(unpublished int, spent float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.p.Unpublished, s.p.Spent = unpublished, spent
}

// Progress may be called by any goroutine.
func (c *Closer) Progress() Progress {
	c.progress.mu.Lock()
	defer c.progress.mu.Unlock()
	return c.progress.p
}
