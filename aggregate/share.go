package aggregate

import (
	"math"

	"throng"
)

// drawShare makes the share of some devices among them and others, from a gate for each. The two numbers
// stay here: with the number of all devices, those of a row could be subtracted from it.
func (d *draft) drawShare(kind throng.Draw, some, others int64) (throng.Measure, error) {
	if !d.has(kind) {
		return throng.Blank(throng.NotDrawn), nil
	}
	x, err := d.draws.Gate(kind, some)
	if err != nil {
		return throng.Measure{}, err
	}
	y, err := d.draws.Gate(kind, others)
	if err != nil {
		return throng.Measure{}, err
	}
	a, passed := x.Estimate()
	b, both := y.Estimate()
	if !passed || !both {
		return throng.Blank(throng.BelowGate), nil
	}
	draw, _ := d.account.Parameters.Draw(kind)
	return throng.Published(percent(a.Value, b.Value, draw.Sigma, d.account.Parameters.K)), nil
}

// percent is the share of a in a + b. Its interval must not tell a + b, so it is that of the smallest table
// in which both are shown: the standard deviation of the share is largest where both are k, and is
// σ/(√8·k) there. Half a point more is for rounding.
func percent(a, b int64, sigma float64, k int64) throng.Estimate {
	const z = 1.9599639845400545
	margin := int64(math.Ceil(0.5 + 100*z*sigma/(math.Sqrt(8)*float64(k))))
	share := int64(math.Round(100 * float64(a) / float64(max(a+b, 1))))
	return throng.Estimate{Value: share, Low: max(share-margin, 0), High: min(share+margin, 100)}
}
