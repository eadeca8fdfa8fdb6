package aggregate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/verify"
)

// exact is a mechanism without noise, so that a test can add up: what has at least gate devices passes.
type exact struct{ gate int64 }

func (e exact) Gate(_ throng.Draw, devices int64) (throng.Measure, error) {
	if devices < e.gate {
		return throng.Blank(throng.BelowGate), nil
	}
	return throng.Published(throng.Estimate{Value: devices, Low: devices, High: devices}), nil
}

func (e exact) Visits(_ throng.Draw, bounded int64) (throng.Estimate, error) {
	return throng.Estimate{Value: bounded, Low: bounded, High: bounded}, nil
}

// withoutNoise lets the house publish true counts from a gate on, in tests only.
func (h *house) withoutNoise(gate int64) {
	h.options.K, h.options.Watermark = 1, "test"
	h.reopenExact(gate)
}

func (h *house) reopenExact(gate int64) {
	h.open()
	h.SetMechanism(func(throng.ReleaseID, throng.Parameters) (aggregate.Draws, error) { return exact{gate}, nil })
}

func (h *house) published(p throng.Period) (r throng.Release, ok bool) {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.dir, "releases", "www", throng.PathTable, p.String()+".json"))
	if err != nil {
		return r, false
	}
	if err := json.Unmarshal(b, &r); err != nil {
		h.t.Fatal(err)
	}
	return r, true
}

// table is a release as lines KEY<HOLDER DEVICES VISITS, which are easy to compare.
func table(r throng.Release) string {
	var lines []string
	for _, row := range r.Rows {
		d, _ := row.Devices.Estimate()
		v, _ := row.Visits.Estimate()
		lines = append(lines, fmt.Sprintf("%s %d %d", strings.TrimSuffix(row.Key+"<"+row.Holder, "<"), d.Value, v.Value))
	}
	return strings.Join(lines, "; ")
}

func expectTable(t *testing.T, r throng.Release, want string) {
	t.Helper()
	if got := table(r); got != want {
		t.Errorf("%s\n got %s\nwant %s", r.Period, got, want)
	}
}

// spanDay is the first day of a span.
const spanDay = throng.Day(20028) // 2024-11-01

// visits lets devices from..to-1 visit a path on a day.
func (h *house) visits(day throng.Day, from, to int, path string, times int) {
	for d := from; d < to; d++ {
		h.store.visitFrom(day, "www", d, path, times, d%2 == 0, uint64(d)+1)
	}
}

func (h *house) tickAt(now time.Time) []throng.Period {
	h.t.Helper()
	h.clock.now = now
	closed, _ := h.tick()
	return closed
}

// endSpan closes each day of the first span and then the span.
func (h *house) endSpan() throng.Release {
	h.t.Helper()
	for day := spanDay; day < spanDay+8; day++ {
		h.store.blocks[day] = true
		h.tickAt(day.End().Add(time.Hour))
	}
	r, ok := h.published(throng.Span(spanDay).Period())
	if !ok {
		h.t.Fatal("the span was not closed")
	}
	return r
}

func TestASpanPublishesWhatItsDaysCouldNot(t *testing.T) {
	h := newHouse(t)
	h.withoutNoise(100)
	for i := range 8 {
		day := spanDay + throng.Day(i)
		h.visits(day, 0, 150, "/news/today", 1)             // published each day
		h.visits(day, 1000+30*i, 1030+30*i, "/news/old", 2) // 240 devices in the span
		h.visits(day, 2000, 2090, "/news/rare", 1)          // the same 90 each day
		h.visits(day, 3000+20*i, 3020+20*i, "/shop/a", 1)   // 160 in the span, in no row of a day
	}
	got := h.endSpan()
	day, _ := h.published(spanDay.Period())
	expectTable(t, day, "/news/*other* 120 150; /news/today 150 150")
	// /news/rare stays in its holder, whose 90 remaining devices are too few to take anything out of it.
	expectTable(t, got, "/shop/a 160 160")
	if len(h.store.folded) != 0 {
		t.Error("folded units were kept")
	}
}

func TestWhatIsTakenOutOfAHolderLeavesEnough(t *testing.T) {
	h := newHouse(t)
	h.withoutNoise(100)
	for i := range 8 {
		day := spanDay + throng.Day(i)
		h.visits(day, 1000+30*i, 1030+30*i, "/news/old", 2)
		h.visits(day, 2000+30*i, 2090+30*i, "/news/rare-"+fmt.Sprint(i), 1)
	}
	span := h.endSpan()
	expectTable(t, span, "/news/old</news/*other* 240 480")
	month := h.sumMonth()
	expectTable(t, month, fmt.Sprintf("/news/*other* 0 %d; /news/old 0 480", 8*150-480))
	if len(month.Sources) != 9 || month.Parameters.Watermark == "" || month.Parameters.Epsilon != 0 {
		t.Errorf("head %+v %+v", month.Sources, month.Parameters)
	}
	// The opted-out column of the days holds the visits of the span's rows already.
	day, _ := h.published(spanDay.Period())
	if len(day.OptedOut) != 2 || len(span.OptedOut) != 0 {
		t.Errorf("columns %+v and %+v", day.OptedOut, span.OptedOut)
	}
}

