package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"throng"
)

// patience is how long a stage waits for an engine that it was started before. Then it ends with an
// error, for whoever starts it to notice.
const patience = 5 * time.Minute

// await calls open until it succeeds, fails for good, or patience is over: after 200 ms, then twice as
// long each time, up to 5 s. Only commands that run until they are told to stop wait.
func (n *node) await(ctx context.Context, what string, open func() error) error {
	start := n.clock.Now()
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := open()
		if err == nil || !n.waits || !throng.IsRetryable(err) {
			return err
		}
		waited := n.clock.Now().Sub(start)
		if waited > patience {
			return fmt.Errorf("waited %s for the %s: %w", waited.Round(time.Second), what, err)
		}
		n.log.Warn("waiting for an engine that does not answer", slog.String("engine", what), slog.Any("error", err))
		t := n.clock.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
}

// untilTold runs a command that runs until it is told to stop: that this happens while it is still
// opening its parts is as good an end as any.
func (c configured) untilTold(ctx context.Context, a *app, use func(*node) error) error {
	return c.run(a, func(n *node) error {
		n.waits = true
		err := use(n)
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
}
