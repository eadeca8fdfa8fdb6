package dashboards

import (
	"math"
	"slices"
	"strings"
	"sync"

	"throng"
)

// sheet is a release made ready for pages. It is shared: nobody changes it.
type sheet struct {
	*throng.Release
	// SHA256 of the release's file, in hexadecimal.
	SHA256 string
	Brief  brief

	// lower says that no key has a capital, so that a search needs not look for them.
	lower bool
	// visits and squares are those of the first i rows: sums of values and of squared half widths, which are
	// quarters and so are exact. The sum of any neighbours is a difference of two.
	visits  []int64
	squares []float64

	mu     sync.Mutex
	orders map[string][]int32 // numbers of the rows, by [selection.order]; guarded by mu
}

// brief is what the published rows of a release say together, computed from published numbers alone.
type brief struct {
	figures
	// OptedOut is the share of the visits in those groups of the opted-out column that have a number.
	OptedOut share
	// Clipped is the share of devices that were cut to L0 and Linf, in percent.
	Clipped throng.Measure
	// Bots is the share of bots among bots and readers, in devices.
	Bots      botsView
	Complete  throng.Completeness
	Watermark string
	Broken    bool // the file cannot be read, or is not what the ledger says
}

// damaged is why a release that cannot be shown has no number.
const damaged throng.Reason = "damaged"

// visits are all published visits.
func (b *brief) visits() throng.Measure {
	switch {
	case b.Broken:
		return throng.Blank(damaged)
	case b.Shown() == 0:
		return throng.Blank(throng.BelowGate)
	}
	return throng.Published(b.Visits)
}

func newSheet(stored *Stored) *sheet {
	rel := stored.Release
	s := &sheet{Release: rel, SHA256: stored.SHA256, orders: map[string][]int32{}, Brief: brief{
		figures: *figuresOf(rel), OptedOut: optedOutShare(rel), Clipped: rel.ClippedPercent, Bots: botsOf(rel),
		Complete: rel.Complete, Watermark: rel.Parameters.Watermark,
	}, lower: true, visits: make([]int64, len(rel.Rows)+1), squares: make([]float64, len(rel.Rows)+1)}
	for i := range rel.Rows {
		row := &rel.Rows[i]
		e, _ := row.Visits.Estimate()
		s.visits[i+1], s.squares[i+1] = s.visits[i]+e.Value, s.squares[i]+halfOf(e)*halfOf(e)
		s.lower = s.lower && strings.ToLower(row.Key) == row.Key
	}
	return s
}

// shareKeys takes over the keys that another sheet has, too, so that they are in memory once. It is for a new
// sheet, which nobody else has yet.
func (s *sheet) shareKeys(other *sheet) {
	rest := other.Rows
	for i := range s.Rows {
		for len(rest) > 0 && rest[0].Key < s.Rows[i].Key {
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0].Key == s.Rows[i].Key {
			s.Rows[i].Key = rest[0].Key
		}
	}
}

// sum is [throng.SumOf] of the visits of the rows from one to before another.
func (s *sheet) sum(from, to int) throng.Estimate {
	value, half := s.visits[to]-s.visits[from], int64(math.Ceil(math.Sqrt(s.squares[to]-s.squares[from])))
	return throng.Estimate{Value: value, Low: value - half, High: value + half}
}

// order gives the numbers of the rows in the order that the parameter sort names, made at its first use.
func (s *sheet) order(name string) []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if order, ok := s.orders[name]; ok {
		return order
	}
	by := selection{}
	by.Sort, by.Descending = strings.CutPrefix(name, "-")
	order := by.sort(s.Rows)
	s.orders[name] = order
	return order
}

// below gives the rows whose key begins with prefix; they are neighbours.
func (s *sheet) below(prefix string) []throng.Row {
	from, to := s.bounds(prefix, 0)
	return s.Rows[from:to]
}

// bounds are the first row whose key begins with prefix, and the one after the last; neither is before least.
func (s *sheet) bounds(prefix string, least int) (from, to int) {
	rows := s.Rows[least:]
	from, _ = slices.BinarySearchFunc(rows, prefix, func(r throng.Row, p string) int { return strings.Compare(r.Key, p) })
	n, _ := slices.BinarySearchFunc(rows[from:], prefix, func(r throng.Row, p string) int {
		if strings.HasPrefix(r.Key, p) {
			return -1
		}
		return 1
	})
	return least + from, least + from + n
}
