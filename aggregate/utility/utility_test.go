package utility_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/aggregate/utility"
	"throng/internal/loadgen"
)

// small is a log of 40 pages whose readers are enough for a dozen of them.
func small(t *testing.T) *loadgen.Log { return logOf(t, 500_000, 120_000) }

func logOf(t *testing.T, lines, devices uint64) *loadgen.Log {
	t.Helper()
	log, err := loadgen.New(loadgen.Options{
		Readership: loadgen.Model(300)[:40], Lines: lines, Devices: devices, Key: throng.LeafKey,
		Start: time.Unix(0, 0), End: time.Unix(86_400, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestADayIsComparedWithItsTruth(t *testing.T) {
	log := small(t)
	p := utility.NewPopulation(log)
	if truth := log.Truth(); p.Visits != int64(truth.Visits) || p.Devices != int64(truth.Devices) || p.Leaves() != len(truth.Paths) {
		t.Fatalf("%d visits of %d devices to %d leaves", p.Visits, p.Devices, p.Leaves())
	}
	r, err := utility.Measure(context.Background(), t.TempDir(), p, utility.Defaults, 3)
	if err != nil {
		t.Fatal(err)
	}
	if r.Gate < throng.MinDevices || r.Pages < 5 || r.Intervals < 15 {
		t.Fatalf("too little was published: %+v", r)
	}
	if !(0 < r.TrafficInPages && r.TrafficInPages <= r.Traffic && r.Traffic <= 1) || !(0 <= r.Dropped && r.Dropped < 1) {
		t.Errorf("shares %+v", r)
	}
	// What is published is within some σ of the bounded truth, and below the raw one by what was clipped.
	if r.Error > 0.02 || r.Clipping <= 0 || r.Clipping > 0.5 || r.RawError < r.Error {
		t.Errorf("errors %+v", r)
	}
	if miss := 6 * math.Sqrt(.05*.95/float64(r.Intervals)); r.VisitsHeld < .95-miss || r.DevicesHeld < .95-miss {
		t.Errorf("intervals hold the truth in %g and %g of %d", r.VisitsHeld, r.DevicesHeld, r.Intervals)
	}
}

func TestAMonthHoldsWhatItsDaysAndSpansDo(t *testing.T) {
	kinds, err := utility.MeasureMonth(context.Background(), t.TempDir(), logOf(t, 3_000_000, 400_000), utility.Defaults)
	if err != nil {
		t.Fatal(err)
	}
	days, spans, month := kinds[0], kinds[1], kinds[2]
	if days.Periods != 28 || spans.Periods != 4 || month.Periods != 1 {
		t.Fatalf("%+v", kinds)
	}
	if !(0 < days.InRows && days.InRows <= spans.InRows && spans.InRows <= 1) || days.InPages >= spans.InPages {
		t.Errorf("spans add nothing to days: %+v, %+v", days, spans)
	}
	if month.InRows != spans.InRows || month.InPages != spans.InPages {
		t.Errorf("the month is not what days and spans hold: %+v, %+v", month, spans)
	}
	for _, k := range kinds[:2] {
		if miss := 6 * math.Sqrt(.05*.95/float64(k.Intervals)); k.Intervals == 0 || k.Held < .95-miss || k.Error > 0.05 {
			t.Errorf("%+v", k)
		}
	}
}

func TestSizesFollowTheGate(t *testing.T) {
	sizes, err := utility.Sizes(utility.Defaults, 200, 4_999, 5_369, 6_000, 50_000)
	if err != nil {
		t.Fatal(err)
	}
	if under := sizes[0]; under.Published != 0 || !math.IsNaN(under.VisitsError) {
		t.Errorf("under k: %+v", under)
	}
	if at := sizes[1]; at.Published < 0.2 || at.Published > 0.8 {
		t.Errorf("at the gate: %+v", at)
	}
	if over := sizes[2]; over.Published != 1 || over.VisitsError > 0.03 {
		t.Errorf("12 σ over the gate: %+v", over)
	}
	if sizes[3].VisitsError >= sizes[2].VisitsError/2 {
		t.Errorf("a larger page is not more exact: %+v, %+v", sizes[2], sizes[3])
	}
	if _, err := utility.Sizes(utility.Setting{K: 10, Epsilon: 1}, 1, 1); err == nil {
		t.Error("k under the floor was taken")
	}
}

func TestLooserBoundsClipLessAndAddNoise(t *testing.T) {
	b, err := utility.Bounds(small(t), []int64{3, 10}, []int64{1, 3})
	if err != nil {
		t.Fatal(err)
	}
	for i, narrow := range b {
		for _, wide := range b[i+1:] {
			if wide.L0 >= narrow.L0 && wide.Linf >= narrow.Linf && (wide.Clipping >= narrow.Clipping || wide.VisitsSigma <= narrow.VisitsSigma) {
				t.Errorf("%+v is no trade for %+v", wide, narrow)
			}
		}
	}
	if shipped := b[3]; math.Abs(shipped.VisitsSigma-104) > 1 || math.Abs(shipped.DevicesSigma-50) > 1 {
		t.Errorf("the method's own bounds: %+v", shipped)
	}
}

func TestReportAndPlotCanBeRead(t *testing.T) {
	sizes, err := utility.Sizes(utility.Defaults, 20, 5_500, 50_000)
	if err != nil {
		t.Fatal(err)
	}
	var plot, text bytes.Buffer
	if err := utility.Plot(&plot, [][]utility.Size{sizes, sizes}); err != nil {
		t.Fatal(err)
	}
	elements := 0
	for dec := xml.NewDecoder(&plot); ; elements++ {
		if _, err := dec.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("element %d: %v", elements, err)
		}
	}
	if elements < 50 || strings.Contains(plot.String(), "NaN") {
		t.Errorf("%d elements", elements)
	}
	r := utility.Report{Source: "nothing", Results: make([]utility.Result, 1), Month: make([]utility.Longer, 3), Sizes: sizes, Bounds: make([]utility.Bound, 2)}
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "|") && !strings.HasSuffix(line, "|\n") {
			t.Errorf("a row of a table is broken: %q", line)
		}
	}
}
