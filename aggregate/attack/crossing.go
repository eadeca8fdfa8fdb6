package attack

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"throng"
)

// Crossings compares the totals of the tables of each site. Tables tell of the same visits, so where one
// total is above another, the first holds visits that the second has in no row: a group that nobody gated.
// Where the interval of the difference is above 0 and below the k of its releases, that group is one of a few, and not nobody.
// Differences that the noise hides are no finding, nor are large ones, which is what different bounds of
// tables make.
//
// Compared are days, every run of days, and days together with what their spans have published; visits, and
// devices where each device is in one row of either table. Intervals are those of 95 % for one period, and
// of 99 % for a run of several, which is one of very many.
func Crossings(releases []*throng.Release) []Finding {
	x := crossings{map[throng.ReleaseID]*throng.Release{}}
	days := map[[3]string][]throng.Day{} // of two tables of a site
	for _, r := range releases {
		if len(r.Rows) > 0 {
			x.releases[r.ID()] = r
		}
	}
	for id := range x.releases {
		for other := range x.releases {
			if id.Period.Kind() == throng.DayPeriod && other.Site == id.Site && other.Period == id.Period && id.Table < other.Table {
				pair := [3]string{id.Site, id.Table, other.Table}
				days[pair] = append(days[pair], id.Period.First())
			}
		}
	}
	var found []Finding
	for pair, all := range days {
		slices.Sort(all)
		for i := range all {
			found = append(found, x.runs(pair, all[i:])...)
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return cmp.Compare(a.Group, b.Group) })
	return found
}

type crossings struct {
	releases map[throng.ReleaseID]*throng.Release
}

// amounts are the visits and devices of one side.
type amounts struct{ visits, devices number }

func (a *amounts) add(r *throng.Release, free bool, sign float64) {
	for _, row := range r.Rows {
		if free && row.Holder != "" {
			continue
		}
		v, _ := row.Visits.Estimate()
		d, _ := row.Devices.Estimate()
		a.visits.value += sign * float64(v.Value)
		a.visits.sigma = math.Hypot(a.visits.sigma, sigmaOf(r.Parameters, throng.DrawVisits))
		a.devices.value += sign * float64(d.Value)
		a.devices.sigma = math.Hypot(a.devices.sigma, sigmaOf(r.Parameters, throng.DrawDevices))
	}
}

// runs are the findings in the runs of consecutive days that begin with the first.
func (x crossings) runs(pair [3]string, days []throng.Day) (found []Finding) {
	var sum amounts
	single, k := true, math.Inf(1)
	spans := sum // with what the spans have added that lie in the run
	for i, day := range days {
		if day != days[0]+throng.Day(i) {
			break
		}
		for side, sign := range []float64{1, -1} {
			r := x.releases[throng.ReleaseID{Site: pair[0], Table: pair[1+side], Period: day.Period()}]
			sum.add(r, false, sign)
			spans.add(r, false, sign)
			k = min(k, float64(r.Parameters.K))
			single = single && r.Parameters.L0 == 1
			span := x.releases[throng.ReleaseID{Site: pair[0], Table: pair[1+side], Period: throng.SpanOf(day).Period()}]
			if span != nil && day == throng.SpanOf(day).Last() {
				spans.add(span, true, sign)
			}
		}
		over := days[0].String()
		if i > 0 {
			over += " to " + day.String()
		}
		z := map[bool]float64{true: 1.96, false: 2.576}[i == 0]
		found = judge(found, pair, over, "visits", sum.visits, z, k)
		if single {
			found = judge(found, pair, over, "devices", sum.devices, z, k)
		}
		if spans.visits.value != sum.visits.value && days[0] == throng.SpanOf(days[0]).First() && day == throng.SpanOf(day).Last() {
			found = judge(found, pair, over+" with spans", "visits", spans.visits, 2.576, k)
		}
	}
	return found
}

// judge adds a difference that is one of a few.
func judge(found []Finding, pair [3]string, over, what string, n number, z, k float64) []Finding {
	more, less := pair[1], pair[2]
	if n.value < 0 {
		more, less, n.value = less, more, -n.value
	}
	f := Finding{
		Kind: Bounded, Group: fmt.Sprintf("%s of %s: in a row of %s on %s and in none of %s", what, pair[0], more, over, less),
		Terms:    []Term{{1, "all of " + more}, {-1, "all of " + less}},
		Estimate: n.value, Sigma: n.sigma, Low: n.value - z*n.sigma, High: n.value + z*n.sigma,
	}
	if f.Low > 0 && f.High < k {
		found = append(found, f)
	}
	return found
}
