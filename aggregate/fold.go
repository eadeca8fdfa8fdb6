package aggregate

import (
	"context"
	"sync"

	"github.com/dchest/siphash"

	"throng"
)

// foldBatch is the number of rows that are handed to the store at a time: 8 MB, so that it need not merge
// what it gets.
const foldBatch = 1 << 18

// settle puts every leaf where a drawn release has it: at the nearest published key above it. It says
// the same as the gates did, also after a restart, when only the release is left of them.
func (t *tree) settle(published []map[string]bool) {
	for i := range t.at {
		at := int32(i)
		for at != none && !published[t.nodes[at].draft][t.nodes[at].key] {
			at = t.nodes[at].parent
		}
		t.at[i] = at
	}
}

// fold writes what the day's releases could not publish by itself to the store, until its span is
// closed: for each device and leaf those bounded visits that its group counted, or that no row did.
func (c *census) fold(ctx context.Context, cells []throng.CellKey) error {
	f := &folder{census: c}
	f.to, f.at = c.tree.foldedCells(cells)
	return c.store.Fold(ctx, c.period.First(), f.to, func(put func(throng.UnitRows) error) error {
		f.put = put
		return f.run(ctx)
	})
}

// foldedCells gives the cells under which visits of leaf nodes are folded, in the order of nodes, and for each node
// which of them it is, or none: where a node's visits are published under its own key, or its table has no spans.
func (t *tree) foldedCells(cells []throng.CellKey) (to []throng.CellKey, of []int32) {
	of = make([]int32, len(t.nodes)) // until they are known, of cells
	for i := range of {
		of[i] = none
	}
	n := 0
	for c, cell := range cells {
		i, ok := t.start.get(cell.Cell)
		if !ok || i == none || t.at[i] == i || !t.drafts[t.nodes[i].draft].path {
			continue
		}
		if of[i] == none {
			n++
		}
		if of[i] == none || cell.Cell < cells[of[i]].Cell {
			of[i] = int32(c)
		}
	}
	to = make([]throng.CellKey, 0, n)
	for i, c := range of {
		if c == none {
			continue
		}
		cell := cells[c]
		cell.Key = t.nodes[i].key
		if at := t.at[i]; at != none {
			// The cell is a secret of its epoch, so that nobody can aim at another one.
			cell.Holder = t.nodes[at].key
			cell.Cell = throng.CellID(siphash.Hash(uint64(cell.Cell), ^uint64(cell.Cell), []byte(cell.Holder)))
		}
		of[i] = int32(len(to))
		to = append(to, cell)
	}
	return to, of
}

type folder struct {
	*census
	to  []throng.CellKey
	at  []int32 // of each node in to
	put func(throng.UnitRows) error
}

func (f *folder) run(ctx context.Context) error {
	var of []foldOf
	place := make([]int32, len(f.tree.nodes))
	for i, at := range f.tree.at {
		place[i] = none
		folds := f.at[i] != none
		if !folds && (at == none || f.tree.nodes[i].level == leafLevel) {
			continue
		}
		place[i] = int32(len(of))
		o := foldOf{at: at, folds: folds}
		if folds {
			o.cell = f.to[f.at[i]].Cell
		}
		of = append(of, o)
	}
	var mu sync.Mutex // guards failed
	var failed error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if failed == nil {
			failed = err
		}
	}
	var all []*foldRows
	err := f.pass(ctx, func() visitor {
		w := &foldRows{folder: f, of: of, place: place, fail: fail}
		all = append(all, w)
		return w.add
	})
	for _, w := range all {
		w.flush()
	}
	if err != nil {
		return err
	}
	return failed
}

// foldOf is what becomes of a leaf node's visits: the cell under which they are folded, if they are, and the
// published group that counts them, or none.
type foldOf struct {
	cell  throng.CellID
	at    int32
	folds bool
}

// foldRows gathers the rows of one worker.
type foldRows struct {
	*folder
	of []foldOf
	// place is where in of a leaf node is, or none: those are left out whose visits neither fold nor count in
	// a group with others.
	place  []int32
	fail   func(error)
	rows   throng.UnitRows
	picked picked  // leaves with a place
	taken  []share // visits of the device that a group has counted
}

func (w *foldRows) add(d *devices) {
	p := &w.picked
	p.pick(d, w.place, w.place)
	places, number, leaves := p.cell, p.number, d.leaf
	for i, h := range d.head {
		n := p.of[i]
		if n > 0 {
			w.addDevice(d, i, leaves[:h.leaves()], places[:n], number[:n])
		}
		places, number, leaves = places[n:], number[n:], leaves[h.leaves():]
	}
}

// addDevice folds one device's leaves. A group counted at most Linf visits of the device, so no more than those
// are folded from it: a span's row is then never more than its holder. Which leaves they are of is chosen by
// the token, which prefers none.
func (w *foldRows) addDevice(d *devices, i int, leaves []leaf, places []int32, number []uint8) {
	w.taken = w.taken[:0]
	first, k := uint8(uint64(d.unit[i])%uint64(len(leaves))), 0
	for k < len(number) && number[k] < first {
		k++
	}
	for range places {
		if k == len(places) {
			k = 0
		}
		w.addLeaf(d, i, leaves[number[k]], &w.of[places[k]])
		k++
	}
}

func (w *foldRows) addLeaf(d *devices, i int, l leaf, of *foldOf) {
	visits := min(l.visits(), throng.MaxVisitsPerCell)
	if of.at != none {
		visits = w.take(of.at, visits)
	}
	if visits > 0 && of.folds {
		w.append(d, i, of.cell, visits)
	}
}

// take gives how many more visits the group has counted.
func (w *foldRows) take(group int32, visits int64) int64 {
	var before int64
	for _, s := range w.taken {
		if s.cell == group {
			before = s.visits
		}
	}
	visits = min(visits, throng.MaxVisitsPerCell-before)
	w.taken = merge(w.taken, group, visits)
	return visits
}

func (w *foldRows) append(d *devices, i int, cell throng.CellID, visits int64) {
	r := &w.rows
	if r.Unit == nil {
		*r = newFoldBatch()
	}
	r.Unit, r.Cell = append(r.Unit, d.unit[i]), append(r.Cell, cell)
	r.OptedOut, r.Visits = append(r.OptedOut, d.head[i].optedOut()), append(r.Visits, uint32(visits))
	r.Network = append(r.Network, uint64(d.network[i]))
	if len(r.Unit) == foldBatch {
		w.flush()
	}
}

// newFoldBatch has room for a whole batch: growing would leave as much again behind.
func newFoldBatch() throng.UnitRows {
	return throng.UnitRows{
		Unit: make([]throng.UnitToken, 0, foldBatch), Cell: make([]throng.CellID, 0, foldBatch), OptedOut: make([]bool, 0, foldBatch),
		Visits: make([]uint32, 0, foldBatch), Network: make([]uint64, 0, foldBatch),
	}
}

func (w *foldRows) flush() {
	if len(w.rows.Unit) == 0 {
		return
	}
	if err := w.put(w.rows); err != nil {
		w.fail(err)
	}
	r := &w.rows
	r.Unit, r.Cell, r.OptedOut, r.Visits, r.Network = r.Unit[:0], r.Cell[:0], r.OptedOut[:0], r.Visits[:0], r.Network[:0]
}
