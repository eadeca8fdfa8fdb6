package aggregate

import (
	"slices"

	"throng"
)

// devices are what the bounds leave of some devices in a period, in columns: some 35 bytes for a device of
// five leaves.
type devices struct {
	unit    []throng.UnitToken // of days alone: a span folds nothing
	network []uint32           // stands for its network; 0 is unknown
	head    []head
	leaf    []leaf // of all devices, one after the other
}

// head tells of a device whether any of its visits is opted out, whether it visited more leaves of the path
// table than were kept, and in its low bits how many leaves it has: at most L0 of each table.
type head uint8

const (
	optedOutFlag head = 1 << 7
	clippedFlag  head = 1 << 6
	maxLeaves         = clippedFlag - 1
)

func (h head) leaves() int    { return int(h & maxLeaves) }
func (h head) optedOut() bool { return h&optedOutFlag != 0 }
func (h head) clipped() bool  { return h&clippedFlag != 0 }

// leaf is a leaf key that a device visited: node<<2 | visits-1. Visits are cut at Linf + 1, which is enough to
// cut any sum of them at Linf and to see that it was.
type leaf uint32

const maxLeafVisits = throng.MaxVisitsPerCell + 1

func newLeaf(node int32, visits uint32) leaf { return leaf(uint32(node)<<2 | (visits - 1)) }
func (l leaf) node() int32                   { return int32(l >> 2) }
func (l leaf) visits() int64                 { return int64(l&3) + 1 }

func (d *devices) reset() {
	d.unit, d.network, d.head, d.leaf = d.unit[:0], d.network[:0], d.head[:0], d.leaf[:0]
}

// bytes is the memory that a clone takes.
func (d *devices) bytes() int64 {
	return int64(8*len(d.unit) + 4*len(d.network) + len(d.head) + 4*len(d.leaf))
}

// clone is a copy that takes no more memory than it needs, without units where they are not needed.
func (d *devices) clone(units bool) devices {
	c := devices{nil, slices.Clone(d.network), slices.Clone(d.head), slices.Clone(d.leaf)}
	if units {
		c.unit = slices.Clone(d.unit)
	}
	return c
}