// sumMonth moves the clock to the end of the month.
func (h *house) sumMonth() throng.Release {
	h.t.Helper()
	month := throng.MonthOf(spanDay)
	h.tickAt(month.Last().End().Add(47 * time.Hour))
	r, ok := h.published(month)
	if !ok {
		h.t.Fatal("the month was not summed")
	}
	return r
}

// A device that reads one page every day is one device of the span, with Linf visits.
func TestASpanCountsADeviceOnce(t *testing.T) {
	h := newHouse(t)
	h.withoutNoise(100)
	for i := range 8 {
		h.visits(spanDay+throng.Day(i), 0, 99, "/a", 3)
	}
	h.visits(spanDay+7, 99, 100, "/a", 1)
	// Of the last day's 100 devices and 298 visits, one device and visit is in no other day.
	span := h.endSpan()
	expectTable(t, span, "")
	last, _ := h.published((spanDay + 7).Period())
	expectTable(t, last, "/a 100 298")
}

// Forty days of a site with a long tail, from the first line to the month: every day, span and month is
// published in its time, months add up, nothing is negative, and nothing is kept.
func TestFortyDays(t *testing.T) {
	h := newHouse(t)
	h.withoutNoise(60)
	r := rand.New(rand.NewPCG(1, 40))
	tail := rand.NewZipf(r, 1.3, 4, 400)
	for day := spanDay; day < spanDay+40; day++ {
		for range 600 {
			device := r.IntN(3000)
			for range 1 + r.IntN(6) {
				page := int(tail.Uint64())
				h.store.visitFrom(day, "www", device, fmt.Sprintf("/s%d/t%d/p%d", page%7, page%3, page), 1+r.IntN(4), device%4 == 0, uint64(device)+1)
			}
		}
		h.tickAt(day.End().Add(30 * time.Minute))
		for folded := range h.store.folded {
			if throng.SpanOf(folded) != throng.SpanOf(day) {
				t.Fatalf("on %s something folded on %s is kept", day, folded)
			}
		}
		if len(h.store.rows) != 0 {
			t.Fatalf("units of %s are kept", day)
		}
	}
	month := throng.MonthOf(spanDay)
	got, ok := h.published(month)
	if !ok {
		t.Fatal("the month was not summed")
	}
	expectAddsUp(t, h, got, 30, 4)
	if held := h.holders(month); held == 0 {
		t.Error("no span took a row out of a holder: the simulation shows too little")
	}
	if _, ok := h.published(throng.MonthOf(month.Last() + 1)); ok {
		t.Error("a month that is not over was summed")
	}
}

func (h *house) holders(month throng.Period) (n int) {
	for s := throng.SpanOf(month.First()); s.First() <= month.Last(); s = s.Next() {
		r, _ := h.published(s.Period())
		for _, row := range r.Rows {
			if row.Holder != "" {
				n++
			}
		}
	}
	return n
}

func expectAddsUp(t *testing.T, h *house, month throng.Release, days, spans int) {
	t.Helper()
	var want, got int64
	seen := map[throng.PeriodKind]int{}
	for _, s := range month.Sources {
		r, _ := h.published(s.Period)
		seen[s.Period.Kind()]++
		for _, row := range r.Rows {
			if v, _ := row.Visits.Estimate(); row.Holder == "" {
				want += v.Value
			}
		}
	}
	for _, row := range month.Rows {
		v, ok := row.Visits.Estimate()
		if !ok || v.Value < 0 {
			t.Errorf("%s: %+v", row.Key, row.Visits)
		}
		got += v.Value
	}
	if got != want || got == 0 {
		t.Errorf("the month's rows sum to %d, its days and spans to %d", got, want)
	}
	if seen[throng.DayPeriod] != days || seen[throng.SpanPeriod] != spans || len(month.Complete.MissingDays) != 0 {
		t.Errorf("summed from %v, missing %v", seen, month.Complete.MissingDays)
	}
}

// A month whose file was lost between its entry and its link is computed again; one that was changed is
// not.
func TestAMonthIsComputedAgain(t *testing.T) {
	h := newHouse(t)
	h.withoutNoise(100)
	h.visits(spanDay, 0, 150, "/a", 1)
	h.endSpan()
	first := h.sumMonth()
	file := filepath.Join(h.dir, "releases", "www", throng.PathTable, first.Period.String()+".json")
	before, err := os.ReadFile(file)
	must(t, err)
	must(t, os.Remove(file))
	entries := len(h.ledger.Entries())
	h.open()
	h.tick()
	after, err := os.ReadFile(file)
	if err != nil || !slices.Equal(before, after) || len(h.ledger.Entries()) != entries {
		t.Errorf("computed again: %v, %d entries more", err, len(h.ledger.Entries())-entries)
	}
	must(t, os.WriteFile(file, append(after, ' '), 0o600))
	if _, err := h.SumMonth(context.Background(), first.Period); err == nil || !strings.Contains(err.Error(), "restore") {
		t.Errorf("a changed month: %v", err)
	}
}

