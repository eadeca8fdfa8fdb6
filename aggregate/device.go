package aggregate

import (
	"encoding/binary"

	"throng"
)

// device is what the bounds leave of one device in a period.
type device struct {
	unit     throng.UnitToken
	network  uint32 // stands for its network; 0 is unknown
	optedOut bool   // any of its visits is
	clipped  bool   // it visited more leaves of the path table than were kept
	leaves   []leaf
}

// leaf is a leaf key that a device visited: at most L0 of a table.
type leaf struct {
	node int32
	// visits are cut at Linf + 1, which is enough to cut any sum of them at Linf and to see that it was.
	visits uint8
}

const maxLeafVisits = throng.MaxVisitsPerCell + 1

// Flags of a record's first byte; the number of leaves is in the others.
const (
	optedOutFlag = 1 << 7
	clippedFlag  = 1 << 6
	networkFlag  = 1 << 5
	maxLeaves    = networkFlag - 1
)

// appendTo adds the device's record: flags and number of leaves, unit, network, and for each leaf its
// node and visits in one number. That is about 25 bytes for a device of four leaves.
func (d *device) appendTo(b []byte) []byte {
	head := byte(len(d.leaves))
	if d.optedOut {
		head |= optedOutFlag
	}
	if d.clipped {
		head |= clippedFlag
	}
	if d.network != 0 {
		head |= networkFlag
	}
	b = binary.LittleEndian.AppendUint64(append(b, head), uint64(d.unit))
	if d.network != 0 {
		b = binary.LittleEndian.AppendUint32(b, d.network)
	}
	for _, l := range d.leaves {
		b = binary.AppendUvarint(b, uint64(l.node)<<2|uint64(l.visits-1))
	}
	return b
}

// next reads the record at the beginning of b, which appendTo wrote, and gives what follows it.
func (d *device) next(b []byte) []byte {
	head := b[0]
	d.optedOut, d.clipped, d.network = head&optedOutFlag != 0, head&clippedFlag != 0, 0
	d.unit = throng.UnitToken(binary.LittleEndian.Uint64(b[1:]))
	b = b[9:]
	if head&networkFlag != 0 {
		d.network = binary.LittleEndian.Uint32(b)
		b = b[4:]
	}
	d.leaves = d.leaves[:0]
	for range head & maxLeaves {
		v, n := binary.Uvarint(b)
		b = b[n:]
		d.leaves = append(d.leaves, leaf{int32(v >> 2), uint8(v&3) + 1})
	}
	return b
}
