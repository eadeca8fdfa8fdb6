package attack

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"throng"
)

// Shares takes each day's share of bots for what it says of how many readers there were, and looks for the
// readers who are in no row of a table in which each device is once: a group that nobody gated.
//
// Both bots and readers have passed a gate, so that there are k bots at least. With the share that bounds
// the readers from below; from above it does only for whoever knows the number of bots from elsewhere
// ([Bots]). A group is found where it is certainly one of somebody and certainly of fewer than k.
func Shares(releases []*throng.Release, own []Own) []Finding {
	var found []Finding
	for _, of := range releases {
		share, ok := of.BotPercent.Estimate()
		if !ok {
			continue
		}
		bots := [2]float64{float64(of.Parameters.K), math.Inf(1)}
		for _, o := range own {
			if o.Of == Bots && o.Site == of.Site && o.Period == of.Period {
				bots = [2]float64{o.Value, o.Value}
			}
		}
		// A share of 0 is one of any number of readers.
		low := bots[0] * float64(100-share.High) / float64(max(share.High, 1))
		high := bots[1] * float64(100-share.Low) / math.Max(float64(share.Low), math.SmallestNonzeroFloat64)
		for _, r := range releases {
			if r.Site == of.Site && r.Period == of.Period && r.Parameters.L0 == 1 && len(r.Rows) > 0 {
				found = restOf(found, r, low, high)
			}
		}
	}
	slices.SortFunc(found, func(a, b Finding) int { return cmp.Compare(a.Group, b.Group) })
	return found
}

// restOf adds the readers who are in no row of a table if they are a few, given how many there are in all.
func restOf(found []Finding, r *throng.Release, low, high float64) []Finding {
	var rows amounts
	rows.add(r, false, 1)
	margin := 1.96 * rows.devices.sigma
	f := Finding{
		Kind: Bounded, Group: fmt.Sprintf("devices of %s: readers on %s who are in no row of %s", r.Site, r.Period, r.Table),
		Terms: []Term{{1, "readers, by the share of bots"}, {-1, "all of " + r.Table}},
		Low:   low - rows.devices.value - margin, High: high - rows.devices.value + margin,
	}
	if f.Low > 0 && f.High < float64(r.Parameters.K) {
		f.Estimate = (f.Low + f.High) / 2
		found = append(found, f)
	}
	return found
}
