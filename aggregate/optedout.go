package aggregate

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"throng"
)

// optedOutColumns are the groups of the opted-out columns: sections, and for each table its site's.
type optedOutColumns struct {
	groups []optedOutGroup
	// of is the group that covers a published node: its section where that has passed, else its site's;
	// none for nodes that are not published, and for tables without the column.
	of []int32
}

type optedOutGroup struct {
	draft  int32
	name   string
	passed bool
}

// divide makes the opted-out columns. A section passes when both its opted-out devices and the others in
// its published rows pass a gate; what lies in no section that passed is one group, with gates of its
// own. So the groups are a partition of the rows, and no difference of two of them is a group that
// nobody gated. The others count in those rows only in which visits of those who opted out can be: these
// rows' visits less the column's number are those of the others in them, and nobody else's.
func (p *partition) divide(ctx context.Context) error {
	sections, sites := p.group()
	if len(p.columns.groups) == 0 {
		return nil
	}
	if err := p.gateColumn(ctx, sections, func(g optedOutGroup) bool { return g.name != throng.SiteGroup }); err != nil {
		return err
	}
	for i, section := range sections {
		if p.columns.of[i] = sites[i]; section != none && p.columns.groups[section].passed {
			p.columns.of[i] = section
		}
	}
	return p.gateColumn(ctx, p.columns.of, func(g optedOutGroup) bool { return g.name == throng.SiteGroup })
}

// group makes the groups, by draft and name, and gives the section and the site of each published node.
func (p *partition) group() (sections, sites []int32) {
	names := map[optedOutGroup]bool{}
	for i, d := range p.drafts {
		if d.has(throng.DrawOptedOutVisits) {
			names[optedOutGroup{draft: int32(i), name: throng.SiteGroup}] = true
		}
	}
	for i, n := range p.tree.nodes {
		name, ok := throng.SectionOf(n.key)
		if ok && p.published(int32(i)) && p.drafts[n.draft].has(throng.DrawOptedOutVisits) {
			names[optedOutGroup{draft: n.draft, name: name}] = true
		}
	}
	p.columns.groups = slices.SortedFunc(maps.Keys(names), compareGroups)
	sections, sites = make([]int32, len(p.tree.nodes)), make([]int32, len(p.tree.nodes))
	p.columns.of = make([]int32, len(p.tree.nodes))
	for i, n := range p.tree.nodes {
		sections[i], sites[i], p.columns.of[i] = none, none, none
		if !p.published(int32(i)) {
			continue
		}
		sites[i] = p.columns.find(n.draft, throng.SiteGroup)
		if name, ok := throng.SectionOf(n.key); ok {
			sections[i] = p.columns.find(n.draft, name)
		}
	}
	return sections, sites
}

func compareGroups(a, b optedOutGroup) int {
	return cmp.Or(cmp.Compare(a.draft, b.draft), cmp.Compare(a.name, b.name))
}

func (c *optedOutColumns) find(draft int32, name string) int32 {
	i, ok := slices.BinarySearchFunc(c.groups, optedOutGroup{draft: draft, name: name}, compareGroups)
	if !ok {
		return none
	}
	return int32(i)
}

// gateColumn gates those groups that are chosen; of says in which group a published node counts.
func (p *partition) gateColumn(ctx context.Context, of []int32, chosen func(optedOutGroup) bool) error {
	in := cells{of: make([]int32, len(of)), optedOut: make([]int32, len(of)), n: 2 * len(p.columns.groups)}
	for i := range of {
		in.of[i], in.optedOut[i] = none, none
		if at := p.tree.at[i]; at != none {
			if g := of[at]; g != none && chosen(p.columns.groups[g]) {
				in.optedOut[i] = 2*g + 1
				if p.tree.nodes[at].mixed {
					in.of[i] = 2 * g
				}
			}
		}
	}
	count, err := p.census.devices(ctx, in, p.leastK())
	if err != nil {
		return err
	}
	for i := range p.columns.groups {
		g := &p.columns.groups[i]
		if !chosen(*g) {
			continue
		}
		remaining, err := p.drafts[g.draft].draws.Gate(throng.DrawOptedOutGates, count[2*i])
		if err != nil {
			return err
		}
		optedOut, err := p.drafts[g.draft].draws.Gate(throng.DrawOptedOutGates, count[2*i+1])
		if err != nil {
			return err
		}
		_, both := remaining.Estimate()
		if _, ok := optedOut.Estimate(); both && ok {
			g.passed = true
		}
	}
	return nil
}
