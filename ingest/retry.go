package ingest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"throng"
)

const (
	firstWait = 50 * time.Millisecond
	maxWait   = 2 * time.Second
)

// untilDone repeats a call while its error is retryable: after 50 ms, then twice as long each time,
// up to 2 s. The first failure is logged.
func untilDone(ctx context.Context, clock throng.Clock, log *slog.Logger, call func() error) error {
	for wait := firstWait; ; wait = min(2*wait, maxWait) {
		err := call()
		if err == nil || !throng.IsRetryable(err) {
			return err
		}
		if wait == firstWait {
			log.Warn("retrying", slog.Any("error", err))
		}
		t := clock.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return errors.Join(err, ctx.Err())
		case <-t.C:
		}
	}
}
