package aggregate

import (
	"math/bits"

	"throng"
)

// cellIndex finds the node at which a cell's visits begin. It is asked once a row, where a Go map
// took more than a third of a pass: cells are keyed hashes already, so their own bits choose the
// slot, and no visitor can make them meet.
type cellIndex struct {
	slots []cellSlot // a power of two, at most half of them in use
}

// cellSlot is 12 bytes, in which no pointer aligns it to 16: fewer of them miss the cache.
type cellSlot struct {
	cell [2]uint32
	node int32 // plus two, so that 0 is free
}

func newCellIndex(cells int) *cellIndex {
	return &cellIndex{slots: make([]cellSlot, 1<<bits.Len(uint(2*cells)))}
}

func halves(c throng.CellID) [2]uint32 { return [2]uint32{uint32(c), uint32(c >> 32)} }

// slot is the slot of a cell, or the free one that it would take.
func (x *cellIndex) slot(c throng.CellID) *cellSlot {
	mask, cell := uint64(len(x.slots)-1), halves(c)
	for i := uint64(c) & mask; ; i = (i + 1) & mask {
		if s := &x.slots[i]; s.node == 0 || s.cell == cell {
			return s
		}
	}
}

// put adds a cell or replaces its node. There must be room; newCellIndex has made it.
func (x *cellIndex) put(c throng.CellID, node int32) {
	*x.slot(c) = cellSlot{halves(c), node + 2}
}

// get is the node of a cell; ok is false when the cell is unknown.
func (x *cellIndex) get(c throng.CellID) (node int32, ok bool) {
	s := x.slot(c)
	return s.node - 2, s.node != 0
}
