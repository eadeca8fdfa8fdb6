package clickhouse

import (
	"cmp"
	"math/bits"
	"slices"

	"throng"
)

// unitSorter puts the rows of a range in order. Tokens are keyed hashes, so buckets of equal width get
// about the same number of rows: one pass counts, one deals out, and what is left is to sort a handful
// of rows in each bucket. Memory is kept for the next range.
type unitSorter struct {
	rows, dealt []unitRow
	ends        []uint32 // of each bucket in dealt
	out         throng.UnitRows
}

type unitRow struct {
	unit     throng.UnitToken
	cell     throng.CellID
	visits   uint32
	optedOut bool
	network  uint64
}

// bucketRows is how many rows a bucket gets on average; slices.SortFunc takes up to 12 by insertion.
const bucketRows = 8

func (s *unitSorter) reset() { s.rows = s.rows[:0] }

func (s *unitSorter) add(b *unitBatch) {
	s.rows = slices.Grow(s.rows, len(b.unit))
	for i, u := range b.unit {
		s.rows = append(s.rows, unitRow{throng.UnitToken(u), throng.CellID(b.cell[i]), b.visits[i], b.optedOut[i], b.network[i]})
	}
}

// sort gives the rows, all of which are between lo and hi, in order of unit and cell.
func (s *unitSorter) sort(lo, hi throng.UnitToken) throng.UnitRows {
	shift := max(0, bits.Len64(uint64(hi-lo))-bits.Len(uint(len(s.rows)/bucketRows)))
	s.deal(lo, shift, int((hi-lo)>>shift)+1)
	begin := uint32(0)
	for _, end := range s.ends {
		if end-begin > 1 {
			slices.SortFunc(s.dealt[begin:end], compareUnits)
		}
		begin = end
	}
	return s.columns()
}

// deal moves each row into its bucket, the bits of unit-lo above shift.
func (s *unitSorter) deal(lo throng.UnitToken, shift, buckets int) {
	s.dealt = slices.Grow(s.dealt[:0], len(s.rows))[:len(s.rows)]
	s.ends = slices.Grow(s.ends[:0], buckets)[:buckets]
	clear(s.ends)
	for i := range s.rows {
		s.ends[(s.rows[i].unit-lo)>>shift]++
	}
	at := uint32(0) // from counts to begins; dealing makes them ends
	for i, n := range s.ends {
		s.ends[i] = at
		at += n
	}
	for _, r := range s.rows {
		b := &s.ends[(r.unit-lo)>>shift]
		s.dealt[*b] = r
		*b++
	}
}

func compareUnits(a, b unitRow) int {
	if c := cmp.Compare(a.unit, b.unit); c != 0 {
		return c
	}
	return cmp.Compare(a.cell, b.cell)
}

func (s *unitSorter) columns() throng.UnitRows {
	n := len(s.dealt)
	s.out.Unit = slices.Grow(s.out.Unit[:0], n)[:n]
	s.out.Cell = slices.Grow(s.out.Cell[:0], n)[:n]
	s.out.OptedOut = slices.Grow(s.out.OptedOut[:0], n)[:n]
	s.out.Visits = slices.Grow(s.out.Visits[:0], n)[:n]
	s.out.Network = slices.Grow(s.out.Network[:0], n)[:n]
	for i, r := range s.dealt {
		s.out.Unit[i], s.out.Cell[i], s.out.OptedOut[i], s.out.Visits[i], s.out.Network[i] = r.unit, r.cell, r.optedOut, r.visits, r.network
	}
	return s.out
}
