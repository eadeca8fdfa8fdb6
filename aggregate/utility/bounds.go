package utility

import (
	"fmt"
	"math"

	"throng"
	"throng/aggregate/dp"
	"throng/internal/loadgen"
)

// Bound is what bounds on contributions would cost: clipping falls as they grow, noise rises. L0 and Linf
// are constants of the method; this is worked out, not drawn.
type Bound struct {
	L0, Linf int64
	// Clipping is the share of all visits that the bounds cut, averaged over the choice of leaves.
	Clipping float64
	// VisitsSigma and DevicesSigma are the standard deviations of the noise at ε = 1.
	VisitsSigma, DevicesSigma float64
}

// Bounds works out every pair of bounds for the visits of a log.
func Bounds(log *loadgen.Log, l0s, linfs []int64) ([]Bound, error) {
	p, err := dp.Calibrate(dp.Budget{}, throng.DayPeriod, throng.PathTable, throng.PathTable)
	if err != nil {
		return nil, fmt.Errorf("measure utility: %w", err)
	}
	var out []Bound
	for _, l0 := range l0s {
		for _, linf := range linfs {
			out = append(out, Bound{L0: l0, Linf: linf, VisitsSigma: scaled(p, throng.DrawVisits, l0, linf), DevicesSigma: scaled(p, throng.DrawDevices, l0, 1)})
		}
	}
	total := 0.0
	kept := make([]float64, len(out))
	settle := func(device []loadgen.Contribution) {
		for _, c := range device {
			total += float64(c.Visits)
		}
		for i, b := range out {
			chance := min(1, float64(b.L0)/float64(len(device)))
			for _, c := range device {
				kept[i] += chance * float64(min(int64(c.Visits), b.Linf))
			}
		}
	}
	var one []loadgen.Contribution
	for c := range log.Contributions() {
		if len(one) > 0 && one[0].Device != c.Device {
			settle(one)
			one = one[:0]
		}
		one = append(one, c)
	}
	settle(one)
	for i := range out {
		out[i].Clipping = 1 - kept[i]/total
	}
	return out, nil
}

// scaled is the noise of a draw under other bounds: σ grows with Linf and the root of L0 (method section 6).
func scaled(p throng.Parameters, kind throng.Draw, l0, linf int64) float64 {
	d, _ := p.Draw(kind)
	unit := d.Sigma / (float64(d.Linf) * math.Sqrt(float64(d.PassedL0)))
	return unit * float64(linf) * math.Sqrt(math.Ceil(float64(l0*d.Draws)/d.Weight))
}
