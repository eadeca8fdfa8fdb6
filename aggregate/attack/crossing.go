package attack

import (
	"cmp"
	"math"
	"slices"

	"throng"
)

// Crossings compares the totals of the tables of each site and period. Tables tell of the same visits, so
// where one total is above another, the first holds visits that the second has in no row: a group that
// nobody gated. Where the 95 % interval of the difference is above 0 and below k, that group is one of a
// few, and not nobody. Differences that the noise hides are no finding, nor are large ones, which is what
// different bounds of tables make.
func Crossings(releases []*throng.Release, k float64) []Finding {
	shown := slices.DeleteFunc(slices.Clone(releases), func(r *throng.Release) bool {
		return len(r.Rows) == 0 || r.Period.Kind() == throng.MonthPeriod
	})
	slices.SortFunc(shown, func(a, b *throng.Release) int { return cmp.Compare(a.ID().String(), b.ID().String()) })
	var found []Finding
	for i, a := range shown {
		for _, b := range shown[:i] {
			if a.Site != b.Site || a.Period != b.Period {
				continue
			}
			more, less := a, b
			if totalOf(a).value < totalOf(b).value {
				more, less = b, a
			}
			x, y := totalOf(more), totalOf(less)
			f := Finding{
				Kind: Bounded, Group: "in a row of " + more.ID().String() + " and in none of " + less.ID().String(),
				Terms:    []Term{{1, "all of " + more.ID().String()}, {-1, "all of " + less.ID().String()}},
				Estimate: x.value - y.value, Sigma: math.Hypot(x.sigma, y.sigma),
			}
			f.Low, f.High = f.Estimate-1.96*f.Sigma, f.Estimate+1.96*f.Sigma
			if f.Low > 0 && f.High < k {
				found = append(found, f)
			}
		}
	}
	return found
}

func totalOf(r *throng.Release) (n number) {
	for _, row := range r.Rows {
		e, _ := row.Visits.Estimate()
		n.value += float64(e.Value)
		n.sigma = math.Hypot(n.sigma, sigmaOf(r.Parameters, throng.DrawVisits))
	}
	return n
}
