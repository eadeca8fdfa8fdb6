package attack

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Suppressed stands for an output that says that a number is missing; it lies below every number.
var Suppressed = math.Inf(-1)

// EpsilonBound is a lower bound, at confidence 1 − alpha, on the ε for which the mechanism that made
// the samples can be (ε, δ)-differentially private: a are outputs on one input, b on a neighbouring one,
// all independent. The result is at least 0.
//
// The events are "at least t" and "at most t", in both directions; the best of them is chosen on the
// first tenth of the samples and judged on the rest, so that choosing costs no confidence. Its two
// probabilities are bounded by Clopper and Pearson (1934), alpha/2 each; P(a) ≤ e^ε P(b) + δ then bounds ε
// (Jagielski, Ullman and Oprea 2020).
func EpsilonBound(a, b []float64, delta, alpha float64) float64 {
	e := choose(head(a), head(b), delta)
	a, b = tail(a), tail(b)
	if e.swapped {
		a, b = b, a
	}
	return e.bound(a, b, delta, alpha)
}

const chosenOn = 10 // a tenth

func head(s []float64) []float64 { return s[:len(s)/chosenOn] }
func tail(s []float64) []float64 { return s[len(s)/chosenOn:] }

// event is a set of outputs.
type event struct {
	threshold float64
	below     bool // at most the threshold; otherwise at least
	swapped   bool // judged with the inputs exchanged
}

func (e event) count(samples []float64) (n int) {
	for _, x := range samples {
		if e.below && x <= e.threshold || !e.below && x >= e.threshold {
			n++
		}
	}
	return n
}

// choose takes the event whose bound would be largest; each threshold is a quantile of the samples.
func choose(a, b []float64, delta float64) (best event) {
	const quantiles, loose = 100, 0.05
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	most := math.Inf(-1)
	for q := 1; q < quantiles; q++ {
		for _, below := range []bool{false, true} {
			for _, swapped := range []bool{false, true} {
				e := event{all[q*len(all)/quantiles], below, swapped}
				x, y := a, b
				if swapped {
					x, y = b, a
				}
				if bound := e.plain(x, y, delta, loose); bound > most {
					best, most = e, bound
				}
			}
		}
	}
	return best
}

func (e event) bound(a, b []float64, delta, alpha float64) float64 {
	return max(0, e.plain(a, b, delta, alpha))
}

// plain is the bound, which may be below 0.
func (e event) plain(a, b []float64, delta, alpha float64) float64 {
	low := lower(e.count(a), len(a), alpha/2)
	high := upper(e.count(b), len(b), alpha/2)
	if low <= delta {
		return math.Inf(-1)
	}
	return math.Log((low - delta) / high)
}

// lower is the Clopper–Pearson lower bound on a probability at confidence 1 − alpha.
func lower(hits, of int, alpha float64) float64 {
	if hits == 0 {
		return 0
	}
	return distuv.Beta{Alpha: float64(hits), Beta: float64(of-hits) + 1}.Quantile(alpha)
}

// upper is the Clopper–Pearson upper bound.
func upper(hits, of int, alpha float64) float64 {
	if hits == of {
		return 1
	}
	return distuv.Beta{Alpha: float64(hits) + 1, Beta: float64(of - hits)}.Quantile(1 - alpha)
}

// GaussianEpsilon is the smallest ε ≥ 0 for which Gaussian noise whose standard deviation is 1/mu of
// the shift that it hides is (ε, δ)-differentially private (Balle and Wang 2018, Theorem 8). For m devices
// that come together, mu is m times that of one.
func GaussianEpsilon(mu, delta float64) float64 {
	at := func(epsilon float64) float64 {
		n := distuv.UnitNormal
		return n.CDF(mu/2-epsilon/mu) - math.Exp(epsilon)*n.CDF(-mu/2-epsilon/mu)
	}
	low, high := 0.0, 1.0
	if at(0) <= delta {
		return 0
	}
	for at(high) > delta {
		high *= 2
	}
	for range 100 {
		if mid := (low + high) / 2; at(mid) > delta {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}
