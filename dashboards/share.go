package dashboards

import (
	"math"

	"throng"
)

// share is a part of a whole, both published, with its 95 % interval. OK is false where there is none.
type share struct {
	Value, Low, High float64 // of 1
	OK               bool
}

// ratioOf divides estimates whose noise is independent, by the delta method: the half width is
// √(a² + r²·b²)/whole, with a and b the half widths of part and whole and r their ratio. It is bounded by 0
// and 1, as the truth is.
func ratioOf(part, whole throng.Estimate) share {
	if whole.Value <= 0 {
		return share{}
	}
	r := float64(part.Value) / float64(whole.Value)
	half := math.Hypot(halfOf(part), r*halfOf(whole)) / float64(whole.Value)
	return share{Value: min(max(r, 0), 1), Low: max(r-half, 0), High: min(r+half, 1), OK: true}
}

// partOf is the share of part in part + rest, whose noise is independent of each other.
func partOf(part, rest throng.Estimate) share {
	whole := float64(part.Value + rest.Value)
	if whole <= 0 {
		return share{}
	}
	r := float64(part.Value) / whole
	half := math.Hypot((1-r)*halfOf(part), r*halfOf(rest)) / whole
	return share{Value: min(max(r, 0), 1), Low: max(r-half, 0), High: min(r+half, 1), OK: true}
}

func halfOf(e throng.Estimate) float64 { return float64(e.High-e.Low) / 2 }

// optedOutShare is that of the visits in all groups that have a number; the groups are disjoint.
func optedOutShare(rel *throng.Release) share {
	var optedOut, of []throng.Estimate
	for _, o := range rel.OptedOut {
		if e, ok := o.OptedOutVisits.Estimate(); ok {
			optedOut, of = append(optedOut, e), append(of, o.OfVisits)
		}
	}
	return ratioOf(throng.SumOf(optedOut), throng.SumOf(of))
}

// cell writes a share in per cent.
func (s share) cell(blank throng.Reason) cell {
	if !s.OK {
		return cell{Reason: blank}
	}
	return cell{Value: percent(s.Value), Range: percent(s.Low) + enDash + percent(s.High)}
}
