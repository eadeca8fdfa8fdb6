package aggregate

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/dchest/siphash"

	"throng"
	"throng/aggregate/ledger"
)

// bounder makes devices of a range of units, one after the other. One goroutine owns it.
type bounder struct {
	tree *tree
	// yield takes each device that has a leaf; the device is the bounder's again when it returns.
	yield func(*device)

	device device
	unit   throng.UnitToken // the unit whose rows are being read
	last   throng.UnitToken // of the range
	began  bool             // a row of unit was seen
	cell   throng.CellID    // the cell of the row before, and its node; only for speed
	node   int32
	known  bool
	// visited are the unit's visits so far, and slot the place of a node in them, plus one. A unit that
	// visits every path needs no more than one for each.
	visited []visited
	slot    []int32
	network uint64
}

// visited is how often a unit visited a leaf.
type visited struct {
	node     int32
	draft    int32
	visits   uint64
	priority uint64 // smaller is kept first
}

func newBounder(t *tree, yield func(*device)) *bounder {
	return &bounder{tree: t, yield: yield, slot: make([]int32, len(t.nodes))}
}

// begin sets the range of units that comes next.
func (b *bounder) begin(first, last throng.UnitToken) { b.unit, b.last, b.began = first, last, false }

// add takes the next rows, which may begin or end within a unit.
func (b *bounder) add(rows throng.UnitRows) error {
	n := len(rows.Unit)
	if len(rows.Cell) != n || len(rows.Visits) != n || len(rows.OptedOut) != n || len(rows.Network) != n {
		return errors.New("count: the store's columns differ in length")
	}
	for i, unit := range rows.Unit {
		if unit != b.unit {
			// A unit that came back later would be bounded twice.
			if unit < b.unit || unit > b.last {
				return errors.New("count: the store's units are out of order")
			}
			b.end()
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
			b.visit(uint64(rows.Visits[i]), rows.OptedOut[i], rows.Network[i])
		}
	}
	return nil
}

// visit adds visits to the present unit and node. Where requests of one device came from several
// networks (its address in the narrower one before it opted out), the smallest stands for them.
func (b *bounder) visit(visits uint64, optedOut bool, network uint64) {
	if !b.began {
		b.began, b.network, b.device.optedOut = true, network, false
	}
	b.network = min(b.network, network)
	b.device.optedOut = b.device.optedOut || optedOut
	if s := b.slot[b.node]; s > 0 {
		b.visited[s-1].visits += visits
		return
	}
	b.visited = append(b.visited, visited{node: b.node, draft: b.tree.nodes[b.node].draft, visits: visits})
	b.slot[b.node] = int32(len(b.visited))
}

// end yields what the bounds leave of the present unit.
func (b *bounder) end() {
	if len(b.visited) == 0 {
		return
	}
	for _, v := range b.visited {
		b.slot[v.node] = 0
	}
	site := b.tree.drafts[b.visited[0].draft].site
	b.device.unit, b.device.network = b.unit, hashNetwork(b.network, site)
	b.keep()
	b.yield(&b.device)
	b.visited, b.began = b.visited[:0], false
}

// keep chooses of each table's leaves as many as its L0 allows, by a keyed hash, so that nobody can
// foresee which. The choice depends on the unit alone: another unit changes nothing of it.
func (b *bounder) keep() {
	b.device.leaves, b.device.clipped = b.device.leaves[:0], false
	byDraft := func(x, y visited) int { return cmp.Compare(x.draft, y.draft) }
	if !slices.IsSortedFunc(b.visited, byDraft) {
		slices.SortStableFunc(b.visited, byDraft)
	}
	for from := 0; from < len(b.visited); {
		to := from + 1
		for to < len(b.visited) && b.visited[to].draft == b.visited[from].draft {
			to++
		}
		b.keepOf(b.visited[from:to])
		from = to
	}
}

// keepOf keeps leaves of one table.
func (b *bounder) keepOf(of []visited) {
	if draft := &b.tree.drafts[of[0].draft]; len(of) > draft.l0 {
		b.prioritize(of)
		of = of[:draft.l0]
		b.device.clipped = b.device.clipped || draft.path
	}
	for _, v := range of {
		b.device.leaves = append(b.device.leaves, leaf{v.node, uint8(min(v.visits, maxLeafVisits))})
	}
}

func (b *bounder) prioritize(of []visited) {
	var in [16]byte
	binary.LittleEndian.PutUint64(in[:8], uint64(b.unit))
	for i := range of {
		v := &of[i]
		binary.LittleEndian.PutUint64(in[8:], b.tree.nodes[v.node].seed)
		k := b.tree.drafts[v.draft].key
		v.priority = siphash.Hash(k[0], k[1], in[:])
	}
	slices.SortFunc(of, func(x, y visited) int {
		return cmp.Or(cmp.Compare(x.priority, y.priority), cmp.Compare(x.node, y.node))
	})
}

// hashNetwork spreads a network of a site over 32 bits; two that share a value share the limit, which is
// then stricter.
func hashNetwork(network uint64, site int32) uint32 {
	if network == 0 {
		return 0
	}
	x := network + uint64(site)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint32(x>>32) | 1
}

func splitKey(k [ledger.KeyBytes]byte) [2]uint64 {
	return [2]uint64{binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])}
}
