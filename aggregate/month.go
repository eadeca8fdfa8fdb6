package aggregate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"

	"throng"
	"throng/aggregate/ledger"
)

// SumMonth publishes the month of each site and table that has a published day in it: sums of what its
// days and spans have published, computed from their files alone. It draws nothing and costs nothing.
// Called again, it computes the same bytes.
func (c *Closer) SumMonth(ctx context.Context, month throng.Period) ([]throng.ReleaseID, error) {
	ids := c.monthReleases(month)
	for _, id := range ids {
		if err := c.sumMonth(ctx, id); err != nil {
			return nil, fmt.Errorf("sum %s: %w", id, err)
		}
	}
	c.Logger.LogAttrs(ctx, slog.LevelInfo, "month summed", slog.String("month", month.String()), slog.Int("releases", len(ids)))
	return ids, nil
}

// monthReleases are the ids of the month's releases, in order.
func (c *Closer) monthReleases(month throng.Period) []throng.ReleaseID {
	var ids []throng.ReleaseID
	for _, id := range c.Ledger.Releases() {
		of := throng.ReleaseID{Site: id.Site, Table: id.Table, Period: month}
		a, _ := c.Ledger.Reservation(id)
		if id.Period.Kind() == throng.DayPeriod && throng.MonthOf(id.Period.First()) == month && a.Published() && (len(ids) == 0 || ids[len(ids)-1] != of) {
			ids = append(ids, of)
		}
	}
	return ids
}

func (c *Closer) sumMonth(ctx context.Context, id throng.ReleaseID) error {
	release, err := os.ReadFile(c.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		release, err = c.monthOf(id)
	}
	if err != nil {
		return err
	}
	sum := hashOf(release)
	if a, ok := c.Ledger.Reservation(id); ok && a.SHA256 != sum {
		return errors.New("it is not the one in the ledger: restore its file from a published copy or the mirror")
	}
	// The entry comes first: a file that the ledger does not know would stop the next start, and the
	// same bytes can be computed again.
	if err := c.Ledger.Sum(id, sum); err != nil {
		return err
	}
	if err := c.link(id, release); err != nil {
		return fmt.Errorf("write release: %w", err)
	}
	return c.Store.MirrorRelease(ctx, id, sum, release)
}

// monthOf computes a month.
func (c *Closer) monthOf(id throng.ReleaseID) ([]byte, error) {
	complete, err := c.completenessOf(id)
	if err != nil {
		return nil, err
	}
	m := newMonthSum(id, complete)
	for _, of := range c.Ledger.Releases() {
		in := of.Site == id.Site && of.Table == id.Table && of.Period.Kind() != throng.MonthPeriod && throng.MonthOf(of.Period.First()) == id.Period
		a, published := c.publishedFor(id, of)
		if !in || !published {
			continue
		}
		r, err := c.load(of)
		if err != nil {
			return nil, err
		}
		m.add(r, a.SHA256)
	}
	return encode(m.release())
}

// publishedFor is the account of a release that is published, and for a month that is summed already was so
// by then: a day that was closed later is in no month, however often the month is computed.
func (c *Closer) publishedFor(id, of throng.ReleaseID) (a ledger.Account, ok bool) {
	a, _ = c.Ledger.Reservation(of)
	sum, summed := c.Ledger.Reservation(id)
	return a, a.Published() && !(summed && id.Period.Kind() == throng.MonthPeriod && a.Seq > sum.Seq)
}

// monthSum adds releases up.
type monthSum struct {
	r        throng.Release
	rows     map[string]*normal
	optedOut map[string]*normal
	of       map[string]*normal
}

// normal is a sum of independent noisy numbers.
type normal struct {
	value    int64
	variance float64
}

func (n *normal) add(value int64, sigma float64) {
	n.value += value
	n.variance += sigma * sigma
}

