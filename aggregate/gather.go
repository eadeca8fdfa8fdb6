package aggregate

import (
	"cmp"
	"errors"
	"math/bits"
	"slices"

	"throng"
)

// unitRow is what bounding needs of one of the store's rows, in 16 bytes: a range of millions is held at a
// time.
type unitRow struct {
	unit    throng.UnitToken
	visit   uint32 // node<<3 | (visits-1)<<1 | opted out, with visits cut at maxLeafVisits
	network uint32
}

// maxNodes is above the number of nodes of a tree, which are 29 bits of a unitRow.
const maxNodes = 1 << 29

func (r unitRow) node() int32    { return int32(r.visit >> 3) }
func (r unitRow) visits() uint32 { return r.visit>>1&3 + 1 }
func (r unitRow) optedOut() bool { return r.visit&1 != 0 }

func compareRows(a, b unitRow) int {
	if a.unit != b.unit {
		return cmp.Compare(a.unit, b.unit)
	}
	return cmp.Compare(a.visit, b.visit)
}

// gatherer takes the rows of a range of units in any order and puts them in order. Tokens are keyed hashes,
// so buckets of equal width get about the same number of rows: rows are dealt into buckets as they come,
// and each bucket, which the processor's cache holds, is dealt once more and sorted. One goroutine owns
// it; its memory is kept for the next range.
type gatherer struct {
	tree        *tree
	first, last throng.UnitToken
	shift       int // what is left of unit-first above it is the bucket
	buckets     [][]unitRow
	nodes       []int32   // of the rows of a batch
	dealt       []unitRow // of a bucket
	ends        []uint32
}

// bucketRows is about how many rows a bucket gets: 128 KiB. maxBuckets bounds how many places are written
// to at a time.
const (
	bucketRows = 8192
	maxBuckets = 1 << 10
)

// newGatherer makes one for ranges of as many rows.
func newGatherer(t *tree, rows uint64) *gatherer {
	n := min(1<<bits.Len64(rows/bucketRows), maxBuckets)
	g := &gatherer{tree: t, buckets: make([][]unitRow, n)}
	each := int(rows) / n
	each += each/16 + 16
	all := make([]unitRow, n*each)
	for i := range g.buckets {
		g.buckets[i] = all[i*each : i*each : (i+1)*each]
	}
	return g
}

// begin sets the range of units that comes next.
func (g *gatherer) begin(first, last throng.UnitToken) {
	g.first, g.last = first, last
	g.shift = max(0, bits.Len64(uint64(last-first))-bits.Len(uint(len(g.buckets)-1)))
	for i := range g.buckets {
		g.buckets[i] = g.buckets[i][:0]
	}
}

// add takes those of the rows that are of the range; it is the yield of [Store.Units].
func (g *gatherer) add(rows throng.UnitRows) error {
	n := len(rows.Unit)
	if len(rows.Cell) != n || len(rows.Visits) != n || len(rows.OptedOut) != n || len(rows.Network) != n {
		return errors.New("count: the store's columns differ in length")
	}
	g.nodes = slices.Grow(g.nodes[:0], n)[:n]
	if err := g.tree.findNodes(g.nodes, rows.Cell); err != nil {
		return err
	}
	for i, unit := range rows.Unit {
		// Units of other ranges are bounded there.
		if unit < g.first || unit > g.last || g.nodes[i] == none || rows.Visits[i] == 0 {
			continue
		}
		visit := uint32(g.nodes[i])<<3 | (min(rows.Visits[i], maxLeafVisits)-1)<<1
		if rows.OptedOut[i] {
			visit |= 1
		}
		b := &g.buckets[(unit-g.first)>>g.shift]
		*b = append(*b, unitRow{unit, visit, foldNetwork(rows.Network[i])})
	}
	return nil
}

// foldNetwork keeps 32 bits of a network; 0 stays what is unknown.
func foldNetwork(n uint64) uint32 {
	if n == 0 {
		return 0
	}
	return max(uint32(n)^uint32(n>>32), 1)
}

// each hands over the rows bucket by bucket, ordered by unit, then node. No unit is in two buckets.
func (g *gatherer) each(take func([]unitRow)) {
	for i, rows := range g.buckets {
		if len(rows) > 0 {
			take(g.sort(rows, g.first+throng.UnitToken(i)<<g.shift))
		}
	}
}

// sort orders the rows of the bucket that begins at first.
func (g *gatherer) sort(rows []unitRow, first throng.UnitToken) []unitRow {
	const few = 4 // rows on average, so that hardly anything is left to do
	wide := bits.Len(uint(len(rows) / few))
	shift := max(0, g.shift-wide)
	g.ends = slices.Grow(g.ends[:0], 1<<wide)[:1<<wide]
	clear(g.ends)
	for i := range rows {
		g.ends[(rows[i].unit-first)>>shift]++
	}
	at := uint32(0) // from counts to begins; dealing makes them ends
	for i, n := range g.ends {
		g.ends[i] = at
		at += n
	}
	g.dealt = slices.Grow(g.dealt[:0], len(rows))[:len(rows)]
	for _, r := range rows {
		end := &g.ends[(r.unit-first)>>shift]
		g.dealt[*end] = r
		*end++
	}
	begin := uint32(0)
	for _, end := range g.ends {
		if end-begin > 1 {
			sortFew(g.dealt[begin:end])
		}
		begin = end
	}
	return g.dealt
}

// sortFew sorts by insertion what is short, without the calls of a comparison function.
func sortFew(rows []unitRow) {
	if len(rows) > 24 {
		slices.SortFunc(rows, compareRows)
		return
	}
	for i := 1; i < len(rows); i++ {
		r := rows[i]
		at := i
		for ; at > 0 && (rows[at-1].unit > r.unit || rows[at-1].unit == r.unit && rows[at-1].visit > r.visit); at-- {
			rows[at] = rows[at-1]
		}
		rows[at] = r
	}
}
