package utility

import (
	"fmt"
	"io"
	"math"
)

// Report is all that is measured.
type Report struct {
	// Source says what the visits were made from; Visits, Devices and Leaves how many there are.
	Source          string
	Visits, Devices int64
	Leaves          int
	// Results are closes of the whole population, the method's own parameters first.
	Results []Result
	// Month is what is published of the same visits, spread over a month.
	Month []Longer
	// Sizes are cells of chosen sizes under the method's own parameters.
	Sizes []Size
	// Bounds are what other bounds on contributions would cost.
	Bounds []Bound
}

// Write writes the report as Markdown tables, which are as good to read in a terminal.
func (r *Report) Write(w io.Writer) error {
	t := &text{w: w}
	t.say("Measured on %s: %s visits of %s devices to %s leaves in one day.\n", r.Source, grouped(float64(r.Visits)), grouped(float64(r.Devices)), grouped(float64(r.Leaves)))
	t.say("## A whole day\n")
	t.row("ε", "k", "gate", "pages", "groups", "pages of ≥ k", "of them without a row", "visits in pages", "visits in any row", "error", "error against raw", "clipped visits", "clipped devices", "95 % intervals: visits", "devices", "of")
	t.line(16)
	for _, x := range r.Results {
		t.row(g(x.Epsilon), grouped(float64(x.K)), grouped(float64(x.Gate)), f1(x.Pages), f1(x.Groups), fmt.Sprint(x.PagesOverK), percent(x.Dropped),
			percent(x.TrafficInPages), percent(x.Traffic), percent(x.Error), percent(x.RawError), percent(x.Clipping), percent(x.ClippedDevices),
			percent(x.VisitsHeld), percent(x.DevicesHeld), fmt.Sprint(x.Intervals))
	}
	t.say("\n## The same visits spread over a month\n")
	t.row("published", "periods", "pages each", "groups each", "visits in pages so far", "visits in any row so far", "error", "error against raw", "95 % intervals that hold", "of")
	t.line(10)
	for _, l := range r.Month {
		t.row(l.Kind, fmt.Sprint(l.Periods), f1(l.Pages), f1(l.Groups), percent(l.InPages), percent(l.InRows), percent(l.Error), percent(l.RawError), percent(l.Held), fmt.Sprint(l.Intervals))
	}
	t.say("\n## By size of a page\n")
	t.row("devices", "σ from the gate", "published", "error of visits", "error of devices", "intervals that hold: visits", "devices")
	t.line(7)
	for _, s := range r.Sizes {
		t.row(grouped(float64(s.Devices)), fmt.Sprintf("%+.1f", s.Distance), percent(s.Published), percent(s.VisitsError), percent(s.DeviceError), percent(s.VisitsHeld), percent(s.DevicesHeld))
	}
	t.say("\n## Bounds on contributions\n")
	t.row("L0", "Linf", "visits cut", "σ of visits", "σ of devices")
	t.line(5)
	for _, b := range r.Bounds {
		t.row(fmt.Sprint(b.L0), fmt.Sprint(b.Linf), percent(b.Clipping), f1(b.VisitsSigma), f1(b.DevicesSigma))
	}
	return t.err
}

// text writes until the first error.
type text struct {
	w   io.Writer
	err error
}

func (t *text) say(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *text) row(cells ...string) {
	line := "|"
	for _, c := range cells {
		line += " " + c + " |"
	}
	t.say("%s", line)
}

func (t *text) line(columns int) {
	line := "|"
	for range columns {
		line += "---|"
	}
	t.say("%s", line)
}

func g(v float64) string  { return fmt.Sprintf("%g", v) }
func f1(v float64) string { return fmt.Sprintf("%.1f", v) }

// percent has two significant digits where it is small.
func percent(v float64) string {
	switch p := 100 * v; {
	case math.IsNaN(p):
		return "–"
	case p == 0:
		return "0 %"
	case math.Abs(p) < 1:
		return fmt.Sprintf("%.2g %%", p)
	default:
		return fmt.Sprintf("%.1f %%", p)
	}
}
