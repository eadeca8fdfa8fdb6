package aggregate

import (
	"context"

	"throng"
	"throng/aggregate/ledger"
)

// draws is the mechanism that turns true counts into published ones.
type draws interface {
	Gate(kind throng.Draw, devices int64) (throng.Measure, error)
	Visits(kind throng.Draw, bounded int64) (throng.Estimate, error)
}

// draft is one site's release while it is drawn.
type draft struct {
	id      throng.ReleaseID
	account ledger.Account
	key     [ledger.KeyBytes]byte
	draws   draws
	rows    []throng.Row
}

// partition draws the rows of all drafts. Level by level it counts what has not been published,
// gates it and folds what fails, so that a group's devices are always a fresh union. The last pass
// has counted visits under the final partition, in which only what failed at the site is missing.
func (c *census) partition(ctx context.Context, drafts []*draft) error {
	devices := make([]throng.Measure, len(c.tree.nodes))
	var n counts
	for level := range levels {
		var err error
		if n, err = c.count(ctx); err != nil {
			return err
		}
		if err := c.tree.gate(level, n.devices, drafts, devices); err != nil {
			return err
		}
	}
	return c.tree.drawVisits(n.visits, drafts, devices)
}

// gate draws once for each node of a level. A node that passes stays as it is for good.
func (t *tree) gate(level int8, count []int64, drafts []*draft, devices []throng.Measure) error {
	failed := make([]bool, len(t.nodes))
	for i, n := range t.nodes {
		if n.level != level {
			continue
		}
		m, err := drafts[n.site].draws.Gate(throng.DrawDevices, count[i])
		if err != nil {
			return err
		}
		devices[i] = m
		_, passed := m.Estimate()
		failed[i] = !passed
	}
	t.fold(failed)
	return nil
}

// drawVisits draws once for each published node and appends its row, in the order of keys.
func (t *tree) drawVisits(count []int64, drafts []*draft, devices []throng.Measure) error {
	for i, n := range t.nodes {
		if _, published := devices[i].Estimate(); !published {
			continue
		}
		d := drafts[n.site]
		e, err := d.draws.Visits(throng.DrawVisits, count[i])
		if err != nil {
			return err
		}
		d.rows = append(d.rows, throng.Row{
			Key:     n.key,
			Devices: devices[i],
			Visits:  throng.Published(e),
		})
	}
	return nil
}
