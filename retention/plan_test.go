package retention_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throng"
	"throng/retention"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everything is one item of each class for each of the last twelve days and for tomorrow.
func everything() (items []throng.Item) {
	for ago := 11; ago >= -1; ago-- {
		items = append(items,
			item("clickhouse", throng.ClassOptedOut, dayAgo(ago)),
			item("clickhouse", throng.ClassStandard, dayAgo(ago)),
			item("clickhouse", throng.ClassOpenUnits, dayAgo(ago)),
			item("broker", throng.ClassEventsTopic, dayAgo(ago)))
	}
	return append(items, item("clickhouse", "unheard_of", dayAgo(300)))
}

func held(throng.Item) bool { return true }

func defaults(t *testing.T) retention.Limits {
	t.Helper()
	limits, err := retention.Limits{}.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return limits
}

func TestPlan(t *testing.T) {
	strict := retention.Limits{OptedOut: 3 * 24 * time.Hour, OpenUnits: 20 * time.Hour}
	strict, err := strict.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	closed := map[throng.Day]bool{dayAgo(1): true, dayAgo(4): true}
	for name, c := range map[string]struct {
		now    time.Time
		limits retention.Limits
	}{
		"noon":     {noon, defaults(t)},
		"evening":  {noon.Add(11 * time.Hour), defaults(t)},
		"stricter": {noon, strict},
	} {
		t.Run(name, func(t *testing.T) {
			plan := retention.Plan(c.now, everything(), retention.Terms{}.With(noon, c.limits), c.limits.Lead, func(p throng.Period) bool { return p.Kind() == throng.DayPeriod && closed[p.First()] }, held)
			got, err := json.MarshalIndent(plan, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", append(got, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "plan", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("- golden, + planned:\n%s", d)
	}
}

// TestDeadlines: the first event of a day is the one that counts, and lead comes off.
func TestDeadlines(t *testing.T) {
	const d = throng.Day(20_000)
	limits := defaults(t)
	terms := retention.Terms{}.With(noon, limits)
	for class, deadline := range map[throng.Class]time.Time{
		throng.ClassOptedOut:    d.Start().Add(10 * 24 * time.Hour),
		throng.ClassStandard:    d.Start().Add(10 * 24 * time.Hour),
		throng.ClassFoldedUnits: d.Start().Add(10 * 24 * time.Hour),
		throng.ClassOpenUnits:   d.End().Add(48 * time.Hour),
		throng.ClassEventsTopic: d.End().Add(48 * time.Hour),
	} {
		items := []throng.Item{item("clickhouse", class, d)}
		open := func(throng.Period) bool { return false }
		due := deadline.Add(-limits.Lead)
		if plan := retention.Plan(due.Add(-time.Second), items, terms, limits.Lead, open, held); len(plan) != 0 {
			t.Errorf("%s: planned too early", class)
		}
		plan := retention.Plan(due, items, terms, limits.Lead, open, held)
		if len(plan) != 1 || !plan[0].Deadline.Equal(deadline) || plan[0].Reason != retention.PastLimit {
			t.Errorf("%s: planned %+v, want the deadline %v", class, plan, deadline)
		}
	}
}

// What a day has folded goes with its span, not with the day.
func TestFoldedUnitsGoWithTheirSpan(t *testing.T) {
	const d = throng.Day(20_000)
	items := []throng.Item{item("clickhouse", throng.ClassFoldedUnits, d)}
	limits := defaults(t)
	terms := retention.Terms{}.With(noon, limits)
	for kind, want := range map[throng.PeriodKind]int{throng.DayPeriod: 0, throng.SpanPeriod: 1} {
		plan := retention.Plan(d.End(), items, terms, limits.Lead, func(p throng.Period) bool { return p.Kind() == kind }, held)
		if len(plan) != want || want > 0 && plan[0].Reason != retention.SpanClosed {
			t.Errorf("closed periods of kind %d: planned %+v", kind, plan)
		}
	}
}

func TestLimitsCanOnlyBeStricter(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		limits retention.Limits
		ok     bool
	}{
		"defaults":                 {retention.Limits{}, true},
		"stricter":                 {retention.Limits{OptedOut: 3 * day, Standard: 5 * day, OpenUnits: 36 * time.Hour, EventsTopic: 40 * time.Hour}, true},
		"opted out too long":       {retention.Limits{OptedOut: 10*day + 1}, false},
		"standard too long":        {retention.Limits{Standard: 11 * day}, false},
		"open units too long":      {retention.Limits{OpenUnits: 49 * time.Hour}, false},
		"topic too long":           {retention.Limits{EventsTopic: 3 * day}, false},
		"negative":                 {retention.Limits{Standard: -1}, false},
		"negative lead":            {retention.Limits{Lead: -1}, false},
		"day still written":        {retention.Limits{OptedOut: day}, false},
		"lead longer than a limit": {retention.Limits{OpenUnits: 2 * time.Hour, Lead: 2 * time.Hour}, false},
	} {
		if _, err := c.limits.WithDefaults(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
