package utility

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/dchest/siphash"

	"throng"
	"throng/internal/loadgen"
)

// Site is the one site of a simulation.
const Site = "site"

// Population is what devices read in a day, cut to the bounds.
type Population struct {
	rows  throng.UnitRows // at most L0 leaves a device
	cells []throng.CellKey
	raw   []reading // by leaf, as in cells
	// Visits are all visits, before any bound; Devices those with a visit, Clipped those that were cut.
	Visits, Devices, Clipped int64
}

// reading is the raw truth of a leaf.
type reading struct{ visits, devices int64 }

// NewPopulation takes the visits of a log, whose keys are leaf keys.
func NewPopulation(log *loadgen.Log) *Population {
	p := &Population{}
	for i, path := range log.Truth().Paths {
		p.cells = append(p.cells, throng.CellKey{Cell: throng.CellID(i + 1), Site: Site, Table: throng.PathTable, Key: path.Key})
		p.raw = append(p.raw, reading{int64(path.Visits), int64(path.Devices)})
		p.Visits += int64(path.Visits)
	}
	var one []loadgen.Contribution // of one device
	for c := range log.Contributions() {
		if len(one) > 0 && one[0].Device != c.Device {
			p.add(one)
			one = one[:0]
		}
		one = append(one, c)
	}
	p.add(one)
	return p
}

// Leaves is the number of leaf keys.
func (p *Population) Leaves() int { return len(p.cells) }

// add cuts a device to L0 leaves and takes it in. Devices come in order.
func (p *Population) add(device []loadgen.Contribution) {
	if len(device) == 0 {
		return
	}
	p.Devices++
	kept := keep(device)
	clipped := len(kept) < len(device)
	for _, c := range kept {
		clipped = clipped || c.Visits > throng.MaxVisitsPerCell
		p.rows.Unit = append(p.rows.Unit, token(device[0].Device))
		p.rows.Cell = append(p.rows.Cell, throng.CellID(c.Key+1))
		p.rows.OptedOut = append(p.rows.OptedOut, device[0].OptedOut)
		p.rows.Visits = append(p.rows.Visits, uint32(min(c.Visits, math.MaxUint32)))
	}
	if clipped {
		p.Clipped++
	}
}

// token spreads device numbers over all tokens in order: 2²⁷ devices at most.
func token(device uint64) throng.UnitToken { return throng.UnitToken(device << 36) }

// keep chooses L0 leaves by a hash, in the order of leaves.
func keep(device []loadgen.Contribution) []loadgen.Contribution {
	if len(device) <= throng.MaxLeafKeys {
		return device
	}
	place := func(c loadgen.Contribution) uint64 {
		var b [16]byte
		binary.LittleEndian.PutUint64(b[:8], c.Device)
		binary.LittleEndian.PutUint64(b[8:], uint64(c.Key))
		return siphash.Hash(1, 2, b[:])
	}
	kept := slices.Clone(device)
	slices.SortFunc(kept, func(a, b loadgen.Contribution) int { return cmp.Compare(place(a), place(b)) })
	kept = kept[:throng.MaxLeafKeys]
	slices.SortFunc(kept, func(a, b loadgen.Contribution) int { return cmp.Compare(a.Key, b.Key) })
	return kept
}

// truth is what a published row counts.
type truth struct {
	raw, bounded int64 // visits
	devices      int64 // of the bounded ones
}

// truths are the true numbers behind published rows: each leaf counts in its own row, or in the nearest
// group above it that has one.
func (p *Population) truths(rows []throng.Row) []truth {
	index := map[string]int{}
	for i, r := range rows {
		index[r.Key] = i
	}
	out := make([]truth, len(rows))
	in := make([]int, len(p.cells)) // the row of a leaf, or −1
	for i, c := range p.cells {
		in[i] = rowOf(index, c.Key)
		if in[i] >= 0 {
			out[in[i]].raw += p.raw[i].visits
		}
	}
	var one []share
	for i := range p.rows.Unit {
		if i > 0 && p.rows.Unit[i] != p.rows.Unit[i-1] {
			one = settle(out, one)
		}
		if row := in[p.rows.Cell[i]-1]; row >= 0 {
			one = merge(one, row, int64(p.rows.Visits[i]))
		}
	}
	settle(out, one)
	return out
}

func rowOf(index map[string]int, key string) int {
	for ok := true; ok; key, ok = throng.GroupOf(key) {
		if i, published := index[key]; published {
			return i
		}
	}
	return -1
}

// share is what one device brings to one row.
type share struct {
	row    int
	visits int64
}

func merge(one []share, row int, visits int64) []share {
	for i := range one {
		if one[i].row == row {
			one[i].visits += visits
			return one
		}
	}
	return append(one, share{row, visits})
}

// settle counts a device and makes room for the next.
func settle(out []truth, one []share) []share {
	for _, s := range one {
		out[s.row].devices++
		out[s.row].bounded += min(s.visits, throng.MaxVisitsPerCell)
	}
	return one[:0]
}
