package aggregate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"throng"
)

// CloseDay publishes the releases of each site, folds what they do not hold into the day's span and
// drops the day's unit tokens. It does not wait for feeds or loaders; Tick does. Called again, or after a
// crash, it finishes what is unfinished and otherwise returns the same ids: nothing that left the process
// is drawn a second time.
func (c *Closer) CloseDay(ctx context.Context, day throng.Day) ([]throng.ReleaseID, error) {
	ids, err := c.closeDay(ctx, day)
	if err != nil {
		return nil, fmt.Errorf("close %s: %w", day, err)
	}
	c.Logger.LogAttrs(ctx, slog.LevelInfo, "day closed", slog.String("day", day.String()), slog.Int("releases", len(ids)))
	return ids, nil
}

func (c *Closer) closeDay(ctx context.Context, day throng.Day) ([]throng.ReleaseID, error) {
	now := c.Clock.Now()
	if now.Before(day.End()) {
		return nil, errors.New("the day is not over")
	}
	lost := !now.Before(day.End().Add(maxLateness))
	if drawn, err := c.allStored(day); err != nil || lost && !drawn {
		return nil, cmp.Or(err, fmt.Errorf("%w: %s after its end its unit tokens may not be read any more", ErrLost, maxLateness))
	}
	cells, err := c.Store.Cells(ctx, day.Period())
	if err != nil {
		return nil, err
	}
	ids, err := c.releases(day, cells)
	if err != nil {
		return nil, err
	}
	return ids, c.closePeriod(ctx, day.Period(), ids, cells)
}

// allStored tells whether all releases of the configured sites' day are drawn.
func (c *Closer) allStored(day throng.Day) (bool, error) {
	ids, err := c.releases(day, nil)
	for _, id := range ids {
		release, err := c.stored(id)
		if err != nil || release == nil {
			return false, err
		}
	}
	return len(ids) > 0, err
}

// closePeriod does what is left to do for the releases of a period.
func (c *Closer) closePeriod(ctx context.Context, period throng.Period, ids []throng.ReleaseID, cells []throng.CellKey) (err error) {
	ctx, done := c.Observe(ctx, period)
	defer func() { done(err) }()
	releases := make([][]byte, len(ids))
	var undrawn []throng.ReleaseID
	for i, id := range ids {
		var err error
		if releases[i], err = c.stored(id); err != nil {
			return err
		}
		if releases[i] == nil {
			undrawn = append(undrawn, id)
		}
	}
	census, err := c.draw(ctx, period, undrawn, cells)
	if err != nil {
		return err
	}
	for i, id := range ids {
		if releases[i], err = c.stored(id); err != nil {
			return err
		}
	}
	if period.Kind() == throng.DayPeriod {
		if err := c.fold(ctx, census, period, ids, releases, cells); err != nil {
			return err
		}
	}
	for i, id := range ids {
		if err := c.publish(ctx, id, releases[i]); err != nil {
			return err
		}
	}
	return c.Store.DropUnits(ctx, period)
}

// releases are the ids of the day's releases, in order.
func (c *Closer) releases(day throng.Day, cells []throng.CellKey) ([]throng.ReleaseID, error) {
	sites := slices.Clone(c.Sites)
	for i, cell := range cells {
		if i == 0 || cell.Site != cells[i-1].Site {
			sites = append(sites, cell.Site)
		}
	}
	slices.Sort(sites)
	var ids []throng.ReleaseID
	for _, s := range slices.Compact(sites) {
		if err := checkSite(s); err != nil {
			return nil, err
		}
		for _, table := range c.tablesOf(s, day) {
			ids = append(ids, throng.ReleaseID{Site: s, Table: table, Period: day.Period()})
		}
	}
	return ids, nil
}

// draw reserves, draws and stages what has not been drawn, and gives the census that it was drawn from.
func (c *Closer) draw(ctx context.Context, period throng.Period, ids []throng.ReleaseID, cells []throng.CellKey) (*census, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	complete, err := c.completeness(ctx, period, ids)
	if err != nil {
		return nil, err
	}
	drafts, err := c.reserveAll(ids)
	if err != nil {
		return nil, err
	}
	n, err := c.census(period, drafts, cells)
	if err != nil {
		return nil, err
	}
	if err := n.draw(ctx, drafts); err != nil {
		return nil, err
	}
	if err := c.withholdCrossings(drafts); err != nil {
		return nil, err
	}
	for i, d := range drafts {
		release, err := d.encode(complete[i])
		if err == nil {
			err = c.Ledger.Stage(d.id, release)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

func (c *Closer) census(period throng.Period, drafts []*draft, cells []throng.CellKey) (*census, error) {
	tree, err := newTree(drafts, cells)
	return &census{store: c.Store, period: period, tree: tree, workers: c.Workers, memory: c.Memory}, err
}

func (c *Closer) reserveAll(ids []throng.ReleaseID) ([]*draft, error) {
	drafts := make([]*draft, len(ids))
	for i, id := range ids {
		var err error
		if drafts[i], err = c.reserve(id); err != nil {
			return nil, err
		}
	}
	return drafts, nil
}

// reserve makes a draft under the release's open reservation, or under a new one.
func (c *Closer) reserve(id throng.ReleaseID) (*draft, error) {
	a, ok := c.Ledger.Reservation(id)
	if !ok {
		tables := []string{throng.PathTable}
		if id.Period.Kind() == throng.DayPeriod {
			tables = c.tablesOf(id.Site, id.Period.First())
		}
		p, err := c.calibrate(id, tables)
		if err == nil {
			err = c.Ledger.Reserve(id, TreeVersion, p)
		}
		if err != nil {
			return nil, err
		}
		a, _ = c.Ledger.Reservation(id)
	}
	if a.Tree != TreeVersion {
		return nil, fmt.Errorf("%s was reserved for version %d of the tree, this program has %d: close it with the version that reserved it", id, a.Tree, TreeVersion)
	}
	d := &draft{id: id, account: a, routes: c.Routes[id.Site], rows: []throng.Row{}, optedOut: []throng.OptedOut{}}
	var err error
	if d.key, err = c.Ledger.SamplingKey(id); err != nil {
		return nil, err
	}
	if d.draws, err = c.mechanism(id, a.Parameters); err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return d, nil
}

// fold writes what the day's releases do not hold by itself to the day's span. It comes before the first
// of them is published, since publishing erases the sampling key; where one is, it was done.
func (c *Closer) fold(ctx context.Context, n *census, period throng.Period, ids []throng.ReleaseID, releases [][]byte, cells []throng.CellKey) error {
	for _, id := range ids {
		if a, _ := c.Ledger.Reservation(id); a.Published() {
			return nil
		}
	}
	if n == nil || len(n.tree.drafts) != len(ids) {
		drafts, err := c.reserveAll(ids)
		if err != nil {
			return err
		}
		if n, err = c.census(period, drafts, cells); err != nil {
			return err
		}
	}
	published := make([]map[string]bool, len(ids))
	for i, release := range releases {
		r, err := decode(release)
		if err != nil {
			return fmt.Errorf("%s: %w", ids[i], err)
		}
		published[i] = map[string]bool{}
		for _, row := range r.Rows {
			published[i][row.Key] = true
		}
	}
	n.tree.settle(published)
	return n.fold(ctx, cells)
}