// estimate is the sum with its 95 % interval.
func (n *normal) estimate() throng.Estimate {
	const z = 1.9599639845400545
	half := int64(math.Ceil(z * math.Sqrt(n.variance)))
	return throng.Estimate{Value: n.value, Low: n.value - half, High: n.value + half}
}

func in[K cmp.Ordered](m map[K]*normal, key K) *normal {
	if m[key] == nil {
		m[key] = &normal{}
	}
	return m[key]
}

func newMonthSum(id throng.ReleaseID, complete throng.Completeness) *monthSum {
	return &monthSum{
		r: throng.Release{
			Format: throng.ReleaseFormat, Site: id.Site, Table: id.Table, Period: id.Period, Complete: complete,
			Parameters: throng.Parameters{Draws: []throng.DrawParameters{}},
			Rows:       []throng.Row{}, OptedOut: []throng.OptedOut{}, ClippedPercent: throng.Blank(throng.NotSummed),
			BotPercent: throng.Blank(throng.NotSummed),
		},
		rows: map[string]*normal{}, optedOut: map[string]*normal{}, of: map[string]*normal{},
	}
}

// add adds a day or a span. A span's row is taken out of the holder that its visits were counted in on
// their days, so that no visit is in two rows of the month.
func (m *monthSum) add(r *throng.Release, sha256 string) {
	m.head(r)
	m.r.Sources = append(m.r.Sources, throng.Source{Period: r.Period, SHA256: sha256})
	visits, _ := r.Parameters.Draw(throng.DrawVisits)
	for _, row := range r.Rows {
		e, _ := row.Visits.Estimate()
		in(m.rows, row.Key).add(e.Value, visits.Sigma)
		if row.Holder != "" {
			in(m.rows, row.Holder).add(-e.Value, visits.Sigma)
		}
	}
	optedOut, _ := r.Parameters.Draw(throng.DrawOptedOutVisits)
	for _, o := range r.OptedOut {
		if e, ok := o.OptedOutVisits.Estimate(); ok {
			in(m.optedOut, o.Group).add(e.Value, optedOut.Sigma)
			in(m.of, o.Group).add(o.OfVisits.Value, visits.Sigma*math.Sqrt(m.rowsIn(r, o)))
		}
	}
}

// head takes over what all releases of the month have in common, the laxest of each.
func (m *monthSum) head(r *throng.Release) {
	p, of := &m.r.Parameters, r.Parameters
	if len(m.r.Sources) == 0 {
		m.r.Tree, p.K, p.Tables, p.L0, p.Linf, p.PerNetwork = r.Tree, of.K, of.Tables, of.L0, of.Linf, of.PerNetwork
	}
	p.K = min(p.K, of.K)
	p.Watermark = cmp.Or(p.Watermark, of.Watermark)
}

// rowsIn is the number of rows that a group of the opted-out column covers.
func (m *monthSum) rowsIn(r *throng.Release, group throng.OptedOut) (n float64) {
	own := map[string]bool{}
	for _, o := range r.OptedOut {
		_, own[o.Group] = o.OptedOutVisits.Estimate()
	}
	for _, row := range r.Rows {
		covering, ok := throng.SectionOf(row.Key)
		if !ok || !own[covering] {
			covering = throng.SiteGroup
		}
		if covering == group.Group {
			n++
		}
	}
	return n
}

func (m *monthSum) release() *throng.Release {
	for _, key := range slices.Sorted(maps.Keys(m.rows)) {
		m.r.Rows = append(m.r.Rows, throng.Row{Key: key, Devices: throng.Blank(throng.NotSummed), Visits: throng.Published(m.rows[key].estimate())})
	}
	for _, group := range slices.Sorted(maps.Keys(m.optedOut)) {
		m.r.OptedOut = append(m.r.OptedOut, throng.OptedOut{Group: group, OfVisits: m.of[group].estimate(), OptedOutVisits: throng.Published(m.optedOut[group].estimate())})
	}
	return &m.r
}
