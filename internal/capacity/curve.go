package capacity

import (
	"math"
	"math/rand/v2"
)

const (
	busiest = 15 * 3600. // s: three in the afternoon
	minutes = 24 * 60
)

// curve is the rate of lines over a day: a quiet base, a hump around the busiest hour, and noise that changes every minute.
type curve struct {
	base, hump float64 // lines a second
	power      int     // the higher, the narrower is the hump
	noise      [minutes]float64
}

func newCurve(d Demand) *curve {
	c := &curve{power: 1}
	share := .5 // of the hump's height that is its mean: (2p choose p)/4^p for ((1+cos x)/2)^p
	for ; d.Peak*share > 1; c.power++ {
		share *= float64(2*c.power+1) / float64(2*c.power+2)
	}
	low := (1 - d.Peak*share) / (1 - share)
	c.base, c.hump = low*d.LinesPerSecond, (d.Peak-low)*d.LinesPerSecond
	r := rand.New(rand.NewPCG(d.Seed, 'c'))
	for i := range c.noise {
		c.noise[i] = max(0, 1+noise*r.NormFloat64())
	}
	return c
}

// rate is that of a second of the day, after which the next day begins.
func (c *curve) rate(at float64) float64 {
	return c.smooth(at) * c.noise[int(at/60)%minutes]
}

// mean is the rate of a minute without noise.
func (c *curve) mean(minute int) float64 { return c.smooth(60*float64(minute) + 30) }

func (c *curve) smooth(at float64) float64 {
	return c.base + c.hump*math.Pow((1+math.Cos((at-busiest)/86400*2*math.Pi))/2, float64(c.power))
}
