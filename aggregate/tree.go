package aggregate

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/dchest/siphash"

	"throng"
)

// TreeVersion is the version of the rules in this file, of [throng.LeafKey] and of [throng.GroupOf]. A
// release made under other rules overlaps one of these, so it may not be drawn for the same period.
const TreeVersion = 2

// The levels at which a cell is gated. What fails at one is folded into a group of a higher one.
const (
	leafLevel       int8 = iota // a path, or a key of another table
	subsectionLevel             // /SEGMENT/SEGMENT/*other*
	sectionLevel                // /SEGMENT/*other*
	siteLevel                   // /*other*, and *other* of another table
	levels
)

// none is the place of what is not published: above the site, or of a table that is not drawn now.
const none int32 = -1

func levelOf(key string) int8 {
	if !throng.IsOther(key) {
		return leafLevel
	}
	return siteLevel - int8(max(strings.Count(key, "/"), 1)-1)
}

// node is a cell of the tree: a leaf, or a group. A path that generalization has made a group of is
// the same node as the group into which its neighbours fold.
type node struct {
	draft  int32 // index into drafts
	level  int8
	parent int32 // the group into which it folds, or none
	key    string
	holder string // of a span: the day's published group whose visits these are
	// mixed says that visits of those who opted out can be in it.
	mixed bool
}

// tree is the trees of the tables that are drawn together. It is read by all workers and changed
// between their passes only.
type tree struct {
	drafts []treeDraft
	nodes  []node  // by draft, key and holder
	ends   []int32 // of each draft in nodes
	// seeds stand for the keys of nodes when a device's leaves are put in order.
	seeds []uint64
	// start is the node at which the visits of a cell begin; none for cells that are not drawn now.
	start *cellIndex
	// at is where the visits that began at a node are counted at present.
	at []int32
}

// treeDraft is what a tree knows of a table that is drawn.
type treeDraft struct {
	site int32 // the same for all tables of a site
	l0   int
	path bool
	key  [2]uint64 // the sampling key
}

type place struct {
	draft       int32
	key, holder string
}

// newTree builds the tree of the tables to draw, with every leaf where it began.
func newTree(drafts []*draft, cells []throng.CellKey) (*tree, error) {
	t := &tree{start: newCellIndex(len(cells))}
	index, sites := map[[2]string]int32{}, map[string]int32{}
	for i, d := range drafts {
		if _, ok := sites[d.id.Site]; !ok {
			sites[d.id.Site] = int32(len(sites))
		}
		index[[2]string{d.id.Site, d.id.Table}] = int32(i)
		t.drafts = append(t.drafts, treeDraft{sites[d.id.Site], int(d.account.Parameters.L0), d.id.Table == throng.PathTable, splitKey(d.key)})
	}
	starts, groups := make([]start, 0, len(cells)), map[place]int32{}
	for _, c := range cells {
		t.start.put(c.Cell, none)
		draft, ok := index[[2]string{c.Site, c.Table}]
		if !ok {
			continue
		}
		p := place{draft, leafKey(c.Table, c.Key), c.Holder}
		starts = append(starts, start{p, c.Cell, true})
		for p, ok = t.above(p); ok; p, ok = t.above(p) {
			if _, known := groups[p]; known {
				break // and all above it
			}
			groups[p] = none
			starts = append(starts, start{place: p})
		}
	}
	if len(starts) >= maxNodes {
		return nil, errors.New("build tree: there are more keys than a row can tell apart")
	}
	err := t.grow(starts, groups)
	t.mix(drafts)
	return t, err
}

// start is a place at which visits begin: those of a cell, or, of a group, those that fold into it.
type start struct {
	place
	cell   throng.CellID
	isCell bool
}

func leafKey(table, key string) string {
	if table == throng.PathTable {
		return throng.LeafKey(key)
	}
	return key
}

// above is the place into which a place folds. What fails below its holder stays in the holder, where
// it is published already.
func (t *tree) above(p place) (place, bool) {
	group, ok := throng.Other, p.key != throng.Other
	if t.drafts[p.draft].path {
		group, ok = throng.GroupOf(p.key)
	}
	if !ok || group == p.holder {
		return place{}, false
	}
	return place{p.draft, group, p.holder}, true
}

// grow makes a node of each place and lets its cells begin there.
func (t *tree) grow(starts []start, groups map[place]int32) error {
	slices.SortFunc(starts, func(a, b start) int {
		return cmp.Or(cmp.Compare(a.draft, b.draft), cmp.Compare(a.key, b.key), cmp.Compare(a.holder, b.holder))
	})
	t.nodes, t.seeds, t.ends = make([]node, 0, len(starts)), make([]uint64, 0, len(starts)), make([]int32, len(t.drafts))
	for i, s := range starts {
		if i == 0 || s.place != starts[i-1].place {
			t.append(s.place)
		}
		last := int32(len(t.nodes) - 1)
		if !s.isCell {
			groups[s.place] = last
			continue
		}
		if was, _ := t.start.get(s.cell); was != none && was != last {
			return errors.New("build tree: two keys share one cell")
		}
		t.start.put(s.cell, last)
	}
	t.at = make([]int32, len(t.nodes))
	for i := range t.nodes {
		n := &t.nodes[i]
		if p, ok := t.above(place{n.draft, n.key, n.holder}); ok {
			n.parent = groups[p]
		}
		t.at[i] = int32(i)
	}
	return nil
}

// append adds the node of a place.
func (t *tree) append(p place) {
	k := t.drafts[p.draft].key
	t.seeds = append(t.seeds, siphash.Hash(k[0], k[1], []byte(p.holder+"\x00"+p.key)))
	t.nodes = append(t.nodes, node{draft: p.draft, key: p.key, holder: p.holder, level: levelOf(p.key), parent: none})
	t.ends[p.draft] = int32(len(t.nodes))
}

// mix marks the nodes in which visits of those who opted out can be: generalization keeps for them the
// listed pages and the groups around them, and the site's group. Everyone can know that.
func (t *tree) mix(drafts []*draft) {
	mixed := map[place]bool{}
	for i, d := range drafts {
		mixed[place{draft: int32(i), key: throng.Other}] = true
		mixed[place{draft: int32(i), key: "/" + throng.Other}] = true
		for _, route := range d.routes {
			key := throng.LeafKey(route)
			for ok := true; ok; key, ok = throng.GroupOf(key) {
				mixed[place{draft: int32(i), key: key}] = true
			}
		}
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		n.mixed = mixed[place{draft: n.draft, key: n.key}]
	}
}

// fold moves what is at a failed node into its group.
func (t *tree) fold(failed []bool) {
	for i, at := range t.at {
		if at != none && failed[at] {
			t.at[i] = t.nodes[at].parent
		}
	}
}

// draftOf is the draft of a node; there are few of them.
func (t *tree) draftOf(node int32) int {
	i := 0
	for t.ends[i] <= node {
		i++
	}
	return i
}

// findNodes finds where the visits of cells begin; one loop without a branch that depends on what it finds
// lets the processor wait for many at once. A cell without text is an error: leaving it out would publish
// less than was counted, without a word.
func (t *tree) findNodes(nodes []int32, cells []throng.CellID) error {
	all := true
	for i, c := range cells {
		node, ok := t.start.get(c)
		nodes[i], all = node, all && ok
	}
	if !all {
		return errors.New("count: a unit's cell is not among the period's cells")
	}
	return nil
}
