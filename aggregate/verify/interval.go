package verify

import (
	"fmt"
	"math"

	"throng"
)

// half is the standard normal quantile of 97.5 %: intervals hold the bounded count in 95 % of cases.
const half = 1.959963984540054

// checkInterval compares an interval with value ± z·σ, rounded outwards and cut at zero.
func checkInterval(e throng.Estimate, sigma float64) error {
	margin := math.Ceil(half * sigma)
	low, high := max(float64(e.Value)-margin, 0), float64(e.Value)+margin
	return near(e, low, high)
}

// checkPassed compares the interval of a number that passed a gate with the counts, at least k, for
// which neither tail of the noise, given that it passed, is thinner than 2.5 % at the value; the
// published interval is widened so that it holds its own number.
func checkPassed(e throng.Estimate, k, gate int64, sigma float64) error {
	if e.Value < gate {
		return fmt.Errorf("%d devices are under the gate of %d", e.Value, gate)
	}
	if e.Low < k {
		return fmt.Errorf("the interval begins at %d, under k = %d", e.Low, k)
	}
	reach := func(x, n float64) float64 { return tail((x - 0.5 - n) / sigma) }
	passes := func(n float64) float64 { return reach(float64(gate), n) }
	value := float64(e.Value)
	end := value + 10*sigma
	low := falling(float64(k)-1, end, func(n float64) bool { return reach(value, n) >= 0.025*passes(n) })
	high := falling(float64(k)-1, end, func(n float64) bool { return passes(n)-reach(value+1, n) < 0.025*passes(n) })
	return near(e, min(max(math.Ceil(low), float64(k)), value), max(math.Ceil(high)-1, value))
}

// near allows for one unit of rounding at either end.
func near(e throng.Estimate, low, high float64) error {
	if math.Abs(float64(e.Low)-low) > 1 || math.Abs(float64(e.High)-high) > 1 {
		return fmt.Errorf("the interval of %d is stated as %d to %d, its scale gives %.0f to %.0f", e.Value, e.Low, e.High, low, high)
	}
	return nil
}

// total adds published numbers up, as whoever sums a column does: variances add.
type total struct {
	value   int64
	squares float64
	parts   int
}

func (t *total) add(e throng.Estimate, sign int64) {
	width := float64(e.High - e.Value) // the lower end is cut at zero
	t.value += sign * e.Value
	t.squares += width * width
	t.parts++
}

// check compares a stated sum. Half widths that were rounded before they were added leave some play.
func (t *total) check(e throng.Estimate) error {
	margin, play := math.Ceil(math.Sqrt(t.squares)), 1+math.Sqrt(float64(t.parts))
	if e.Value != t.value {
		return fmt.Errorf("the sum is stated as %d, its parts add up to %d", e.Value, t.value)
	}
	if math.Abs(float64(e.High-e.Value)-margin) > play || math.Abs(float64(e.Value-e.Low)-margin) > play && e.Low != 0 {
		return fmt.Errorf("the interval of the sum %d is stated as %d to %d, its parts give ± %.0f", e.Value, e.Low, e.High, margin)
	}
	return nil
}