// A day that is closed after its month was summed does not change the month, even where the month's file is
// written only then.
func TestAMonthIsComputedAgainWithoutWhatCameLater(t *testing.T) {
	h := newHouse(t)
	h.options.K, h.options.Watermark = 20, "test"
	h.open()
	month := throng.MonthOf(spanDay)
	h.visits(spanDay, 0, 900, "/a", 1)
	h.tickAt(spanDay.End().Add(time.Hour))
	h.visits(month.Last(), 0, 900, "/a", 1)
	h.store.fail["Units"] = 0
	h.clock.now = month.Last().End().Add(46 * time.Hour)
	h.store.sort()
	if _, _, err := h.Tick(context.Background()); !throng.IsRetryable(err) {
		t.Fatal(err)
	}
	first, ok := h.published(month)
	if !ok || len(first.Sources) != 2 {
		t.Fatalf("summed %v, from %+v", ok, first.Sources)
	}
	file := filepath.Join(h.dir, "releases", "www", throng.PathTable, month.String()+".json")
	before, err := os.ReadFile(file)
	must(t, err)
	must(t, os.Remove(file)) // as a crash behind the ledger's entry leaves it
	delete(h.store.fail, "Units")
	h.open()
	h.tick()
	if _, ok := h.published(month.Last().Period()); !ok {
		t.Fatal("the late day was not closed")
	}
	if after, err := os.ReadFile(file); err != nil || !slices.Equal(before, after) {
		t.Errorf("the month changed: %v", err)
	}
	if r, err := verify.Run(context.Background(), verify.Options{Files: verify.Dir{FS: os.DirFS(h.dir)}}); err != nil || !r.Holds() {
		t.Errorf("verify: %v, %+v", err, r)
	}
}

// A day that stays open holds up its span as long as it can still be closed, and no longer.
func TestASpanWaitsForItsDays(t *testing.T) {
	h := newHouse(t)
	h.withoutNoise(100)
	h.visits(spanDay, 0, 150, "/a", 1)
	for day := spanDay; day < spanDay+8; day++ {
		if day != spanDay+6 {
			h.store.blocks[day] = true
			h.tickAt(day.End().Add(time.Hour))
		}
	}
	span := throng.Span(spanDay).Period()
	if _, ok := h.published(span); ok {
		t.Fatal("the span did not wait")
	}
	h.tickAt((spanDay + 6).End().Add(45 * time.Hour))
	r, ok := h.published(span)
	if !ok || len(r.Complete.MissingDays) != 1 || r.Complete.MissingDays[0] != spanDay+6 {
		t.Errorf("closed %v, missing %v", ok, r.Complete.MissingDays)
	}
}

// A crash at any step of a span draws nothing twice and keeps nothing.
func TestACrashWhileASpanIsClosed(t *testing.T) {
	for _, call := range []string{"Cells", "Units", "MirrorRelease", "DropUnits"} {
		t.Run(call, func(t *testing.T) {
			h := newHouse(t)
			h.options.K, h.options.Watermark = 20, "test"
			h.open()
			for i := range 8 {
				day := spanDay + throng.Day(i)
				h.visits(day, 300*i, 300*i+300, "/news/old", 2)
				h.store.blocks[day] = true
				if i < 7 {
					h.tickAt(day.End().Add(time.Hour))
				}
			}
			h.store.sort()
			h.clock.now = (spanDay + 7).End().Add(time.Hour)
			if _, err := h.CloseDay(context.Background(), spanDay+7); err != nil {
				t.Fatal(err)
			}
			h.store.fail[call], h.store.calls[call] = 0, 0
			if _, err := h.CloseSpan(context.Background(), throng.Span(spanDay)); err == nil {
				t.Fatal("the close did not fail")
			}
			before, _ := h.published(throng.Span(spanDay).Period())
			delete(h.store.fail, call)
			h.open()
			h.tick()
			after, ok := h.published(throng.Span(spanDay).Period())
			if !ok || table(after) == "" || before.Rows != nil && table(before) != table(after) {
				t.Errorf("before %s, after %s", table(before), table(after))
			}
			if len(h.store.folded) != 0 || h.store.mirror[after.ID()] == "" {
				t.Errorf("%d days folded, mirror %q", len(h.store.folded), h.store.mirror[after.ID()])
			}
		})
	}
}
