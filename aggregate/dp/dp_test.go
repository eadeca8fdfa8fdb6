package dp_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/aggregate/dp"
)

var all = []throng.Draw{throng.DrawDevices, throng.DrawVisits, throng.DrawOptedOutGates, throng.DrawOptedOutVisits, throng.DrawClipped}

func calibrate(t testing.TB, b dp.Budget, kinds ...throng.Draw) throng.Parameters {
	t.Helper()
	p, err := dp.Calibrate(b, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mechanism(t testing.TB, b dp.Budget) *dp.Mechanism {
	t.Helper()
	m, err := dp.New(calibrate(t, b, throng.DrawDevices, throng.DrawVisits))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCalibrateGivesTheTableOfTheMethod(t *testing.T) {
	want := []struct {
		weight                float64
		linf, draws, passedL0 int64
		sigma                 float64
	}{
		{.50, 1, 4, 80, 50}, {.27, 3, 1, 38, 104}, {.12, 1, 2, 167, 73}, {.10, 3, 1, 100, 168}, {.01, 1, 1, 100, 56},
	}
	p := calibrate(t, dp.Budget{}, all...)
	sum := 0.0
	for i, w := range want {
		d := p.Draws[i]
		sum += d.Weight
		if d.Draw != all[i] || d.Weight != w.weight || d.Linf != w.linf || d.Draws != w.draws || d.PassedL0 != w.passedL0 {
			t.Errorf("draw %s: got %+v, want %+v", all[i], d, w)
		}
		if math.Round(d.Sigma) != w.sigma {
			t.Errorf("draw %s: σ = %.2f, want %g", d.Draw, d.Sigma, w.sigma)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("weights sum to %g", sum)
	}
	if p.Gate != 5369 {
		t.Errorf("gate at %d devices, want 5369", p.Gate)
	}
	if got := p.NoiseDelta + p.ThresholdDelta; got != p.Delta {
		t.Errorf("δ is split into %g, want %g", got, p.Delta)
	}
}

func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// The draws of a device-day together are one Gaussian mechanism; its δ at ε is computed here from
// theorem 8 of Balle and Wang, without the library.
func TestAllDrawsTogetherStayInTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := dp.Budget{
			Epsilon: rapid.Float64Range(0.05, 1).Draw(t, "ε"),
			Delta:   math.Pow(10, rapid.Float64Range(-12, -9).Draw(t, "log10 δ")),
		}
		p, err := dp.Calibrate(b, all...)
		if err != nil {
			t.Fatal(err)
		}
		var square float64
		for _, d := range p.Draws {
			square += float64(d.L0*d.Draws*d.Linf*d.Linf) / (d.Sigma * d.Sigma)
		}
		mu := math.Sqrt(square)
		delta := phi(mu/2-p.Epsilon/mu) - math.Exp(p.Epsilon)*phi(-mu/2-p.Epsilon/mu)
		if delta > p.NoiseDelta {
			t.Fatalf("draws together cost δ = %g, budget is %g", delta, p.NoiseDelta)
		}
		gates := int64(0)
		for _, d := range p.Draws {
			if d.Draw == throng.DrawDevices || d.Draw == throng.DrawOptedOutGates {
				gates += d.L0 * d.Draws
			}
		}
		if spent := float64(gates) * p.GateDelta; spent > p.ThresholdDelta*(1+1e-9) {
			t.Fatalf("gates together cost δ = %g, budget is %g", spent, p.ThresholdDelta)
		}
		// One gate lets a cell through that holds k devices with probability at most GateDelta.
		leak := 1 - phi((float64(p.Gate-p.K)-0.5)/p.Draws[0].Sigma)
		if leak > p.GateDelta {
			t.Fatalf("a cell at k passes with probability %g, share is %g", leak, p.GateDelta)
		}
	})
}

func TestReservedWeightsDoNotChangeWhatIsDrawn(t *testing.T) {
	some := calibrate(t, dp.Budget{}, throng.DrawDevices, throng.DrawVisits)
	full := calibrate(t, dp.Budget{}, all...)
	if len(some.Draws) != 2 || some.Draws[0] != full.Draws[0] || some.Draws[1] != full.Draws[1] {
		t.Errorf("draws %+v differ from those of the full table %+v", some.Draws, full.Draws[:2])
	}
	if some.Gate != full.Gate || some.GateDelta != full.GateDelta {
		t.Error("the gate depends on columns that are not drawn")
	}
}

func TestCalibrateRefuses(t *testing.T) {
	kinds := []throng.Draw{throng.DrawDevices, throng.DrawVisits}
	for name, b := range map[string]dp.Budget{
		"k under the floor":        {K: throng.MinDevices - 1},
		"negative k":               {K: -1, Watermark: "demo"},
		"ε over the ceiling":       {Epsilon: 1.01},
		"negative ε":               {Epsilon: -1},
		"ε that is no number":      {Epsilon: math.NaN()},
		"δ over the ceiling":       {Delta: 2e-9},
		"δ that is no number":      {Delta: math.NaN()},
		"infinite ε":               {Epsilon: math.Inf(1)},
		"k under the floor by one": {K: 4999},
	} {
		if _, err := dp.Calibrate(b, kinds...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := dp.Calibrate(dp.Budget{}, throng.DrawVisits); err == nil {
		t.Error("visits without a gate: no error")
	}
	if _, err := dp.Calibrate(dp.Budget{}, throng.DrawDevices, "uniques"); err == nil {
		t.Error("unknown draw: no error")
	}
	if _, err := dp.Calibrate(dp.Budget{K: 20, Watermark: "demo"}, kinds...); err != nil {
		t.Errorf("watermarked demonstration: %v", err)
	}
}

func TestNewRefusesParametersThatWereChanged(t *testing.T) {
	for name, change := range map[string]func(*throng.Parameters){
		"a smaller σ":           func(p *throng.Parameters) { p.Draws[1].Sigma /= 2 },
		"a lower gate":          func(p *throng.Parameters) { p.Gate-- },
		"k without a watermark": func(p *throng.Parameters) { p.K = 100 },
		"a larger share":        func(p *throng.Parameters) { p.GateDelta *= 2 },
		"no visits":             func(p *throng.Parameters) { p.Draws = p.Draws[:1] },
	} {
		p := calibrate(t, dp.Budget{}, throng.DrawDevices, throng.DrawVisits)
		change(&p)
		if _, err := dp.New(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestGateNeverPassesUnderK(t *testing.T) {
	m := mechanism(t, dp.Budget{})
	for _, n := range []int64{0, 1, 4000, 4998, 4999} {
		for range 50 {
			got, err := m.Gate(n)
			if err != nil {
				t.Fatal(err)
			}
			if got != throng.Blank(throng.BelowGate) {
				t.Fatalf("%d devices: %+v", n, got)
			}
		}
	}
}

// 12 σ above the gate a refusal has probability 1e-33; whatever passes is at or above the gate.
func TestGatePublishesItsOneDraw(t *testing.T) {
	m := mechanism(t, dp.Budget{})
	p := m.Parameters()
	for _, n := range []int64{p.Gate, p.Gate + 50, p.Gate + 600} {
		for range 200 {
			got, err := m.Gate(n)
			if err != nil {
				t.Fatal(err)
			}
			e, ok := got.Estimate()
			if !ok {
				if n == p.Gate+600 {
					t.Fatal("refused 12 σ above the gate")
				}
				continue
			}
			if e.Value < p.Gate || e.Low < p.K || e.Low > e.Value || e.High < e.Value {
				t.Fatalf("%d devices: %+v", n, e)
			}
		}
	}
}

// At 20,000 draws the mean is within 6 standard errors of the truth and the share of intervals that
// hold it within 6 of 95 %; each fails by chance once in 5e8 runs.
func TestVisitsAreUnbiasedAndCovered(t *testing.T) {
	const n, truth = 20_000, 123_456
	m := mechanism(t, dp.Budget{})
	sigma := m.Parameters().Draws[1].Sigma
	var sum, squares float64
	covered := 0
	for range n {
		e, err := m.Visits(truth)
		if err != nil {
			t.Fatal(err)
		}
		d := float64(e.Value - truth)
		sum += d
		squares += d * d
		if e.Low <= truth && truth <= e.High {
			covered++
		}
	}
	if bias := sum / n; math.Abs(bias) > 6*sigma/math.Sqrt(n) {
		t.Errorf("bias %.2f", bias)
	}
	if s := math.Sqrt(squares / n); math.Abs(s/sigma-1) > 6/math.Sqrt(2*n) {
		t.Errorf("standard deviation %.2f, stated %.2f", s, sigma)
	}
	if share := float64(covered) / n; math.Abs(share-0.951) > 6*math.Sqrt(.95*.05/n) {
		t.Errorf("intervals hold the truth in %.2f %%", 100*share)
	}
}

func TestVisitsAreNeverNegative(t *testing.T) {
	m := mechanism(t, dp.Budget{K: 1, Watermark: "demo"})
	for range 500 {
		e, err := m.Visits(0)
		if err != nil {
			t.Fatal(err)
		}
		if e.Value < 0 || e.Low < 0 || e.Low > e.Value || e.High < e.Value {
			t.Fatalf("%+v", e)
		}
	}
}

// Conditional on having passed, the interval holds the truth in at least 95 % less 6 standard errors
// of the cases, at each distance from the gate.
func TestDeviceIntervalsCoverGivenThatTheyPassed(t *testing.T) {
	m := mechanism(t, dp.Budget{})
	p := m.Parameters()
	sigma := p.Draws[0].Sigma
	for _, distance := range []float64{-1, 0, 1, 3, 40} {
		truth := p.Gate + int64(distance*sigma)
		passed, covered := 0, 0
		for range 4000 {
			got, err := m.Gate(truth)
			if err != nil {
				t.Fatal(err)
			}
			if e, ok := got.Estimate(); ok {
				passed++
				if e.Low <= truth && truth <= e.High {
					covered++
				}
			}
		}
		if passed < 200 {
			t.Fatalf("%g σ from the gate: only %d passed", distance, passed)
		}
		slack := 6 * math.Sqrt(.95*.05/float64(passed))
		if share := float64(covered) / float64(passed); share < .95-slack {
			t.Errorf("%g σ from the gate: %.1f %% of %d covered", distance, 100*share, passed)
		}
	}
}
