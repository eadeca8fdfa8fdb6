package dashboards_test

import (
	"math"
	"testing"
	"testing/fstest"
	"time"

	"throng"
	"throng/dashboards"
)

type comparedWeeks struct {
	A, B     string
	Weekdays int
	Total    struct{ Value, Low, High int64 }
	Rows     []struct {
		Key        string
		A, B       throng.Measure
		Weekdays   int
		Difference *struct{ Value, Low, High int64 }
	}
}

// twoWeeks are fourteen days from Monday, 28 December 2026: one page is shown every day, and grows by 1,000 visits
// from week to week; another is not shown on the first Tuesday and the second Friday; a third never on the same
// weekday of both.
func twoWeeks(t *testing.T) dashboards.Options {
	t.Helper()
	files := fstest.MapFS{}
	first := throng.DayOf(time.Date(2026, 12, 28, 0, 0, 0, 0, time.UTC))
	for i := range 14 {
		d := first + throng.Day(i)
		rows := []throng.Row{row("/www/a", int64(20_000+1_000*(i/7)), 9_000)}
		if i != 1 && i != 11 {
			rows = append(rows, row("/www/b", 30_000, 9_000))
		}
		if i == 2 || i == 10 {
			rows = append(rows, row("/www/c", 40_000, 9_000))
		}
		put(t, files, release(t, "archives", d.String(), rows...))
	}
	return options(files)
}

// A row of two weeks is the sum of the weekdays on which both have it: what is not shown on a day is no fall.
func TestWeeksAreComparedByWeekday(t *testing.T) {
	got := decode[comparedWeeks](t, serve(t, twoWeeks(t)), "/api/v1/sites/archives/compare?a=2026-W53&b=2027-W01&sort=path")
	if got.A != "2026-W53" || got.B != "2027-W01" || got.Weekdays != 7 || len(got.Rows) != 2 {
		t.Fatalf("weeks, weekdays or rows are not those that were asked for: %+v", got)
	}
	half := func(days int) int64 { return int64(math.Ceil(math.Sqrt(float64(days)) * 204)) }
	for i, want := range []struct {
		key      string
		a, b     int64
		weekdays int
	}{{"/www/a", 140_000, 147_000, 7}, {"/www/b", 150_000, 150_000, 5}} {
		r := got.Rows[i]
		a, _ := r.A.Estimate()
		b, _ := r.B.Estimate()
		if r.Key != want.key || r.Weekdays != want.weekdays || a.Value != want.a || b.Value != want.b || a.High-a.Value != half(want.weekdays) {
			t.Errorf("row %+v, want %+v with ± %d", r, want, half(want.weekdays))
		}
		reach := int64(math.Ceil(math.Hypot(float64(half(want.weekdays)), float64(half(want.weekdays)))))
		if r.Difference == nil || r.Difference.Value != want.b-want.a || r.Difference.High-r.Difference.Value != reach {
			t.Errorf("%s: the difference is %+v, want %d ± %d", r.Key, r.Difference, want.b-want.a, reach)
		}
	}
}
