package aggregate

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"throng"
)

// foldedFor is how long after the beginning of a day its folded visits may be read: retention deletes
// them before they are ten days old.
const foldedFor = 10*24*time.Hour - 2*time.Hour

// spanWait is how long after a day's end its span waits for it; a day that is closed later is not in its
// span.
const spanWait = maxLateness - 3*time.Hour

// CloseSpan publishes what the days of a span have folded and drops it. Only sites with a published day
// in the span get a release. Called again, or after a crash, it does as CloseDay does.
func (c *Closer) CloseSpan(ctx context.Context, span throng.Span) ([]throng.ReleaseID, error) {
	ids, err := c.closeSpan(ctx, span)
	if err != nil {
		return nil, fmt.Errorf("close span %s: %w", span, err)
	}
	c.Logger.LogAttrs(ctx, slog.LevelInfo, "span closed", slog.String("span", span.String()), slog.Int("releases", len(ids)))
	return ids, nil
}

func (c *Closer) closeSpan(ctx context.Context, span throng.Span) ([]throng.ReleaseID, error) {
	if c.Clock.Now().Before(span.Last().End()) {
		return nil, fmt.Errorf("the span is not over")
	}
	ids := c.spanReleases(span)
	cells, err := c.Store.Cells(ctx, span.Period())
	if err != nil {
		return nil, err
	}
	return ids, c.closePeriod(ctx, span.Period(), ids, cells)
}

// spanReleases are the span's releases, in order: one for each site whose days were drawn on the present
// tree. Under another one, folded visits are none of this tree's groups.
func (c *Closer) spanReleases(span throng.Span) []throng.ReleaseID {
	var ids []throng.ReleaseID
	for _, id := range c.Ledger.Releases() {
		if id.Table != throng.PathTable || id.Period.Kind() != throng.DayPeriod || throng.SpanOf(id.Period.First()) != span {
			continue
		}
		a, _ := c.Ledger.Reservation(id)
		of := throng.ReleaseID{Site: id.Site, Table: id.Table, Period: span.Period()}
		if a.Published() && a.Tree == TreeVersion && (len(ids) == 0 || ids[len(ids)-1] != of) {
			ids = append(ids, of)
		}
	}
	return ids
}

// completenessOf is that of a span or month: what is missing of any of its days.
func (c *Closer) completenessOf(id throng.ReleaseID) (throng.Completeness, error) {
	sum := throng.Completeness{MissingSources: []string{}, Late: throng.ShareNone, Rejected: throng.ShareNone}
	for day := id.Period.First(); day <= id.Period.Last(); day++ {
		of := throng.ReleaseID{Site: id.Site, Table: id.Table, Period: day.Period()}
		_, published := c.publishedFor(id, of)
		gone := id.Period.Kind() == throng.SpanPeriod && !c.Clock.Now().Before(day.Start().Add(foldedFor))
		if !published || gone {
			sum.MissingDays = append(sum.MissingDays, day)
			continue
		}
		r, err := c.load(of)
		if err != nil {
			return sum, err
		}
		sum.Add(r.Complete)
	}
	return sum, nil
}

// load reads a published release.
func (c *Closer) load(id throng.ReleaseID) (*throng.Release, error) {
	b, err := c.stored(id)
	if err != nil {
		return nil, err
	}
	return decode(b)
}
