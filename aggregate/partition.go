package aggregate

import (
	"context"
	"math"

	"throng"
	"throng/aggregate/ledger"
)

// draws is the mechanism that turns true counts into published ones.
type draws interface {
	Gate(kind throng.Draw, devices int64) (throng.Measure, error)
	Visits(kind throng.Draw, bounded int64) (throng.Estimate, error)
}

// draft is one release while it is drawn.
type draft struct {
	id      throng.ReleaseID
	account ledger.Account
	key     [ledger.KeyBytes]byte
	draws   draws
	routes  []string

	withheld throng.Reason
	rows     []throng.Row
	optedOut []throng.OptedOut
	clipped  throng.Measure
	bots     throng.Measure
}

// draws tells whether the release draws a kind.
func (d *draft) has(kind throng.Draw) bool {
	_, ok := d.account.Parameters.Draw(kind)
	return ok
}

// partition is the drawing of all tables of a period that are drawn together.
type partition struct {
	*census
	drafts []*draft
	// devices are the decisions of the nodes that were gated; the zero measure of the others.
	devices []throng.Measure
	columns optedOutColumns
}

// draw fills the drafts. Level by level it counts what has not been published, gates it and folds what
// fails, so that a group's devices are always a fresh union. Then everything else is drawn once, on the
// final partition.
func (c *census) draw(ctx context.Context, drafts []*draft) error {
	p := &partition{census: c, drafts: drafts, devices: make([]throng.Measure, len(c.tree.nodes))}
	for level := range levels {
		if err := p.gate(ctx, level); err != nil {
			return err
		}
	}
	if err := p.leaveEnough(ctx); err != nil {
		return err
	}
	if err := p.divide(ctx); err != nil {
		return err
	}
	return p.sum(ctx)
}

// leastK is the smallest k of the drafts.
func (p *partition) leastK() int64 {
	k := int64(math.MaxInt64)
	for _, d := range p.drafts {
		k = min(k, d.account.Parameters.K)
	}
	return k
}

// gate draws once for each node of a level. A node that passes stays as it is for good.
func (p *partition) gate(ctx context.Context, level int8) error {
	t := p.tree
	in := cells{of: make([]int32, len(t.nodes)), n: len(t.nodes), apart: level == leafLevel}
	for i, at := range t.at {
		in.of[i] = none
		if at != none && t.nodes[at].level == level {
			in.of[i] = at
		}
	}
	count, err := p.census.devices(ctx, in, p.leastK())
	if err != nil {
		return err
	}
	failed := make([]bool, len(t.nodes))
	for i, n := range t.nodes {
		if n.level != level {
			continue
		}
		if p.devices[i], err = p.drafts[n.draft].draws.Gate(throng.DrawDevices, count[i]); err != nil {
			return err
		}
		failed[i] = !p.published(int32(i))
	}
	t.fold(failed)
	return nil
}

// published tells whether a node has passed.
func (p *partition) published(node int32) bool {
	_, ok := p.devices[node].Estimate()
	return ok
}

// leaveEnough lets a span take rows out of a holder only where the devices of what remains in it pass a
// gate of their own; otherwise the holder keeps them all.
func (p *partition) leaveEnough(ctx context.Context) error {
	holders := map[place]int32{}
	var list []place
	for i, n := range p.tree.nodes {
		h := place{n.draft, "", n.holder}
		if _, ok := holders[h]; n.holder != "" && p.published(int32(i)) && !ok {
			holders[h] = int32(len(list))
			list = append(list, h)
		}
	}
	if len(list) == 0 {
		return nil
	}
	in := cells{of: make([]int32, len(p.tree.nodes)), n: len(list)}
	for i, n := range p.tree.nodes {
		in.of[i] = none
		if h, ok := holders[place{n.draft, "", n.holder}]; ok && p.tree.at[i] == none {
			in.of[i] = h
		}
	}
	count, err := p.census.devices(ctx, in, p.leastK())
	if err != nil {
		return err
	}
	kept := make([]bool, len(list))
	for i, h := range list {
		m, err := p.drafts[h.draft].draws.Gate(throng.DrawRemainingGates, count[i])
		if err != nil {
			return err
		}
		_, passed := m.Estimate()
		kept[i] = !passed
	}
	for i, n := range p.tree.nodes {
		if h, ok := holders[place{n.draft, "", n.holder}]; ok && kept[h] {
			p.devices[i] = throng.Blank(throng.BelowGate)
			p.tree.at[i] = none
		}
	}
	return nil
}
