package aggregate

import (
	"math"
	"slices"

	"throng"
)

// withholdCrossings empties tables of a site that may not be shown beside those before them.
//
// Two one-way tables of one population bound the visits x of rows I of one and rows J of the other by
// max(0, a(I) + b(J) − n) ≤ x ≤ min(a(I), b(J)), and these bounds are sharp (Fréchet). Every published
// row stands for k devices, so an upper bound under k can only be that of a table's unpublished rest,
// and that is known only as a difference of two totals. So a table is withheld where its total differs
// from that of another one by an amount that is certainly more than nobody and certainly under k: then
// one of the two leaves out a group that the other tells of. Totals are those of visits and, where every
// device is in one row of either table, those of devices.
//
// Everything published before counts as well: the rest of one day can hide in the noise, and that of ten
// days stand out of it. So the same holds for every run of days, or of whole spans, that ends with this
// period. Nothing but published numbers and today's draws decides.
func (c *Closer) withholdCrossings(drafts []*draft) error {
	h := history{c, map[throng.ReleaseID]*throng.Release{}}
	for _, d := range drafts {
		corners := h.spanCorners
		if d.id.Period.Kind() == throng.DayPeriod {
			corners = func(d *draft) (bool, error) { return h.dayCorners(d, drafts) }
		}
		cornered, err := corners(d)
		if err != nil {
			return err
		}
		if cornered {
			d.withheld, d.rows = throng.Crossing, []throng.Row{}
		}
	}
	return nil
}

// history reads what was published, each release once.
type history struct {
	*Closer
	releases map[throng.ReleaseID]*throng.Release
}

// shown is a published release with rows; nil where there is none.
func (h *history) shown(site, table string, of throng.Period) (*throng.Release, error) {
	id := throng.ReleaseID{Site: site, Table: table, Period: of}
	if !h.published(id) {
		return nil, nil
	}
	if _, read := h.releases[id]; !read {
		r, err := h.load(id)
		if err != nil {
			return nil, err
		}
		h.releases[id] = r
	}
	if r := h.releases[id]; r.Withheld == "" {
		return r, nil
	}
	return nil, nil
}

// gap is by how much one table's total is above another's, over some periods.
type gap struct {
	visits, devices normal
	single          bool // devices add up: each is in one row of either table
}

func newGap() gap { return gap{single: true} }

// add takes in rows of one of the tables; sign is −1 for those of the other.
func (g *gap) add(rows []throng.Row, p throng.Parameters, sign int64) {
	visits, _ := p.Draw(throng.DrawVisits)
	devices, _ := p.Draw(throng.DrawDevices)
	g.single = g.single && p.L0 == 1
	for _, row := range rows {
		v, _ := row.Visits.Estimate()
		g.visits.add(sign*v.Value, visits.Sigma)
		n, _ := row.Devices.Estimate()
		g.devices.add(sign*n.Value, devices.Sigma)
	}
}

// How sure one has to be that a difference is of a few: as sure as published intervals are of one period,
// and surer of a run, which is one of many.
const (
	sureOfPeriod = 1.9599639845400545 // 95 %
	sureOfRun    = 2.5758293035489004 // 99 %
)

// few tells whether the gap is certainly one of somebody, and certainly of fewer than k.
func (g *gap) few(k int64, z float64) bool {
	return g.visits.few(k, z) || g.single && g.devices.few(k, z)
}

func (n *normal) few(k int64, z float64) bool {
	size, half := math.Abs(float64(n.value)), z*math.Sqrt(n.variance)
	return size-half > 0 && size+half < float64(k)
}

// blurred tells whether no longer run can be certain of fewer than k.
func (g *gap) blurred(k int64) bool {
	wide := func(n normal) bool { return 2*sureOfRun*math.Sqrt(n.variance) > float64(k) }
	return wide(g.visits) && (!g.single || wide(g.devices))
}

