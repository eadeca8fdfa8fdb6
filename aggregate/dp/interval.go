package dp

import (
	"math"
	"sort"
)

// alpha is the share of intervals that miss the bounded count: 5 %, half on each side.
const alpha = 0.05

// z is the standard normal quantile of 1 − alpha/2.
var z = math.Sqrt2 * math.Erfinv(1-alpha)

// interval is the normal interval around a noisy value, rounded outwards.
func interval(value int64, sigma float64) (low, high int64) {
	half := int64(math.Ceil(z * sigma))
	return value - half, value + half
}

// passedInterval is the interval for a count n ≥ k whose noisy value passed a gate: the n for which
// neither tail of the noise, truncated to values of at least gate, is thinner than alpha/2 at value.
// Near the gate that interval can lie wholly below the value; it is then widened up to it, so that a
// reader finds the number in its own interval and the coverage is more than 95 %, never less.
func passedInterval(value, k, gate int64, sigma float64) (low, high int64) {
	// Noise is rounded to integers, hence the halves.
	above := func(x float64, n int64) float64 { return upperTail((x - 0.5 - float64(n)) / sigma) }
	atLeast := func(n int64) float64 {
		return above(float64(value), n) / above(float64(gate), n)
	}
	atMost := func(n int64) float64 {
		return 1 - above(float64(value)+1, n)/above(float64(gate), n)
	}
	// The true count is at least k. Given that it passed, the noise leans upwards, so both ends are
	// at most where the plain interval has them: search from k to there.
	_, top := interval(value, sigma)
	width := int(max(top-k, 0)) + 1
	low = k + int64(sort.Search(width, func(i int) bool { return atLeast(k+int64(i)) >= alpha/2 }))
	high = k + int64(sort.Search(width, func(i int) bool { return atMost(k+int64(i)) < alpha/2 })) - 1
	return min(low, value), max(high, value)
}

// upperTail is the probability that a standard normal number is at least x.
func upperTail(x float64) float64 { return math.Erfc(x/math.Sqrt2) / 2 }
