package utility

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// PlotSizes are numbers of devices that make smooth lines in a [Plot].
func PlotSizes() []int64 {
	var sizes []int64
	for n := int64(4000); n < 12_000; n += 100 {
		sizes = append(sizes, n)
	}
	for n := 12_000.0; n <= 500_000; n *= 1.2 {
		sizes = append(sizes, int64(n))
	}
	return sizes
}

// Plot writes the sizes of several settings as an SVG of two panels: the share of cells that are
// published, and the median error of their visits, by number of devices.
func Plot(w io.Writer, settings [][]Size) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 360" font-family="sans-serif" font-size="13">`+
		"\n<title>What is published, and how exactly, by number of devices</title>\n"+
		"<rect width=\"860\" height=\"360\" fill=\"#fff\"/>\n")
	shown := panel{x: 60, y: 40, w: 330, h: 250, left: 4000, right: 12_000, bottom: 0, top: 1}
	errors := panel{x: 490, y: 40, w: 330, h: 250, left: 5000, right: 500_000, bottom: 1e-5, top: 0.1, log: true}
	shown.frame(&b, "cells published", []float64{4000, 6000, 8000, 10_000, 12_000}, []float64{0, 0.25, 0.5, 0.75, 1})
	errors.frame(&b, "median error of visits, given that they are shown", []float64{5000, 50_000, 500_000}, []float64{1e-5, 1e-4, 1e-3, 1e-2, 1e-1})
	colours := []string{"#0b5cad", "#c25400", "#2d7d32", "#7b1fa2", "#555"}
	for i, sizes := range settings {
		colour := colours[i%len(colours)]
		shown.line(&b, colour, sizes, func(s Size) float64 { return s.Published })
		errors.line(&b, colour, sizes, func(s Size) float64 {
			if s.Published < 0.5 {
				return 0 // of too few draws to be drawn
			}
			return s.VisitsError
		})
		x := 60 + 270*(i%3)
		y := 335 + 18*(i/3)
		fmt.Fprintf(&b, `<path d="M%d %d h24" stroke="%s" stroke-width="2"/><text x="%d" y="%d">ε = %g, k = %s</text>`+"\n",
			x, y-4, colour, x+30, y, sizes[0].Epsilon, grouped(float64(sizes[0].K)))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// panel is a pair of axes; with log both are logarithmic.
type panel struct {
	x, y, w, h               float64
	left, right, bottom, top float64
	log                      bool
}

func (p panel) at(x, y float64) (float64, float64) {
	scale := func(v, low, high float64) float64 {
		if p.log {
			v, low, high = math.Log(v), math.Log(low), math.Log(high)
		}
		return (v - low) / (high - low)
	}
	return p.x + p.w*scale(x, p.left, p.right), p.y + p.h*(1-scale(y, p.bottom, p.top))
}

func (p panel) frame(b *strings.Builder, title string, xs, ys []float64) {
	fmt.Fprintf(b, `<text x="%.0f" y="24" font-weight="bold">%s</text>`+"\n", p.x, title)
	for _, v := range xs {
		x, _ := p.at(v, p.top)
		fmt.Fprintf(b, `<path d="M%.1f %.1f v%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`+"\n", x, p.y, p.h, x, p.y+p.h+18, grouped(v))
	}
	for _, v := range ys {
		_, y := p.at(p.left, v)
		fmt.Fprintf(b, `<path d="M%.1f %.1f h%.1f" stroke="#ddd"/><text x="%.1f" y="%.1f" text-anchor="end">%g %%</text>`+"\n", p.x, y, p.w, p.x-6, y+4, 100*v)
	}
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="end" fill="#555">devices</text>`+"\n", p.x+p.w, p.y+p.h-6)
}

func (p panel) line(b *strings.Builder, colour string, sizes []Size, value func(Size) float64) {
	step := "M"
	fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="2" d="`, colour)
	for _, s := range sizes {
		v := value(s)
		if x := float64(s.Devices); math.IsNaN(v) || x < p.left || x > p.right || p.log && v <= 0 {
			continue
		}
		x, y := p.at(float64(s.Devices), max(v, p.bottom))
		fmt.Fprintf(b, "%s%.1f %.1f", step, x, y)
		step = "L"
	}
	b.WriteString("\"/>\n")
}

// grouped writes a whole number with thin spaces between thousands.
func grouped(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}
