package dashboards

import (
	"math"

	"throng"
)

// passing says what a cell needs in order to be shown.
type passing struct {
	K int64
	// Gate is the number of devices with which a cell is shown half the time, Surely that with which
	// it is shown 199 times of 200.
	Gate, Surely int64
	// L0 and Linf bound what one device adds.
	L0, Linf int64
	// Segments is the number of path segments that a row keeps.
	Segments int
}

// surely is the 99.5 % quantile of the standard normal distribution.
const surely = 2.5758

func passingOf(p throng.Parameters) passing {
	out := passing{K: p.K, Gate: p.Gate(), Surely: p.Gate(), L0: p.L0, Linf: p.Linf, Segments: throng.LeafSegments}
	for _, d := range p.Draws {
		if d.Draw == throng.DrawDevices {
			out.Surely += int64(math.Ceil(surely * d.Sigma))
		}
	}
	return out
}

// rho is the zero-concentrated privacy loss of one device and period: the sum over all draws of
// Δ²/2σ², where Δ² = L0·Draws·Linf² is the squared L2 sensitivity (Bun and Steinke 2016, Proposition
// 1.6 and Lemma 1.7).
func rho(p throng.Parameters) float64 {
	var rho float64
	for _, d := range p.Draws {
		rho += float64(d.L0*d.Draws*d.Linf*d.Linf) / (2 * d.Sigma * d.Sigma)
	}
	return rho
}

// epsilonZCDP is the ε that ρ-zCDP gives at δ (Bun and Steinke 2016, Proposition 1.3).
func epsilonZCDP(rho, delta float64) float64 { return rho + 2*math.Sqrt(rho*math.Log(1/delta)) }

// epsilonGaussian is the exact ε at δ of a Gaussian mechanism with Δ/σ = √(2ρ) (Balle and Wang 2018,
// Theorem 8), found by bisection.
func epsilonGaussian(rho, delta float64) float64 {
	mu := math.Sqrt(2 * rho)
	low, high := 0.0, epsilonZCDP(rho, delta) // an upper bound of the exact value
	for range 60 {
		mid := (low + high) / 2
		if normal(mu/2-mid/mu)-math.Exp(mid)*normal(-mu/2-mid/mu) > delta {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// normal is the cumulative distribution function of the standard normal distribution.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
