package aggregate

import "slices"

// picked are those leaves of some devices that are in a cell, in their order: whoever goes on with them meets none
// that is in no cell, which half of them are, and which the processor cannot foresee. One goroutine owns it; its
// memory is used again.
type picked struct {
	cell   []int32
	number []uint8 // of the leaf among the device's
	of     []uint8 // how many of them each device has
}

// pick takes the leaves of d for which of has a cell, or optedOut where the device opted out. It writes every leaf and
// goes on behind those that count: none is −1, so that its sign says how far.
func (p *picked) pick(d *devices, of, optedOut []int32) {
	p.cell = slices.Grow(p.cell[:0], len(d.leaf))[:len(d.leaf)]
	p.number = slices.Grow(p.number[:0], len(d.leaf))[:len(d.leaf)]
	p.of = slices.Grow(p.of[:0], len(d.head))[:len(d.head)]
	n, leaves := 0, d.leaf
	for i, h := range d.head {
		from, in := n, of
		if h.optedOut() {
			in = optedOut
		}
		for j, l := range leaves[:h.leaves()] {
			cell := in[l.node()]
			p.cell[n], p.number[n] = cell, uint8(j)
			n += int(1 + cell>>31)
		}
		leaves = leaves[h.leaves():]
		p.of[i] = uint8(n - from)
	}
}
