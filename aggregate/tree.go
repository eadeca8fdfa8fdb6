package aggregate

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/dchest/siphash"

	"throng"
	"throng/aggregate/ledger"
)

// TreeVersion is the version of the rules in this file, of [throng.LeafKey] and of [throng.GroupOf]. A
// release made under other rules overlaps one of these, so it may not be drawn for the same period.
const TreeVersion = 2

// The levels at which a cell is gated. What fails at one is folded into a group of a higher one.
const (
	leafLevel       int8 = iota // a path
	subsectionLevel             // /SEGMENT/SEGMENT/*other*
	sectionLevel                // /SEGMENT/*other*
	siteLevel                   // /*other*
	levels
)

// none is the place of what is not published: above the site, or of a site that is not drawn now.
const none int32 = -1

func levelOf(key string) int8 {
	if !throng.IsOther(key) {
		return leafLevel
	}
	switch strings.Count(key, "/") {
	case 1:
		return siteLevel
	case 2:
		return sectionLevel
	}
	return subsectionLevel
}

// node is a cell of the tree: a leaf, or a group. A path that generalization has made a group of is
// the same node as the group into which its neighbours fold.
type node struct {
	site   int32 // index into drafts
	level  int8
	parent int32 // the group into which it folds, or none
	key    string
	// seed stands for the key when a device's leaves are put in order.
	seed uint64
}

// tree is the path tree of the sites that are drawn together. It is read by all workers and changed
// between their passes only.
type tree struct {
	nodes []node // by site and key
	// start is the node at which the visits of a cell begin; none for cells that are not drawn now.
	start *cellIndex
	// at is where the visits that began at a node are counted at present.
	at []int32
	// keys are the sampling keys, by site.
	keys [][2]uint64
}

type place struct {
	site int32
	key  string
}

// newTree builds the tree of the sites to draw, with every leaf where it began.
func newTree(sites []string, keys [][ledger.KeyBytes]byte, cells []throng.CellKey) (*tree, error) {
	t := &tree{start: newCellIndex(len(cells))}
	for _, k := range keys {
		t.keys = append(t.keys, splitKey(k))
	}
	index := make(map[string]int32, len(sites))
	for i, s := range sites {
		index[s] = int32(i)
	}
	places := map[place]int32{}
	began := make(map[throng.CellID]place, len(cells))
	for _, c := range cells {
		t.start.put(c.Cell, none)
		site, ok := index[c.Site]
		if !ok || c.Table != throng.PathTable {
			continue
		}
		p := place{site, throng.LeafKey(c.Key)}
		if was, again := began[c.Cell]; again && was != p {
			return nil, errors.New("build tree: two keys share one cell")
		}
		began[c.Cell] = p
		for ok := true; ok; p.key, ok = throng.GroupOf(p.key) {
			places[p] = none
		}
	}
	t.grow(places)
	for c, p := range began {
		t.start.put(c, places[p])
	}
	return t, nil
}

// grow makes a node of each place and notes its number there.
func (t *tree) grow(places map[place]int32) {
	t.nodes = make([]node, 0, len(places))
	for p := range places {
		t.nodes = append(t.nodes, node{site: p.site, key: p.key, level: levelOf(p.key), parent: none})
	}
	slices.SortFunc(t.nodes, func(a, b node) int {
		return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.key, b.key))
	})
	for i, n := range t.nodes {
		places[place{n.site, n.key}] = int32(i)
	}
	t.at = make([]int32, len(t.nodes))
	for i := range t.nodes {
		n := &t.nodes[i]
		k := t.keys[n.site]
		n.seed = siphash.Hash(k[0], k[1], []byte(n.key))
		if group, ok := throng.GroupOf(n.key); ok {
			n.parent = places[place{n.site, group}]
		}
		t.at[i] = int32(i)
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

// node finds where a cell's visits begin. A cell without text is an error: leaving it out would
// publish less than was counted, without a word.
func (t *tree) node(c throng.CellID) (int32, error) {
	n, ok := t.start.get(c)
	if !ok {
		return none, errors.New("count: a unit's cell is not among the day's cells")
	}
	return n, nil
}
