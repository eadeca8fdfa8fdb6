package dp_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/aggregate/dp"
)

var all = []throng.Draw{throng.DrawDevices, throng.DrawVisits, throng.DrawOptedOutGates, throng.DrawOptedOutVisits, throng.DrawClipped, throng.DrawBots}

func calibrate(t testing.TB, b dp.Budget) throng.Parameters {
	t.Helper()
	p, err := dp.Calibrate(b, throng.DayPeriod, throng.PathTable, throng.PathTable)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mechanism(t testing.TB, b dp.Budget) *dp.Mechanism {
	t.Helper()
	m, err := dp.New(throng.DayPeriod, throng.PathTable, calibrate(t, b))
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
		{.50, 1, 4, 80, 50}, {.27, 3, 1, 38, 104}, {.12, 1, 2, 167, 73}, {.10, 3, 1, 100, 168}, {.004, 1, 1, 250, 89}, {.006, 1, 1, 334, 103},
	}
	p := calibrate(t, dp.Budget{})
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
	for kind, want := range map[throng.Draw]int64{throng.DrawDevices: 5370, throng.DrawVisits: 0, throng.DrawOptedOutGates: 5541, throng.DrawOptedOutVisits: 0, throng.DrawClipped: 5666, throng.DrawBots: 5774} {
		if d, _ := p.Draw(kind); d.Gate != want {
			t.Errorf("gate of %s at %d devices, want %d", kind, d.Gate, want)
		}
	}
	if got := p.NoiseDelta + p.ThresholdDelta; got != p.Delta {
		t.Errorf("δ is split into %g, want %g", got, p.Delta)
	}
}

func phi(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// The draws of a device and period together are one Gaussian mechanism, whatever tables share it; its δ
// at ε is computed here from theorem 8 of Balle and Wang, without the library.
func TestAllDrawsTogetherStayInTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := dp.Budget{
			Epsilon: rapid.Float64Range(0.05, 1).Draw(t, "ε"),
			Delta:   math.Pow(10, rapid.Float64Range(-12, -9).Draw(t, "log10 δ")),
		}
		kind, tables := throng.SpanPeriod, []string{throng.PathTable}
		if rapid.Bool().Draw(t, "a day") {
			kind = throng.DayPeriod
			tables = append(tables, rapid.SliceOfDistinct(rapid.SampledFrom([]string{"client", "country", "hour", "referrer", "status"}), rapid.ID).Draw(t, "tables")...)
			slices.Sort(tables)
		}
		var square, delta float64
		var p throng.Parameters
		for _, table := range tables {
			var err error
			if p, err = dp.Calibrate(b, kind, table, tables...); err != nil {
				t.Fatal(err)
			}
			for _, d := range p.Draws {
				square += float64(d.L0*d.Draws*d.Linf*d.Linf) / (d.Sigma * d.Sigma)
				if d.Gate == 0 {
					continue
				}
				delta += float64(d.L0*d.Draws) * p.GateDelta
				// One gate lets a cell through that holds k devices with probability at most GateDelta.
				if leak := 1 - phi((float64(d.Gate-p.K)-0.5)/d.Sigma); leak > p.GateDelta {
					t.Fatalf("%s: a cell at k passes with probability %g, share is %g", d.Draw, leak, p.GateDelta)
				}
			}
		}
		mu := math.Sqrt(square)
		if spent := phi(mu/2-p.Epsilon/mu) - math.Exp(p.Epsilon)*phi(-mu/2-p.Epsilon/mu); spent > p.NoiseDelta {
			t.Fatalf("draws together cost δ = %g, budget is %g", spent, p.NoiseDelta)
		}
		if delta > p.ThresholdDelta*(1+1e-9) {
			t.Fatalf("gates together cost δ = %g, budget is %g", delta, p.ThresholdDelta)
		}
	})
}

func TestWhatIsNotDrawnCannotBeDrawn(t *testing.T) {
	m := mechanism(t, dp.Budget{})
	for _, kind := range []throng.Draw{throng.DrawRemainingGates, throng.DrawVisits, "uniques"} {
		if _, err := m.Gate(kind, 10_000); err == nil {
			t.Errorf("gate of %s: no error", kind)
		}
	}
	for _, kind := range []throng.Draw{throng.DrawDevices, throng.DrawClipped, "uniques"} {
		if _, err := m.Visits(kind, 10_000); err == nil {
			t.Errorf("visits of %s: no error", kind)
		}
	}
}

func TestCalibrateRefuses(t *testing.T) {
	calibrate := func(b dp.Budget) error {
		_, err := dp.Calibrate(b, throng.DayPeriod, throng.PathTable, throng.PathTable)
		return err
	}
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
		if calibrate(b) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, try := range map[string]func() (throng.Parameters, error){
		"a month": func() (throng.Parameters, error) {
			return dp.Calibrate(dp.Budget{}, throng.MonthPeriod, "path", "path")
		},
		"no path table": func() (throng.Parameters, error) { return dp.Calibrate(dp.Budget{}, throng.DayPeriod, "hour", "hour") },
		"an unknown table": func() (throng.Parameters, error) {
			return dp.Calibrate(dp.Budget{}, throng.DayPeriod, "city", "city", "path")
		},
		"a table besides": func() (throng.Parameters, error) { return dp.Calibrate(dp.Budget{}, throng.DayPeriod, "hour", "path") },
		"a span of hours": func() (throng.Parameters, error) {
			return dp.Calibrate(dp.Budget{}, throng.SpanPeriod, "hour", "hour", "path")
		},
		"out of order": func() (throng.Parameters, error) {
			return dp.Calibrate(dp.Budget{}, throng.DayPeriod, "path", "path", "hour")
		},
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := calibrate(dp.Budget{K: 20, Watermark: "demo"}); err != nil {
		t.Errorf("watermarked demonstration: %v", err)
	}
}

func TestNewRefusesParametersThatWereChanged(t *testing.T) {
	for name, change := range map[string]func(*throng.Parameters){
		"a smaller σ":           func(p *throng.Parameters) { p.Draws[1].Sigma /= 2 },
		"a lower gate":          func(p *throng.Parameters) { p.Draws[0].Gate-- },
		"k without a watermark": func(p *throng.Parameters) { p.K = 100 },
		"a larger share":        func(p *throng.Parameters) { p.GateDelta *= 2 },
		"no visits":             func(p *throng.Parameters) { p.Draws = p.Draws[:1] },
	} {
		p := calibrate(t, dp.Budget{})
		change(&p)
		if _, err := dp.New(throng.DayPeriod, throng.PathTable, p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestGateNeverPassesUnderK(t *testing.T) {
	m := mechanism(t, dp.Budget{})
	for _, n := range []int64{0, 1, 4000, 4998, 4999} {
		for range 50 {
			got, err := m.Gate(throng.DrawDevices, n)
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
	for _, n := range []int64{p.Gate(), p.Gate() + 50, p.Gate() + 600} {
		for range 200 {
			got, err := m.Gate(throng.DrawDevices, n)
			if err != nil {
				t.Fatal(err)
			}
			e, ok := got.Estimate()
			if !ok {
				if n == p.Gate()+600 {
					t.Fatal("refused 12 σ above the gate")
				}
				continue
			}
			if e.Value < p.Gate() || e.Low < p.K || e.Low > e.Value || e.High < e.Value {
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
		e, err := m.Visits(throng.DrawVisits, truth)
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
		e, err := m.Visits(throng.DrawVisits, 0)
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
		truth := p.Gate() + int64(distance*sigma)
		passed, covered := 0, 0
		for range 4000 {
			got, err := m.Gate(throng.DrawDevices, truth)
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
