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
	Failed      Reason = "failed"       // its close ended with an error that may go away
	Lost        Reason = "lost"         // it was not closed while its unit tokens existed; it never will be
)

// Waiting is a day that is open and cannot be closed yet.
type Waiting struct {
	Day    throng.Day
	Reason Reason
	// Feeds are the configured names of the feeds that are behind.
	Feeds []string
	// Overdue says that the lateness limit is over, so that the day should have been closed: its unit
	// tokens, and with them the day, are lost when Deadline comes.
	Overdue  bool
	Deadline time.Time
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
// says what the others wait for; then it closes the spans and sums the months that are over. A day that
// fails with a retryable error does not hold up the others; the first other error ends the round.
func (c *Closer) Tick(ctx context.Context) (closed []throng.Period, waiting []Waiting, err error) {
	closed, waiting, err = c.tick(ctx)
	c.progress.note(c.Clock.Now(), waiting, err)
	c.progress.spent(c.Ledger.Unpublished())
	return closed, waiting, err
}

func (c *Closer) tick(ctx context.Context) (closed []throng.Period, waiting []Waiting, err error) {
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
			waiting = append(waiting, c.waiting(day, Failed))
		case w != nil:
			waiting = append(waiting, *w)
		default:
			closed = append(closed, day.Period())
		}
	}
	longer, err := c.closeLonger(ctx)
	if err != nil && !throng.IsRetryable(err) {
		return closed, waiting, err
	}
	return append(closed, longer...), waiting, errors.Join(append(failed, err)...)
}

// waiting is a day that is not closed.
func (c *Closer) waiting(day throng.Day, why Reason) Waiting {
	return Waiting{Day: day, Reason: why, Deadline: day.End().Add(maxLateness), Overdue: !c.Clock.Now().Before(day.End().Add(c.Lateness))}
}

// unfinishedFor is how long after its end a span or month is finished once more after a start.
const unfinishedFor = 15 * 24 * time.Hour

// closeLonger closes spans and sums months that are over and of which every day is closed, or waited for
// long enough.
func (c *Closer) closeLonger(ctx context.Context) (closed []throng.Period, err error) {
	for _, p := range c.openLonger() {
		if !c.over(p) {
			continue
		}
		before := len(c.Ledger.Entries())
		if p.Kind() == throng.SpanPeriod {
			_, err = c.CloseSpan(ctx, throng.Span(p.First()))
		} else {
			_, err = c.SumMonth(ctx, p)
		}
		if err != nil {
			return closed, err
		}
		c.settled[p] = true
		if len(c.Ledger.Entries()) > before {
			closed = append(closed, p)
		}
	}
	return closed, nil
}

// openLonger are the spans, and after them the months, that have a published day and no release of their
// own, and those that an earlier process may have left unfinished: published, and not mirrored or not
// dropped.
func (c *Closer) openLonger() []throng.Period {
	var spans, months []throng.Period
	open := func(id throng.ReleaseID) bool {
		recent := c.Clock.Now().Before(id.Period.Last().End().Add(unfinishedFor))
		return !c.published(id) || recent && !c.settled[id.Period]
	}
	for _, id := range c.Ledger.Releases() {
		a, _ := c.Ledger.Reservation(id)
		if id.Period.Kind() != throng.DayPeriod || !a.Published() {
			continue
		}
		day := id.Period.First()
		id.Period = throng.SpanOf(day).Period()
		if id.Table == throng.PathTable && a.Tree == TreeVersion && open(id) && !slices.Contains(spans, id.Period) {
			spans = append(spans, id.Period)
		}
		if id.Period = throng.MonthOf(day); open(id) && !slices.Contains(months, id.Period) {
			months = append(months, id.Period)
		}
	}
	byTime := func(a, b throng.Period) int { return int(a.First() - b.First()) }
	slices.SortFunc(spans, byTime)
	slices.SortFunc(months, byTime)
	return append(spans, months...)
}

func (c *Closer) published(id throng.ReleaseID) bool {
	a, _ := c.Ledger.Reservation(id)
	return a.Published()
}

// over tells whether a span or month waits for none of its days any more. A month waits for its spans,
// too: they are closed before it in the same round.
func (c *Closer) over(p throng.Period) bool {
	now := c.Clock.Now()
	for day := p.First(); day <= p.Last(); day++ {
		if now.Before(day.End().Add(c.Settle)) {
			return false
		}
		if !now.Before(day.End().Add(spanWait)) {
			continue
		}
		for _, site := range c.Sites {
			for _, table := range c.tablesOf(site, day) {
				if !c.published(throng.ReleaseID{Site: site, Table: table, Period: day.Period()}) {
					return false
				}
			}
		}
	}
	return true
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
			w := c.waiting(day, Loading)
			return &w, nil
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
	cells, err := c.Store.Cells(ctx, day.Period())
	return len(cells) == 0, err
}

// due tells whether a day need not wait for feeds any longer; nil means that it need not.
func (c *Closer) due(ctx context.Context, day throng.Day) (*Waiting, error) {
	// A watermark from the future, a clock gone wrong, must not close a day that is still running.
	now, settled := c.Clock.Now(), day.End().Add(c.Settle)
	if now.Before(settled) {
		w := c.waiting(day, NotOver)
		return &w, nil
	}
	if !now.Before(day.End().Add(maxLateness)) {
		if drawn, err := c.allStored(day); drawn || err != nil {
			return nil, err
		}
		w := c.waiting(day, Lost)
		return &w, nil
	}
	if !now.Before(day.End().Add(c.Lateness)) {
		return nil, nil
	}
	behind, err := c.behind(ctx, day, settled)
	if err != nil {
		return nil, fmt.Errorf("wait for feeds of %s: %w", day, err)
	}
	if len(behind) > 0 {
		w := c.waiting(day, FeedsBehind)
		w.Feeds = behind
		return &w, nil
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
