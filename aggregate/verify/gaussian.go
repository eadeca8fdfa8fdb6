package verify

import "math"

// gaussianDelta is the smallest δ for which Gaussian noise of standard deviation sigma on a query of
// L2 sensitivity s is (ε, δ)-differentially private (Balle and Wang 2018, Theorem 8).
func gaussianDelta(s, sigma, epsilon float64) float64 {
	a, b := s/(2*sigma), epsilon*sigma/s
	return tail(b-a) - math.Exp(epsilon)*tail(a+b)
}

// gaussianSigma is the smallest standard deviation for which gaussianDelta is at most delta.
func gaussianSigma(s, epsilon, delta float64) float64 {
	return falling(0, s*1e6, func(sigma float64) bool { return sigma > 0 && gaussianDelta(s, sigma, epsilon) <= delta })
}

// tail is the probability that a standard normal number is at least x.
func tail(x float64) float64 { return math.Erfc(x/math.Sqrt2) / 2 }

// falling is the least x between low and high for which ok holds; ok is false before it and true after.
func falling(low, high float64, ok func(float64) bool) float64 {
	for range 200 {
		mid := low + (high-low)/2
		if ok(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

// zcdp is the ε that ρ-zero-concentrated differential privacy gives at δ (Bun and Steinke 2016,
// Proposition 1.3).
func zcdp(rho, delta float64) float64 { return rho + 2*math.Sqrt(rho*math.Log(1/delta)) }
