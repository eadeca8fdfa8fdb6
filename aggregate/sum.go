package aggregate

import (
	"context"
	"math"

	"throng"
)

// sums are true numbers of one worker, or of all. They never leave the package but through a mechanism.
type sums struct {
	visits   []int64          // by published node
	optedOut []int64          // visits by opted-out devices, by group of the columns
	clipped  []int64          // devices of the path table: 2i of draft i that were clipped, 2i+1 that were not
	bots     map[string]int64 // by site; nil where no table draws them
}

func (p *partition) newSums() sums {
	return sums{
		visits: make([]int64, len(p.tree.nodes)), optedOut: make([]int64, len(p.columns.groups)), clipped: make([]int64, 2*len(p.drafts)),
	}
}

func (s sums) add(o sums) {
	for i, v := range o.visits {
		s.visits[i] += v
	}
	for i, v := range o.optedOut {
		s.optedOut[i] += v
	}
	for i, v := range o.clipped {
		s.clipped[i] += v
	}
}

// sum counts visits on the final partition in one pass and draws them.
func (p *partition) sum(ctx context.Context) error {
	var all []*summer
	err := p.pass(ctx, func() visitor {
		s := &summer{partition: p, sums: p.newSums()}
		all = append(all, s)
		return s.add
	})
	if err != nil {
		return err
	}
	total := p.newSums()
	for _, s := range all {
		total.add(s.sums)
	}
	if total.bots, err = p.countBots(ctx); err != nil {
		return err
	}
	return p.drawSums(total)
}

// share is what one device brings to one cell.
type share struct {
	cell   int32
	rows   int64 // published rows of a group
	visits int64
}

// merge adds to a device's share of a cell; a device is in few of them.
func merge(shares []share, cell int32, visits int64) []share {
	for i := range shares {
		if shares[i].cell == cell {
			shares[i].rows++
			shares[i].visits += visits
			return shares
		}
	}
	return append(shares, share{cell, 1, visits})
}

// summer adds up what the bounds leave of each device's visits. One goroutine owns it.
type summer struct {
	*partition
	sums           sums
	published      picked
	shares, groups []share
}

func (s *summer) add(d *devices) {
	p := &s.published
	p.pick(d, s.tree.at, s.tree.at)
	at, number, leaves := p.cell, p.number, d.leaf
	for i, h := range d.head {
		n := p.of[i]
		s.addDevice(h, leaves[:h.leaves()], at[:n], number[:n])
		at, number, leaves = at[n:], number[n:], leaves[h.leaves():]
	}
}

// addDevice adds a device's leaves; those with these numbers are published, at these nodes.
func (s *summer) addDevice(h head, leaves []leaf, at []int32, number []uint8) {
	s.shares, s.groups = s.shares[:0], s.groups[:0]
	for i, node := range at {
		s.shares = merge(s.shares, node, leaves[number[i]].visits())
	}
	clipped := h.clipped()
	for _, x := range s.shares {
		bounded := min(x.visits, throng.MaxVisitsPerCell)
		s.sums.visits[x.cell] += bounded
		clipped = clipped || x.visits > bounded && s.tree.drafts[s.tree.nodes[x.cell].draft].path
		if h.optedOut() && len(s.columns.of) > 0 && s.columns.of[x.cell] != none {
			s.groups = merge(s.groups, s.columns.of[x.cell], bounded)
		}
	}
	for _, g := range s.groups {
		s.sums.optedOut[g.cell] += min(g.visits, groupVisits[min(g.rows, throng.MaxLeafKeys)])
	}
	if i, ok := s.pathDraft(leaves); ok && clipped {
		s.sums.clipped[2*i]++
	} else if ok {
		s.sums.clipped[2*i+1]++
	}
}

// pathDraft is the draft of the path table in which a device is.
func (s *summer) pathDraft(leaves []leaf) (draft int, ok bool) {
	for _, l := range leaves {
		if i := s.tree.draftOf(l.node()); s.tree.drafts[i].path {
			return i, true
		}
	}
	return 0, false
}

// groupVisits[n] is the largest number of visits by which a device that opted out counts in a group of
// which it is in n rows: ⌊Linf·√n⌋, so that over all groups the squares sum to at most L0·Linf², which
// is what the noise of [throng.DrawOptedOutVisits] covers. Linf for the whole group would leave out most
// visits of whoever reads several pages of a section.
var groupVisits = func() (most [throng.MaxLeafKeys + 1]int64) {
	for n := range most {
		most[n] = int64(math.Floor(throng.MaxVisitsPerCell * math.Sqrt(float64(n))))
	}
	return most
}()

// drawSums draws once for each published node, group and table and appends what is published, in the
// order of keys.
func (p *partition) drawSums(total sums) error {
	for i, n := range p.tree.nodes {
		if !p.published(int32(i)) {
			continue
		}
		d := p.drafts[n.draft]
		e, err := d.draws.Visits(throng.DrawVisits, total.visits[i])
		if err != nil {
			return err
		}
		d.rows = append(d.rows, throng.Row{Key: n.key, Holder: n.holder, Devices: p.devices[i], Visits: throng.Published(e)})
	}
	for i, g := range p.columns.groups {
		d := p.drafts[g.draft]
		o := throng.OptedOut{Group: g.name, OptedOutVisits: throng.Blank(throng.BelowGate)}
		if g.passed {
			e, err := d.draws.Visits(throng.DrawOptedOutVisits, total.optedOut[i])
			if err != nil {
				return err
			}
			o.OptedOutVisits = throng.Published(e)
		}
		d.optedOut = append(d.optedOut, o)
	}
	for i, d := range p.drafts {
		clipped, others := total.clipped[2*i], total.clipped[2*i+1]
		var err error
		if d.clipped, err = d.drawShare(throng.DrawClipped, clipped, others); err != nil {
			return err
		}
		if d.bots, err = d.drawShare(throng.DrawBots, total.bots[d.id.Site], clipped+others); err != nil {
			return err
		}
	}
	for _, d := range p.drafts {
		coverOptedOut(d.rows, d.optedOut)
	}
	return nil
}

// coverOptedOut fills in what the groups cover, from published numbers.
func coverOptedOut(rows []throng.Row, groups []throng.OptedOut) {
	if len(groups) == 0 {
		return
	}
	covering := map[string]int{}
	site := -1
	for i, g := range groups {
		covering[g.Group] = i
		if g.Group == throng.SiteGroup {
			site = i
		}
	}
	parts := make([][]throng.Estimate, len(groups))
	for _, row := range rows {
		e, _ := row.Visits.Estimate()
		section := site
		if name, ok := throng.SectionOf(row.Key); ok {
			section = covering[name]
			parts[section] = append(parts[section], e)
		}
		if section == site || groups[section].OptedOutVisits.Reason() != "" {
			parts[site] = append(parts[site], e)
		}
	}
	for i := range groups {
		groups[i].OfVisits = throng.SumOf(parts[i])
	}
}
