package dp

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/google/differential-privacy/go/v3/dpagg"
	"github.com/google/differential-privacy/go/v3/noise"

	"throng"
)

// Mechanism draws under fixed parameters. It is safe for concurrent use, though the library draws
// one number at a time.
type Mechanism struct{ parameters throng.Parameters }

// New gives the mechanism for parameters that [Calibrate] made for this table and kind of period.
// Others are refused: a release must not state a scale that it was not drawn with.
func New(kind throng.PeriodKind, table string, p throng.Parameters) (*Mechanism, error) {
	want, err := Calibrate(Budget{K: p.K, Epsilon: p.Epsilon, Delta: p.Delta, Watermark: p.Watermark}, kind, table, p.Tables...)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(p, want) {
		return nil, errors.New("make mechanism: the parameters are not those that this version draws with")
	}
	return &Mechanism{p}, nil
}

// Parameters are those that the mechanism draws with.
func (m *Mechanism) Parameters() throng.Parameters { return m.parameters }

// Gate publishes a number of distinct devices, or says that it is below the gate of this kind. A count
// under k never passes; any other passes when k − 1 plus the threshold is at most the noisy count,
// which is then the published one. The interval is conditional on having passed.
func (m *Mechanism) Gate(kind throng.Draw, devices int64) (throng.Measure, error) {
	p := m.parameters
	d, ok := p.Draw(kind)
	if !ok || d.Gate == 0 {
		return throng.Measure{}, fmt.Errorf("draw gate: %s is no gate of this table", kind)
	}
	if devices < p.K {
		// The library decides the same below, without a draw, after one that NewCount throws away to
		// check its parameters; most cells of a site end here.
		return throng.Blank(throng.BelowGate), nil
	}
	c, err := dpagg.NewCount(&dpagg.CountOptions{
		Epsilon:                  p.Epsilon,
		Delta:                    p.NoiseDelta,
		MaxPartitionsContributed: d.PassedL0,
		Noise:                    noise.Gaussian(),
	})
	if err != nil {
		return throng.Measure{}, fmt.Errorf("draw gate: %w", err)
	}
	if err := c.IncrementBy(devices); err != nil {
		return throng.Measure{}, fmt.Errorf("draw gate: %w", err)
	}
	noisy, err := c.PreThresholdedResult(p.K, p.GateDelta)
	if err != nil {
		return throng.Measure{}, fmt.Errorf("draw gate: %w", err)
	}
	if noisy == nil {
		return throng.Blank(throng.BelowGate), nil
	}
	low, high := passedInterval(*noisy, p.K, d.Gate, d.Sigma)
	return throng.Published(throng.Estimate{Value: *noisy, Low: low, High: high}), nil
}

// Visits publishes the bounded visits of a cell whose devices have passed their gate.
//
// The value is not raised to the device count where it falls under it, and no further: totals are
// sums of these numbers, and a one-sided correction would bias them. It is only cut at 0, which at
// k = 5000 is some fifty σ away and never happens.
func (m *Mechanism) Visits(kind throng.Draw, bounded int64) (throng.Estimate, error) {
	p := m.parameters
	d, ok := p.Draw(kind)
	if !ok || d.Gate != 0 {
		return throng.Estimate{}, fmt.Errorf("draw visits: %s is no number of visits of this table", kind)
	}
	v, err := noise.Gaussian().AddNoiseInt64(bounded, d.PassedL0, d.Linf, p.Epsilon, p.NoiseDelta)
	if err != nil {
		return throng.Estimate{}, fmt.Errorf("draw visits: %w", err)
	}
	v = max(v, 0)
	low, high := interval(v, d.Sigma)
	return throng.Estimate{Value: v, Low: max(low, 0), High: high}, nil
}
