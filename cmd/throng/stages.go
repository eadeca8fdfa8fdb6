package main

import (
	"context"
	"errors"
	"fmt"
)

// stage is a part of a process that runs until its context ends.
type stage struct {
	name string
	run  func(context.Context) error
}

// runStages runs all stages until ctx ends, one of them fails, or the first one is done. Then it
// stops them one after the other, in order: each gets to finish before the next is told to.
func runStages(ctx context.Context, stages ...stage) error {
	type running struct {
		stop context.CancelFunc
		done chan error
	}
	over := make(chan struct{}, len(stages))
	started := make([]running, len(stages))
	for i, s := range stages {
		sctx, stop := context.WithCancel(context.WithoutCancel(ctx))
		started[i] = running{stop, make(chan error, 1)}
		go func() {
			err := s.run(sctx)
			if err != nil && !errors.Is(err, context.Canceled) {
				err = fmt.Errorf("%s: %w", s.name, err)
			} else {
				err = nil
			}
			started[i].done <- err
			if err != nil || i == 0 {
				over <- struct{}{}
			}
		}()
	}
	select {
	case <-ctx.Done():
	case <-over:
	}
	var errs []error
	for _, r := range started {
		r.stop()
		errs = append(errs, <-r.done)
	}
	return errors.Join(errs...)
}
