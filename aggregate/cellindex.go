package aggregate

import (
	"math/bits"

	"throng"
)

// cellIndex finds the node at which a cell's visits begin. It is asked once a row, where a Go map
// took more than a third of a pass: cells are keyed hashes already, so their own bits choose the
// slot, and no visitor can make them meet.
type cellIndex struct {
	slots []cellSlot // a power of two, at most a quarter of them in use
}

type cellSlot struct {
	cell throng.CellID
	node int32
	used bool
}

func newCellIndex(cells int) *cellIndex {
	return &cellIndex{slots: make([]cellSlot, 1<<bits.Len(uint(4*cells)))}
}

// slot is the slot of a cell, or the free one that it would take.
func (x *cellIndex) slot(c throng.CellID) *cellSlot {
	mask := uint64(len(x.slots) - 1)
	for i := uint64(c) & mask; ; i = (i + 1) & mask {
		if s := &x.slots[i]; !s.used || s.cell == c {
			return s
		}
	}
}

// put adds a cell or replaces its node. There must be room; newCellIndex has made it.
func (x *cellIndex) put(c throng.CellID, node int32) {
	*x.slot(c) = cellSlot{c, node, true}
}

// get is the node of a cell; ok is false when the cell is unknown.
func (x *cellIndex) get(c throng.CellID) (node int32, ok bool) {
	s := x.slot(c)
	return s.node, s.used
}
