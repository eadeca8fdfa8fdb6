package attack_test

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"throng"
	"throng/aggregate/attack"
	"throng/aggregate/dp"
)

// samples is the number of outputs on either input: 100,000 where THRONG_AUDIT_SAMPLES says so, as the
// method has it; fewer in an ordinary run.
func samples(t *testing.T) int {
	if s := os.Getenv("THRONG_AUDIT_SAMPLES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1000 {
			t.Fatalf("THRONG_AUDIT_SAMPLES=%s: want a number from 1000", s)
		}
		return n
	}
	return 10_000
}

const alpha = 0.001

// The δ at which ε is audited: the true one is far below what any number of samples can show.
const inflated = 0.2

// gaussian draws outputs of a mechanism that only the test has.
func gaussian(n int, mean, sigma float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Round(mean + sigma*rand.NormFloat64())
	}
	return out
}

func TestTheBoundHoldsAndBites(t *testing.T) {
	const n = 100_000
	for _, mu := range []float64{0.3, 1, 2} {
		a, b := gaussian(n, 1000, 100), gaussian(n, 1000+100*mu, 100)
		bound, truth := attack.EpsilonBound(a, b, inflated, alpha), attack.GaussianEpsilon(mu, inflated)
		if bound > truth {
			t.Errorf("μ = %g: at least %.3f, and it is %.3f", mu, bound, truth)
		}
		if bound < truth-0.5 {
			t.Errorf("μ = %g: at least %.3f is far from %.3f", mu, bound, truth)
		}
	}
	if got := attack.EpsilonBound(gaussian(n, 0, 1), gaussian(n, 0, 1), 0, alpha); got > 0 {
		t.Errorf("equal distributions: at least %g", got)
	}
	exact := make([]float64, n)
	if got := attack.EpsilonBound(exact, gaussian(n, 1, 0), 0, alpha); got < 8 {
		t.Errorf("no noise at all: at least %g", got)
	}
}

func TestGaussianEpsilonIsThatOfTheMethod(t *testing.T) {
	p, err := dp.Calibrate(dp.Budget{}, throng.DayPeriod, throng.PathTable, throng.PathTable)
	if err != nil {
		t.Fatal(err)
	}
	square := 0.0
	for _, d := range p.Draws {
		square += float64(d.L0*d.Draws*d.Linf*d.Linf) / (d.Sigma * d.Sigma)
	}
	if got := attack.GaussianEpsilon(math.Sqrt(square), p.NoiseDelta); math.Abs(got-1) > 0.01 {
		t.Errorf("all draws together have ε = %g", got)
	}
}

// A device shifts a number by less than a thirtieth of its noise, which no number of samples that a test
// can draw would show. So a crowd is added that together shifts it by about one standard deviation; by
// the method that is the same mechanism with μ times as large.
func TestTheDrawsPassTheAuditAndMutantsFail(t *testing.T) {
	p, err := dp.Calibrate(dp.Budget{}, throng.DayPeriod, throng.PathTable, throng.PathTable)
	if err != nil {
		t.Fatal(err)
	}
	m, err := dp.New(throng.DayPeriod, throng.PathTable, p)
	if err != nil {
		t.Fatal(err)
	}
	visits := func(kind throng.Draw) func(n int64) float64 {
		return func(n int64) float64 {
			e, err := m.Visits(kind, n)
			if err != nil {
				t.Fatal(err)
			}
			return float64(e.Value)
		}
	}
	gate := func(kind throng.Draw) func(n int64) float64 {
		return func(n int64) float64 {
			v, err := m.Gate(kind, n)
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := v.Estimate(); ok {
				return float64(e.Value)
			}
			return attack.Suppressed
		}
	}
	exactGate := func(n int64) float64 { // decides on the count and publishes with noise
		d, _ := p.Draw(throng.DrawDevices)
		if n < d.Gate {
			return attack.Suppressed
		}
		return float64(n) + d.Sigma*rand.NormFloat64()
	}
	for _, tc := range []struct {
		name string
		kind throng.Draw
		draw func(int64) float64
		at   float64 // the smaller input, in standard deviations from the gate
		by   float64 // what a device adds, as a multiple of Linf
		fail bool
	}{
		{"visits", throng.DrawVisits, visits(throng.DrawVisits), 100, 1, false},
		{"opted-out visits", throng.DrawOptedOutVisits, visits(throng.DrawOptedOutVisits), 100, 1, false},
		{"devices", throng.DrawDevices, gate(throng.DrawDevices), 20, 1, false},
		{"devices at the gate", throng.DrawDevices, gate(throng.DrawDevices), -0.5, 1, false},
		{"gate of the opted-out column", throng.DrawOptedOutGates, gate(throng.DrawOptedOutGates), -0.5, 1, false},
		{"sensitivity × 1.2", throng.DrawVisits, visits(throng.DrawVisits), 100, 1.2, true},
		{"sensitivity × 1.2 at the gate", throng.DrawDevices, gate(throng.DrawDevices), 0, 1.2, true},
		{"Linf off by one", throng.DrawVisits, visits(throng.DrawVisits), 100, 4. / 3, true},
		{"a gate on the exact count", throng.DrawDevices, exactGate, -0.5, 1, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, ok := p.Draw(tc.kind)
			if !ok {
				t.Fatalf("no draw of %s", tc.kind)
			}
			gateAt, _ := p.Draw(throng.DrawDevices)
			base := gateAt.Gate + int64(tc.at*d.Sigma)
			crowd := int64(math.Ceil(1.5 * d.Sigma / float64(d.Linf)))
			n := samples(t)
			a, b := make([]float64, n), make([]float64, n)
			for i := range n {
				a[i] = tc.draw(base)
				b[i] = tc.draw(base + int64(math.Round(float64(crowd*d.Linf)*tc.by)))
			}
			stated := attack.GaussianEpsilon(float64(crowd*d.Linf)/d.Sigma, inflated)
			bound := attack.EpsilonBound(a, b, inflated, alpha)
			if flagged := bound > stated; flagged != tc.fail {
				t.Errorf("ε is at least %.3f, stated %.3f at δ = %g for a crowd of %d", bound, stated, inflated, crowd)
			}
		})
	}
}
