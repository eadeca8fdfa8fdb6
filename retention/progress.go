package retention

import (
	"sync"
	"time"
)

// Progress says how the keeper does, for metrics and alerts.
type Progress struct {
	// Sweeps is the number of sweeps, Failed that of those with an error.
	Sweeps, Failed uint64
	// Verified is the time of the last sweep without an error, at whose end every store had been asked; zero
	// is none.
	Verified time.Time
	// Pending is the number of deletions that are on record and not yet seen to be done.
	Pending int
	// Last is what the last sweep found, as far as the stores answered.
	Last Report
}

// progress is written by Sweep and read by anyone.
type progress struct {
	mu sync.Mutex
	p  Progress // guarded by mu
}

func (s *progress) note(r Report, pending int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.p.Sweeps++
	s.p.Last, s.p.Pending = r, pending
	if err != nil {
		s.p.Failed++
		return
	}
	s.p.Verified = r.Time
}

// Progress may be called by any goroutine.
func (k *Keeper) Progress() Progress {
	k.progress.mu.Lock()
	defer k.progress.mu.Unlock()
	return k.progress.p
}
