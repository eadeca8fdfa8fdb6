package aggregate

import (
	"encoding/binary"

	"github.com/dchest/siphash"

	"throng"
	"throng/aggregate/ledger"
)

// bounder makes devices of rows that are ordered by unit, then node. One goroutine owns it.
type bounder struct {
	tree *tree
	// free is how many leaves a device can have without a look at which tables they are of.
	free    int
	present throng.UnitToken
	visited []visited // of the present unit
	out     devices
}

// visited is how often a unit visited a leaf.
type visited struct {
	node     int32
	visits   uint32
	priority uint64 // smaller is kept first
}

func (v visited) before(w visited) bool {
	return v.priority < w.priority || v.priority == w.priority && v.node < w.node
}

func newBounder(t *tree) *bounder {
	b := &bounder{tree: t, free: throng.MaxLeafKeys}
	for _, d := range t.drafts {
		b.free = min(b.free, d.l0)
	}
	return b
}

// bound gives the devices of rows, all of whose units are whole. They are the bounder's again at the next
// call.
func (b *bounder) bound(rows []unitRow) *devices {
	b.out.reset()
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].unit == rows[0].unit {
			n++
		}
		b.unit(rows[:n])
		rows = rows[n:]
	}
	return &b.out
}

// unit bounds one unit. Where requests of one device came from several networks (its address in the
// narrower one before it opted out), the smallest number stands for them.
func (b *bounder) unit(rows []unitRow) {
	b.present, b.visited = rows[0].unit, b.visited[:0]
	network, last, h := rows[0].network, none, head(0)
	for _, r := range rows {
		network = min(network, r.network)
		if r.optedOut() {
			h |= optedOutFlag
		}
		if node := r.node(); node != last {
			b.visited = append(b.visited, visited{node: node})
			last = node
		}
		v := &b.visited[len(b.visited)-1]
		v.visits = min(v.visits+r.visits(), maxLeafVisits)
	}
	kept := b.visited
	if len(kept) > b.free {
		var clipped bool
		if kept, clipped = b.keep(); clipped {
			h |= clippedFlag
		}
	}
	for _, v := range kept {
		b.out.leaf = append(b.out.leaf, newLeaf(v.node, v.visits))
	}
	b.out.unit = append(b.out.unit, b.present)
	b.out.network = append(b.out.network, hashNetwork(network, b.tree.drafts[b.tree.draftOf(kept[0].node)].site))
	b.out.head = append(b.out.head, h|head(len(kept)))
}

// keep chooses of each table's leaves as many as its L0 allows, by a keyed hash, so that nobody can
// foresee which. The choice depends on the unit alone: another unit changes nothing of it.
func (b *bounder) keep() (kept []visited, clipped bool) {
	kept = b.visited[:0]
	for from := 0; from < len(b.visited); {
		i := b.tree.draftOf(b.visited[from].node)
		draft, end := &b.tree.drafts[i], b.tree.ends[i]
		to := from + 1
		for to < len(b.visited) && b.visited[to].node < end {
			to++
		}
		of := b.visited[from:to]
		if from = to; len(of) > draft.l0 {
			b.prioritize(of, draft.l0, draft.key)
			of = of[:draft.l0]
			clipped = clipped || draft.path
		}
		kept = append(kept, of...)
	}
	return kept, clipped
}

// prioritize puts those most of the leaves first that are kept, in the order of their priority. A device of a span has
// some twenty leaves and keeps ten, so that most are compared with the last of these, and no more.
func (b *bounder) prioritize(of []visited, most int, key [2]uint64) {
	for i := range of { // in a loop of their own: each misses the cache, and none waits for another
		of[i].priority = b.tree.seeds[of[i].node]
	}
	var in [16]byte
	binary.LittleEndian.PutUint64(in[:8], uint64(b.present))
	for i := range of {
		binary.LittleEndian.PutUint64(in[8:], of[i].priority)
		of[i].priority = siphash.Hash(key[0], key[1], in[:])
	}
	for i, v := range of {
		at := min(i, most-1)
		if at < i && !v.before(of[at]) {
			continue
		}
		for ; at > 0 && v.before(of[at-1]); at-- {
			of[at] = of[at-1]
		}
		of[at] = v
	}
}

// hashNetwork spreads a network of a site over 32 bits; two that share a value share the limit, which is
// then stricter.
func hashNetwork(network uint32, site int32) uint32 {
	if network == 0 {
		return 0
	}
	x := uint64(network) + uint64(site)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint32(x>>32) | 1
}

func splitKey(k [ledger.KeyBytes]byte) [2]uint64 {
	return [2]uint64{binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])}
}
