package aggregate

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dchest/siphash"
	"golang.org/x/sync/errgroup"

	"throng"
	"throng/aggregate/ledger"
)

// unitRanges is the number of ranges into which the units are split. Tokens are hashes, so ranges
// are of one size; there are many so that workers finish together.
const unitRanges = 64

// counts are true numbers, by node. They never leave the package but through a mechanism.
type counts struct {
	devices []int64
	visits  []int64
}

func newCounts(nodes int) counts { return counts{make([]int64, nodes), make([]int64, nodes)} }

func (c counts) add(d counts) {
	for i := range c.devices {
		c.devices[i] += d.devices[i]
		c.visits[i] += d.visits[i]
	}
}

// census reads a day's units out of the store, as often as the partition needs them. Bounding is a
// function of the units and the sampling key, so every pass keeps the same contributions.
type census struct {
	store   Store
	day     throng.Day
	tree    *tree
	workers int
}

// count makes one pass and counts, for each node, the devices and bounded visits that are at it now.
// Its memory depends on the number of nodes, not of units.
func (c *census) count(ctx context.Context) (counts, error) {
	total := newCounts(len(c.tree.nodes))
	if len(c.tree.nodes) == 0 {
		return total, nil
	}
	var next atomic.Int64
	var mu sync.Mutex // guards total
	g, ctx := errgroup.WithContext(ctx)
	for range c.workers {
		g.Go(func() error {
			b := newBounder(c.tree)
			for r := next.Add(1) - 1; r < unitRanges; r = next.Add(1) - 1 {
				if err := b.countRange(ctx, c, uint64(r)); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(b.counts)
			return nil
		})
	}
	return total, g.Wait()
}

func (b *bounder) countRange(ctx context.Context, c *census, r uint64) error {
	const width = math.MaxUint64/unitRanges + 1
	lo := r * width
	b.unit, b.last = throng.UnitToken(lo), throng.UnitToken(lo+(width-1))
	if err := c.store.Units(ctx, c.day, b.unit, b.last, b.add); err != nil {
		return err
	}
	b.endUnit()
	return nil
}

// contribution is what one device brings to one node.
type contribution struct {
	node     int32
	visits   int64
	priority uint64 // smaller is kept first
}

// bounder bounds one unit after the other. One goroutine owns it.
type bounder struct {
	tree   *tree
	counts counts
	unit   throng.UnitToken // the unit whose rows are being read
	last   throng.UnitToken // of the range
	cell   throng.CellID    // the cell of the row before, and its node; only for speed
	node   int32
	known  bool
	// leaves are the unit's contributions so far, and slot the place of a node in them, plus one. A
	// unit that visits every path needs no more than one contribution for each.
	leaves []contribution
	slot   []int32
	merged []contribution
}

func newBounder(t *tree) *bounder {
	return &bounder{tree: t, counts: newCounts(len(t.nodes)), slot: make([]int32, len(t.nodes))}
}

// add takes the next rows, which may begin or end within a unit.
func (b *bounder) add(rows throng.UnitRows) error {
	n := len(rows.Unit)
	if len(rows.Cell) != n || len(rows.Visits) != n {
		return errors.New("count: the store's columns differ in length")
	}
	for i, unit := range rows.Unit {
		if unit != b.unit {
			// A unit that came back later would be bounded twice.
			if unit < b.unit || unit > b.last {
				return errors.New("count: the store's units are out of order")
			}
			b.endUnit()
			b.unit = unit
		}
		if cell := rows.Cell[i]; cell != b.cell || !b.known {
			node, err := b.tree.node(cell)
			if err != nil {
				return err
			}
			b.cell, b.node, b.known = cell, node, true
		}
		if b.node != none && rows.Visits[i] > 0 {
			b.visit(int64(rows.Visits[i]))
		}
	}
	return nil
}

// visit adds visits to the present unit and node.
func (b *bounder) visit(visits int64) {
	if s := b.slot[b.node]; s > 0 {
		b.leaves[s-1].visits += visits
		return
	}
	b.leaves = append(b.leaves, contribution{node: b.node, visits: visits})
	b.slot[b.node] = int32(len(b.leaves))
}

// endUnit counts what the bounds leave of the present unit.
func (b *bounder) endUnit() {
	for _, l := range b.leaves {
		b.slot[l.node] = 0
	}
	b.merged = b.merged[:0]
	for _, l := range b.keep() {
		if at := b.tree.at[l.node]; at != none {
			b.merge(at, l.visits)
		}
	}
	for _, m := range b.merged {
		b.counts.devices[m.node]++
		b.counts.visits[m.node] += min(m.visits, throng.MaxVisitsPerCell)
	}
	b.leaves = b.leaves[:0]
}

// keep chooses L0 of the unit's leaves by a keyed hash, so that nobody can foresee which.
func (b *bounder) keep() []contribution {
	if len(b.leaves) <= throng.MaxLeafKeys {
		return b.leaves
	}
	var in [16]byte
	binary.LittleEndian.PutUint64(in[:8], uint64(b.unit))
	for i := range b.leaves {
		l := &b.leaves[i]
		n := &b.tree.nodes[l.node]
		binary.LittleEndian.PutUint64(in[8:], n.seed)
		k := b.tree.keys[n.site]
		l.priority = siphash.Hash(k[0], k[1], in[:])
	}
	slices.SortFunc(b.leaves, func(x, y contribution) int {
		return cmp.Or(cmp.Compare(x.priority, y.priority), cmp.Compare(x.node, y.node))
	})
	return b.leaves[:throng.MaxLeafKeys]
}

// merge adds visits to the unit's contribution to a cell; a unit is in at most L0 of them.
func (b *bounder) merge(node int32, visits int64) {
	for i := range b.merged {
		if b.merged[i].node == node {
			b.merged[i].visits += visits
			return
		}
	}
	b.merged = append(b.merged, contribution{node: node, visits: visits})
}

func splitKey(k [ledger.KeyBytes]byte) [2]uint64 {
	return [2]uint64{binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])}
}
