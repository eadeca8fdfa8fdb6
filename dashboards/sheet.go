package dashboards

import (
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
	// Apart is the share of the published visits that lie in pages that are shown by themselves.
	Apart     share
	Complete  throng.Completeness
	Watermark string
}

func newSheet(stored *Stored) *sheet {
	rel := stored.Release
	return &sheet{Release: rel, SHA256: stored.SHA256, orders: map[string][]int32{}, Brief: brief{
		figures: *figuresOf(rel), OptedOut: optedOutShare(rel), Clipped: rel.ClippedPercent, Apart: apartShare(rel),
		Complete: rel.Complete, Watermark: rel.Parameters.Watermark,
	}}
}

// order gives the numbers of the rows in the order that the parameter sort names, made at its first use.
func (s *sheet) order(name string) []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if order, ok := s.orders[name]; ok {
		return order
	}
	order := make([]int32, len(s.Rows))
	for i := range order {
		order[i] = int32(i)
	}
	by := selection{}
	by.Sort, by.Descending = strings.CutPrefix(name, "-")
	slices.SortStableFunc(order, func(a, b int32) int { return by.compare(s.Rows[a], s.Rows[b]) })
	s.orders[name] = order
	return order
}

// below gives the rows whose key begins with prefix; they are neighbours.
func (s *sheet) below(prefix string) []throng.Row {
	from, _ := slices.BinarySearchFunc(s.Rows, prefix, func(r throng.Row, p string) int { return strings.Compare(r.Key, p) })
	n, _ := slices.BinarySearchFunc(s.Rows[from:], prefix, func(r throng.Row, p string) int {
		if strings.HasPrefix(r.Key, p) {
			return -1
		}
		return 1
	})
	return s.Rows[from : from+n]
}
