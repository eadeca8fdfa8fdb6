package loadgen

import "math"

// curve spreads n lines over [start, end): traffic follows the hour of the day.
type curve struct {
	start, end int64 // seconds since the Unix epoch
	n          uint64
	base, area float64
}

const (
	day       = 86400.0
	quietest  = 4 * 3600.0 // second of the day
	amplitude = 0.6        // the busiest hour has (1+a)/(1-a) = 4 times the traffic of the quietest
)

func newCurve(start, end int64, n uint64) curve {
	c := curve{start: start, end: end, n: n, base: integral(start)}
	c.area = integral(end) - c.base
	return c
}

// integral of the rate 1 - a·cos(2π(t-quietest)/day), up to a constant that is the same for all t.
func integral(sec int64) float64 {
	t := float64(sec)
	return t - amplitude*day/(2*math.Pi)*math.Sin(2*math.Pi*math.Mod(t-quietest, day)/day)
}

// first is the number of the first line that is not before sec.
func (c curve) first(sec int64) uint64 {
	switch {
	case sec <= c.start:
		return 0
	case sec >= c.end:
		return c.n
	}
	return min(uint64(float64(c.n)*(integral(sec)-c.base)/c.area), c.n)
}

// second is the time of line i, for i < n.
func (c curve) second(i uint64) int64 {
	lo, hi := c.start, c.end // first(lo) <= i < first(hi)
	for hi-lo > 1 {
		mid := lo + (hi-lo)/2
		if c.first(mid) <= i {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}