// dayCorners tells whether a day's table may not be shown beside another one of the same day.
func (h *history) dayCorners(d *draft, drafts []*draft) (bool, error) {
	at := slices.Index(drafts, d)
	for i, other := range drafts {
		before := i < at || other.id.Table == throng.PathTable
		if !before || other.id.Site != d.id.Site || other.withheld != "" || d.id.Table == throng.PathTable {
			continue
		}
		g := newGap()
		g.add(d.rows, d.account.Parameters, 1)
		g.add(other.rows, other.account.Parameters, -1)
		k := d.account.Parameters.K
		if g.few(k, sureOfPeriod) {
			return true, nil
		}
		if few, err := h.runCorners(g, d.id, other.id.Table, k); few || err != nil {
			return few, err
		}
	}
	return false, nil
}

// spanCorners tells whether a span's rows may not be shown beside a further table of its days: what they
// add to the days' paths is a part of what that table has and the paths had not.
func (h *history) spanCorners(d *draft) (bool, error) {
	for _, table := range h.tablesOf(d.id.Site, d.id.Period.First()) {
		if table == throng.PathTable {
			continue
		}
		g, id, k := newGap(), d.id, d.account.Parameters.K
		id.Table = table
		g.add(free(d.rows), d.account.Parameters, -1)
		whole := true
		for day := id.Period.First(); day <= id.Period.Last() && whole; day++ {
			var err error
			if whole, err = h.addDay(&g, id.Site, table, throng.PathTable, day); err != nil {
				return false, err
			}
		}
		if !whole { // how much of the paths' rest lies in days without the table nobody knows
			continue
		}
		if g.few(k, sureOfPeriod) {
			return true, nil
		}
		if few, err := h.runCorners(g, id, throng.PathTable, k); few || err != nil {
			return few, err
		}
	}
	return false, nil
}

// free are the rows of a span that no day's row holds.
func free(rows []throng.Row) (out []throng.Row) {
	for _, row := range rows {
		if row.Holder == "" {
			out = append(out, row)
		}
	}
	return out
}

// runCorners looks for a run of the days before a period that corners a few together with it.
func (h *history) runCorners(g gap, id throng.ReleaseID, other string, k int64) (bool, error) {
	days, spans := g, g // what days tell by themselves, and with the spans that lie in the run
	for day := id.Period.First() - 1; !days.blurred(k) || !spans.blurred(k); day-- {
		of := gap{single: true}
		if shown, err := h.addDay(&of, id.Site, id.Table, other, day); !shown || err != nil {
			return false, err
		}
		days.merge(of)
		spans.merge(of)
		span := throng.SpanOf(day)
		if day == span.Last() && other == throng.PathTable {
			r, err := h.shown(id.Site, other, span.Period())
			if err != nil {
				return false, err
			}
			if r != nil {
				spans.add(free(r.Rows), r.Parameters, -1)
			}
		}
		// A span's rows may be of any of its days, so that a run with spans ends at the beginning of one.
		inDays := id.Period.Kind() == throng.DayPeriod && days.few(k, sureOfRun)
		if inDays || day == span.First() && spans.few(k, sureOfRun) {
			return true, nil
		}
	}
	return false, nil
}

// addDay adds a day's two tables; shown is false where one of them is not.
func (h *history) addDay(g *gap, site, table, other string, day throng.Day) (shown bool, err error) {
	a, err := h.shown(site, table, day.Period())
	if err != nil || a == nil {
		return false, err
	}
	b, err := h.shown(site, other, day.Period())
	if err != nil || b == nil {
		return false, err
	}
	g.add(a.Rows, a.Parameters, 1)
	g.add(b.Rows, b.Parameters, -1)
	return true, nil
}

func (g *gap) merge(o gap) {
	g.single = g.single && o.single
	for _, n := range []struct{ to, of *normal }{{&g.visits, &o.visits}, {&g.devices, &o.devices}} {
		n.to.value += n.of.value
		n.to.variance += n.of.variance
	}
}
