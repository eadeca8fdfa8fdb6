package dp

import (
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

// Calibrate gives the parameters under which a table is drawn that shares the budget of its period with
// the others of tables.
//
// All draws of one device and period form one Gaussian mechanism: each kind is calibrated to the full
// ε and noise δ at a sensitivity that its weight inflates, which is what makes the squares of
// sensitivity over σ sum to that of one mechanism (Balle and Wang 2018, theorem 8, gives its σ).
func Calibrate(b Budget, kind throng.PeriodKind, table string, tables ...string) (throng.Parameters, error) {
	b, err := b.withDefaults()
	if err != nil {
		return throng.Parameters{}, err
	}
	all, err := allShares(kind, tables)
	if err != nil {
		return throng.Parameters{}, fmt.Errorf("calibrate: %w", err)
	}
	if all[table] == nil {
		return throng.Parameters{}, fmt.Errorf("calibrate: table %q is not drawn for this period", table)
	}
	p := throng.Parameters{
		K:              b.K,
		Tables:         tables,
		Epsilon:        b.Epsilon,
		Delta:          b.Delta,
		NoiseDelta:     b.Delta / 2,
		ThresholdDelta: b.Delta / 2,
		GateDelta:      b.Delta / 2 / float64(gates(all)),
		L0:             all[table][0].l0,
		Linf:           throng.MaxVisitsPerCell,
		PerNetwork:     throng.MaxUnitsPerNetwork,
		Watermark:      b.Watermark,
	}
	for _, s := range all[table] {
		d, err := s.calibrate(p)
		if err != nil {
			return throng.Parameters{}, err
		}
		p.Draws = append(p.Draws, d)
	}
	return p, nil
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

func (s share) calibrate(p throng.Parameters) (throng.DrawParameters, error) {
	d := throng.DrawParameters{
		Draw:     s.draw,
		Weight:   float64(s.weight) / whole,
		L0:       s.l0,
		Linf:     s.linf,
		Draws:    s.draws,
		PassedL0: (whole*s.l0*s.draws + s.weight - 1) / s.weight,
	}
	d.Sigma = noise.SigmaForGaussian(d.PassedL0, float64(d.Linf), p.Epsilon, p.NoiseDelta)
	if !s.gate {
		return d, nil
	}
	// The library shares the threshold's δ that it is given over PassedL0 cells once more; that is
	// stricter than the union bound needs and costs about 30 devices.
	t, err := noise.Gaussian().Threshold(d.PassedL0, float64(d.Linf), p.Epsilon, p.NoiseDelta, p.GateDelta)
	if err != nil {
		return d, fmt.Errorf("calibrate gate: %w", err)
	}
	d.Gate = int64(math.Ceil(t)) + p.K - 1
	return d, nil
}
