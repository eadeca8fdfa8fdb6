package dp

import (
	"errors"
	"fmt"
	"math"

	"github.com/google/differential-privacy/go/v3/noise"

	"throng"
)

// Budget is what a device may cost in one period. The zero value of each field takes the method's
// default, which is also its ceiling (its floor for K).
type Budget struct {
	// K is the number of devices under which nothing is published. Defaults to [throng.MinDevices],
	// below which it may go with a Watermark only.
	K int64
	// Epsilon defaults to [throng.MaxEpsilon].
	Epsilon float64
	// Delta defaults to [throng.MaxDelta]. One half is the noise's, one half the thresholds'.
	Delta float64
	// Watermark marks a demonstration whose K is under the floor.
	Watermark string
}

// share is one line of the table of method section 6. Weights are in hundredths, so that they sum
// exactly.
type share struct {
	draw   throng.Draw
	weight int64
	l0     int64
	linf   int64
	draws  int64
	gate   bool
}

// shares is the whole table, drawn or not: a release that leaves a column out keeps its weight
// reserved, so that no figure changes on the day the column is added. A device is in at most L0
// cells at each of the tree's four levels, hence four draws of its count.
var shares = []share{
	{throng.DrawDevices, 50, throng.MaxLeafKeys, 1, 4, true},
	{throng.DrawVisits, 27, throng.MaxLeafKeys, throng.MaxVisitsPerCell, 1, false},
	{throng.DrawOptedOutGates, 12, throng.MaxLeafKeys, 1, 2, true},
	{throng.DrawOptedOutVisits, 10, throng.MaxLeafKeys, throng.MaxVisitsPerCell, 1, false},
	{throng.DrawClipped, 1, 1, 1, 1, false},
}

// Calibrate gives the parameters under which the named kinds are drawn. Parameters.Draws lists those
// and no others; weights of kinds that are not named stay unspent.
//
// All draws of one device and period form one Gaussian mechanism: each kind is calibrated to the full
// ε and noise δ at a sensitivity that its weight inflates, which is what makes the squares of
// sensitivity over σ sum to that of one mechanism (Balle and Wang 2018, theorem 8, gives its σ).
func Calibrate(b Budget, drawn ...throng.Draw) (throng.Parameters, error) {
	b, err := b.withDefaults()
	if err != nil {
		return throng.Parameters{}, err
	}
	p := throng.Parameters{
		K:              b.K,
		Epsilon:        b.Epsilon,
		Delta:          b.Delta,
		NoiseDelta:     b.Delta / 2,
		ThresholdDelta: b.Delta / 2,
		GateDelta:      b.Delta / 2 / float64(gatesPerDevice()),
		L0:             throng.MaxLeafKeys,
		Linf:           throng.MaxVisitsPerCell,
		Watermark:      b.Watermark,
	}
	for _, d := range drawn {
		dp, err := calibrateDraw(d, p)
		if err != nil {
			return throng.Parameters{}, err
		}
		p.Draws = append(p.Draws, dp)
	}
	p.Gate, err = gate(p)
	return p, err
}

func (b Budget) withDefaults() (Budget, error) {
	if b.K == 0 {
		b.K = throng.MinDevices
	}
	if b.Epsilon == 0 {
		b.Epsilon = throng.MaxEpsilon
	}
	if b.Delta == 0 {
		b.Delta = throng.MaxDelta
	}
	switch {
	case b.K < 1 || b.K < throng.MinDevices && b.Watermark == "":
		return b, fmt.Errorf("calibrate: k = %d is under the floor of %d devices", b.K, throng.MinDevices)
	case !(b.Epsilon > 0 && b.Epsilon <= throng.MaxEpsilon):
		return b, fmt.Errorf("calibrate: ε = %g is not in (0, %g]", b.Epsilon, throng.MaxEpsilon)
	case !(b.Delta > 0 && b.Delta <= throng.MaxDelta):
		return b, fmt.Errorf("calibrate: δ = %g is not in (0, %g]", b.Delta, throng.MaxDelta)
	}
	return b, nil
}

// gatesPerDevice is the number of gate draws that one device can enter, those of reserved kinds
// included.
func gatesPerDevice() (n int64) {
	for _, s := range shares {
		if s.gate {
			n += s.l0 * s.draws
		}
	}
	return n
}

func calibrateDraw(d throng.Draw, p throng.Parameters) (throng.DrawParameters, error) {
	for _, s := range shares {
		if s.draw != d {
			continue
		}
		passed := (100*s.l0*s.draws + s.weight - 1) / s.weight
		return throng.DrawParameters{
			Draw:     d,
			Weight:   float64(s.weight) / 100,
			L0:       s.l0,
			Linf:     s.linf,
			Draws:    s.draws,
			PassedL0: passed,
			Sigma:    noise.SigmaForGaussian(passed, float64(s.linf), p.Epsilon, p.NoiseDelta),
		}, nil
	}
	return throng.DrawParameters{}, fmt.Errorf("calibrate: no draw is called %q", d)
}

// gate is the smallest noisy count that PreThresholdedResult lets through. The library shares the
// threshold's δ that it is given over PassedL0 cells once more; that is stricter than the union bound
// needs and costs about 30 devices.
func gate(p throng.Parameters) (int64, error) {
	d, ok := find(p, throng.DrawDevices)
	if !ok {
		return 0, errors.New("calibrate: a release without device counts has no gate")
	}
	t, err := noise.Gaussian().Threshold(d.PassedL0, float64(d.Linf), p.Epsilon, p.NoiseDelta, p.GateDelta)
	if err != nil {
		return 0, fmt.Errorf("calibrate gate: %w", err)
	}
	return int64(math.Ceil(t)) + p.K - 1, nil
}

func find(p throng.Parameters, kind throng.Draw) (throng.DrawParameters, bool) {
	for _, d := range p.Draws {
		if d.Draw == kind {
			return d, true
		}
	}
	return throng.DrawParameters{}, false
}
