package verify

import (
	"errors"
	"fmt"
	"math"

	"throng"
)

// tolerance is the relative accuracy to which a scale has to agree with the one that is worked out
// here: the library of the writer looks for its σ to a tenth of a percent.
const tolerance = 2e-3

// checkCalibration works the parameters of a release out from ε, δ, k and the bounds.
func checkCalibration(where string, p throng.Parameters, c *Claim) {
	c.Looked++
	fault := func(format string, args ...any) { c.fault(where, format, args...) }
	if p.K < throng.MinDevices && p.Watermark == "" {
		fault("k = %d is under the floor of %d, and no watermark says so", p.K, throng.MinDevices)
	}
	if !(p.Epsilon > 0 && p.Epsilon <= throng.MaxEpsilon && p.Delta > 0 && p.Delta <= throng.MaxDelta) {
		fault("ε = %g or δ = %g is outside (0, %g] and (0, %g]", p.Epsilon, p.Delta, throng.MaxEpsilon, throng.MaxDelta)
		return
	}
	if p.NoiseDelta <= 0 || p.ThresholdDelta <= 0 || p.NoiseDelta+p.ThresholdDelta > p.Delta*(1+1e-9) {
		fault("the noise's δ %g and the thresholds' %g do not share δ = %g", p.NoiseDelta, p.ThresholdDelta, p.Delta)
		return
	}
	if p.L0 < 1 || p.L0 > throng.MaxLeafKeys || p.Linf < 1 || p.Linf > throng.MaxVisitsPerCell {
		fault("L0 = %d or Linf = %d is outside 1 to %d and 1 to %d", p.L0, p.Linf, throng.MaxLeafKeys, throng.MaxVisitsPerCell)
	}
	if p.PerNetwork < 1 || p.PerNetwork > throng.MaxUnitsPerNetwork {
		fault("%d devices of one network help a cell to k; the ceiling is %d", p.PerNetwork, throng.MaxUnitsPerNetwork)
	}
	for _, d := range p.Draws {
		if _, known := kinds[d.Draw]; !known {
			fault("this verifier does not know draws of %q", d.Draw)
		}
		if err := checkScale(p, d); err != nil {
			fault("%s: %v", d.Draw, err)
		}
	}
	if err := checkTogether(p); err != nil {
		fault("%v", err)
	}
	if err := checkGates(p); err != nil {
		fault("%v", err)
	}
}

// checkScale checks one kind of draw: σ has to be that of the analytic Gaussian mechanism at the
// sensitivity that the draw's weight inflates.
func checkScale(p throng.Parameters, d throng.DrawParameters) error {
	if d.L0 < 1 || d.L0 > p.L0 || d.Draws < 1 || d.Linf < 1 || d.Linf > p.Linf || !(d.Weight > 0 && d.Weight <= 1) || !(d.Sigma > 0) {
		return fmt.Errorf("L0 %d, Linf %d, draws %d, weight %g and σ %g do not describe a draw", d.L0, d.Linf, d.Draws, d.Weight, d.Sigma)
	}
	if passed := math.Ceil(float64(d.L0*d.Draws)/d.Weight - 1e-9); float64(d.PassedL0) != passed {
		return fmt.Errorf("passed L0 is %d, L0 · draws / weight gives %.0f", d.PassedL0, passed)
	}
	want := gaussianSigma(float64(d.Linf)*math.Sqrt(float64(d.PassedL0)), p.Epsilon, p.NoiseDelta)
	if math.Abs(d.Sigma/want-1) > tolerance {
		return fmt.Errorf("σ is stated as %.4g, ε and δ give %.4g", d.Sigma, want)
	}
	return nil
}

// checkTogether checks what the draws of one release take of the budget that it shares.
func checkTogether(p throng.Parameters) error {
	weight, seen := 0.0, map[throng.Draw]bool{}
	for _, d := range p.Draws {
		if seen[d.Draw] {
			return fmt.Errorf("%s is listed twice", d.Draw)
		}
		seen[d.Draw] = true
		weight += d.Weight
		if gate := kinds[d.Draw]; gate != (d.Gate != 0) {
			return fmt.Errorf("%s: it has the gate %d; only draws of devices have one, and all of them", d.Draw, d.Gate)
		}
	}
	if !seen[throng.DrawDevices] || !seen[throng.DrawVisits] {
		return errors.New("a table without draws of devices and visits cannot have been gated")
	}
	if weight > 1+1e-9 {
		return fmt.Errorf("the weights sum to %g, which is more than the whole budget", weight)
	}
	if spent := float64(gateDraws(p)) * p.GateDelta; p.GateDelta <= 0 || spent > p.ThresholdDelta*(1+1e-9) {
		return fmt.Errorf("%d gate draws at δ = %g cost %g, the thresholds' share is %g", gateDraws(p), p.GateDelta, spent, p.ThresholdDelta)
	}
	return nil
}

// kinds are the draws that this verifier knows, and whether they are gates.
var kinds = map[throng.Draw]bool{
	throng.DrawDevices: true, throng.DrawVisits: false, throng.DrawOptedOutGates: true, throng.DrawOptedOutVisits: false,
	throng.DrawRemainingGates: true, throng.DrawClipped: true, throng.DrawBots: true,
}

// noiseDelta is the δ at ε of all draws together that have this ρ, as one Gaussian mechanism.
func noiseDelta(rho, epsilon float64) float64 { return gaussianDelta(math.Sqrt(2*rho), 1, epsilon) }

// rho is the zero-concentrated loss of one device and period: Σ Δ²/2σ² with Δ² = L0 · draws · Linf²
// (Bun and Steinke 2016, Proposition 1.6 and Lemma 1.7).
func rho(p throng.Parameters) (sum float64) {
	for _, d := range p.Draws {
		sum += float64(d.L0*d.Draws*d.Linf*d.Linf) / (2 * d.Sigma * d.Sigma)
	}
	return sum
}

// checkGates works out how probable it is that a gate lets a count of k through, the smallest that can
// pass: that is what selection may cost, once for every gate draw that a device can enter.
func checkGates(p throng.Parameters) error {
	for _, d := range p.Draws {
		switch {
		case d.Gate == 0:
			continue
		case d.Gate <= p.K:
			return fmt.Errorf("%s: the gate of %d devices is not above k = %d", d.Draw, d.Gate, p.K)
		}
		// Noise is rounded to integers, hence the half.
		if slips := tail((float64(d.Gate-p.K) - 0.5) / d.Sigma); slips > p.GateDelta {
			return fmt.Errorf("%s: a cell of k devices passes the gate of %d with probability %g, its share of δ is %g", d.Draw, d.Gate, slips, p.GateDelta)
		}
	}
	return nil
}

// gateDraws is the number of gate draws of a release that one device can enter.
func gateDraws(p throng.Parameters) (n int64) {
	for _, d := range p.Draws {
		if d.Gate != 0 {
			n += d.L0 * d.Draws
		}
	}
	return n
}
