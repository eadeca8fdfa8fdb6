package aggregate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"throng"
)

// Reason says what a day waits for.
type Reason string

// The reasons for which a day is not closed yet.
const (
	NotOver     Reason = "not_over"     // it is not over, or has not settled
	FeedsBehind Reason = "feeds_behind" // a feed has not read past it
	Loading     Reason = "loading"      // a loader has not reached its end
)

// Waiting is a day that is open and cannot be closed yet.
type Waiting struct {
	Day    throng.Day
	Reason Reason
	// Feeds are the configured names of the feeds that are behind.
	Feeds []string
}

// Run closes days as they fall due, until ctx ends. An error that may go away is logged once and the
// round repeated; any other is returned, and the program should stop on it.
func (c *Closer) Run(ctx context.Context) error {
	last := ""
	for {
		_, _, err := c.Tick(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			last = ""
		case !throng.IsRetryable(err):
			return err
		case err.Error() != last:
			last = err.Error()
			c.Logger.LogAttrs(ctx, slog.LevelError, "close failed and is repeated", slog.Any("error", err))
		}
		timer := c.Clock.NewTimer(c.Poll)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// Tick makes one round: it closes each open day that is due and whose events are all loaded, and
// says what the others wait for. A day that fails with a retryable error does not hold up the
// others; the first other error ends the round.
func (c *Closer) Tick(ctx context.Context) (closed []throng.Day, waiting []Waiting, err error) {
	topics, err := c.Broker.Topics(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("look for open days: %w", err)
	}
	days, err := c.openDays(ctx, topics)
	if err != nil {
		return nil, nil, fmt.Errorf("look for open days: %w", err)
	}
	var failed []error
	for _, day := range days {
		w, err := c.step(ctx, day, slices.Contains(topics, throng.EventsTopic(day)))
		switch {
		case err != nil && !throng.IsRetryable(err):
			return closed, waiting, err
		case err != nil:
			failed = append(failed, err)
		case w != nil:
			waiting = append(waiting, *w)
		default:
			closed = append(closed, day)
		}
	}
	return closed, waiting, errors.Join(failed...)
}

// step closes a day, or says what it waits for.
func (c *Closer) step(ctx context.Context, day throng.Day, hasTopic bool) (*Waiting, error) {
	w, err := c.due(ctx, day)
	if w != nil || err != nil {
		return w, err
	}
	if hasTopic {
		loaded, err := c.loaded(ctx, day)
		if err != nil {
			return nil, fmt.Errorf("wait for loaders of %s: %w", day, err)
		}
		if !loaded {
			return &Waiting{Day: day, Reason: Loading}, nil
		}
	}
	if _, err := c.CloseDay(ctx, day); err != nil {
		return nil, err
	}
	delete(c.marked, day)
	return nil, nil
}

// openDays are the days, in order, of which the store or a topic holds something and that are not
// finished. A day without a single visit is closed too, for the configured sites.
func (c *Closer) openDays(ctx context.Context, topics []string) ([]throng.Day, error) {
	days, err := c.Store.OpenDays(ctx)
	if err != nil {
		return nil, err
	}
	days = slices.Clone(days)
	for _, t := range topics {
		if day, ok := throng.ParseEventsTopic(t); ok {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	var open []throng.Day
	for _, day := range slices.Compact(days) {
		done, err := c.finished(ctx, day)
		if err != nil {
			return nil, err
		}
		if !done {
			open = append(open, day)
		}
	}
	return open, nil
}

// finished tells whether a day needs no close any more: its configured sites are published, and its
// cells, which go last, are gone.
func (c *Closer) finished(ctx context.Context, day throng.Day) (bool, error) {
	if c.Clock.Now().Before(day.End()) {
		return false, nil
	}
	ids, err := c.releases(day, nil)
	if err != nil {
		return false, err
	}
	for _, id := range ids {
		if a, _ := c.Ledger.Reservation(id); !a.Published() {
			return false, nil
		}
	}
	cells, err := c.Store.Cells(ctx, day)
	return len(cells) == 0, err
}

// due tells whether a day need not wait for feeds any longer; nil means that it need not.
func (c *Closer) due(ctx context.Context, day throng.Day) (*Waiting, error) {
	// A watermark from the future, a clock gone wrong, must not close a day that is still running.
	now, settled := c.Clock.Now(), day.End().Add(c.Settle)
	if now.Before(settled) {
		return &Waiting{Day: day, Reason: NotOver}, nil
	}
	if !now.Before(day.End().Add(c.Lateness)) {
		return nil, nil
	}
	behind, err := c.behind(ctx, day, settled)
	if err != nil {
		return nil, fmt.Errorf("wait for feeds of %s: %w", day, err)
	}
	if len(behind) > 0 {
		return &Waiting{Day: day, Reason: FeedsBehind, Feeds: behind}, nil
	}
	return nil, nil
}

// behind are the known feeds that have not read up to a time, sorted.
func (c *Closer) behind(ctx context.Context, day throng.Day, until time.Time) ([]string, error) {
	// From the day before, so that a feed that fell silent at midnight is known.
	seen, err := c.Store.Feeds(ctx, day-1)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range c.Feeds {
		if seen[f].Before(until) {
			names = append(names, f)
		}
	}
	for f, watermark := range seen {
		if watermark.Before(until) {
			names = append(names, f)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// loaded tells whether all that the day's topic holds up to a closing marker in each partition is in
// the store. It produces the markers that are missing.
func (c *Closer) loaded(ctx context.Context, day throng.Day) (bool, error) {
	topic := throng.EventsTopic(day)
	partitions, err := c.Broker.Partitions(ctx, topic)
	if err != nil {
		return false, err
	}
	passed, err := c.Store.Marks(ctx, day)
	if err != nil {
		return false, err
	}
	if err := c.mark(ctx, day, topic, partitions, passed); err != nil {
		return false, err
	}
	committed, err := c.Broker.Committed(ctx, c.Group(topic), topic)
	if err != nil {
		return false, err
	}
	for _, p := range partitions {
		if mark, ok := passed[p]; !ok || committed[p] <= mark {
			return false, nil
		}
	}
	return true, nil
}

// mark produces a closing marker to each partition that has none. After a restart a partition can
// get a second one, which loaders pass without effect.
func (c *Closer) mark(ctx context.Context, day throng.Day, topic string, partitions []int, passed map[int]int64) error {
	sent := c.marked[day]
	if sent == nil {
		sent = map[int]bool{}
		c.marked[day] = sent
	}
	for _, p := range partitions {
		if _, ok := passed[p]; ok {
			continue
		}
		if sent[p] {
			continue
		}
		if _, err := c.Broker.ProduceTo(ctx, topic, p, c.ClosingMarker(day)); err != nil {
			return err
		}
		sent[p] = true
	}
	return nil
}
