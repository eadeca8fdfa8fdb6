package aggregate

import (
	"math"

	"throng"
)

// drawClipped makes the share of devices that were clipped from two gates, one for them and one for the
// others. A device is in one of the two, so that both together are one draw of it. The two numbers stay
// here: with the number of all devices, those of a row could be subtracted from it.
func (d *draft) drawClipped(clipped, others int64) error {
	d.clipped = throng.Blank(throng.NotDrawn)
	if !d.has(throng.DrawClipped) {
		return nil
	}
	x, err := d.draws.Gate(throng.DrawClipped, clipped)
	if err != nil {
		return err
	}
	y, err := d.draws.Gate(throng.DrawClipped, others)
	if err != nil {
		return err
	}
	a, cut := x.Estimate()
	b, whole := y.Estimate()
	if d.clipped = throng.Blank(throng.BelowGate); cut && whole {
		d.clipped = throng.Published(percent(a.Value, b.Value, d.account.Parameters))
	}
	return nil
}

// percent is the share of a in a + b. Its interval must not tell a + b, so it is that of the smallest table
// in which both are shown: the standard deviation of the share is largest where both are k, and is
// σ/(√8·k) there. Half a point more is for rounding.
func percent(a, b int64, p throng.Parameters) throng.Estimate {
	const z = 1.9599639845400545
	draw, _ := p.Draw(throng.DrawClipped)
	margin := int64(math.Ceil(0.5 + 100*z*draw.Sigma/(math.Sqrt(8)*float64(p.K))))
	share := int64(math.Round(100 * float64(a) / float64(max(a+b, 1))))
	return throng.Estimate{Value: share, Low: max(share-margin, 0), High: min(share+margin, 100)}
}
