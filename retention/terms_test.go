package retention_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"throng"
	"throng/retention"
)

func limitsOf(t testing.TB, standard time.Duration) retention.Limits {
	t.Helper()
	l, err := retention.Limits{Standard: standard}.WithDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func deadline(t testing.TB, terms retention.Terms, day throng.Day) time.Duration {
	t.Helper()
	at, ok := terms.Deadline(item("clickhouse", throng.ClassStandard, day))
	if !ok {
		t.Fatal("no deadline")
	}
	return at.Sub(day.Start())
}

func TestStricterAppliesAtOnceLaxerToNewDays(t *testing.T) {
	const days = 24 * time.Hour
	terms := retention.Terms{}.
		With(noon.Add(-20*days), limitsOf(t, 8*days)).
		With(noon, limitsOf(t, 4*days)).
		With(noon.Add(2*days), limitsOf(t, 9*days)).
		With(noon.Add(3*days), limitsOf(t, 9*days))
	for day, want := range map[throng.Day]time.Duration{
		dayAgo(30): 4 * days, // before the first limits
		dayAgo(6):  4 * days, // the stricter one, at once
		dayAgo(0):  4 * days,
		dayAgo(-1): 4 * days,
		dayAgo(-2): 4 * days, // on this day the laxer one came
		dayAgo(-3): 9 * days,
		dayAgo(-9): 9 * days,
	} {
		if got := deadline(t, terms, day); got != want {
			t.Errorf("%s goes after %v, want %v", day, got, want)
		}
	}
}

// TestTermsNeverProlong: whatever is configured when, and however the clock jumps, what exists is never kept
// longer than under any limit that was in force since its day began.
func TestTermsNeverProlong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var terms retention.Terms
		var strictest time.Duration
		made := throng.DayOf(noon)
		now := made.Start()
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			standard := time.Duration(rapid.IntRange(26, 240).Draw(t, "hours")) * time.Hour
			limits, err := retention.Limits{Standard: standard}.WithDefaults()
			if err != nil {
				t.Fatal(err)
			}
			terms = terms.With(now, limits)
			if strictest == 0 || standard < strictest {
				strictest = standard
			}
			at, _ := terms.Deadline(item("clickhouse", throng.ClassStandard, made))
			if got := at.Sub(made.Start()); got != strictest {
				t.Fatalf("kept for %v, the strictest was %v", got, strictest)
			}
			now = now.Add(time.Duration(rapid.IntRange(-5, 30).Draw(t, "pass")) * time.Hour)
		}
	})
}

func TestTermsAreRemembered(t *testing.T) {
	const days = 24 * time.Hour
	path := filepath.Join(t.TempDir(), "limits")
	terms, err := retention.ReadTerms(path)
	if err != nil || len(terms.Changes(noon, limitsOf(t, 5*days))) > 0 {
		t.Fatalf("without a file: %v, %v", terms, err)
	}
	terms = terms.With(noon, limitsOf(t, 5*days))
	if err := terms.Write(path); err != nil {
		t.Fatal(err)
	}
	if terms, err = retention.ReadTerms(path); err != nil {
		t.Fatal(err)
	}
	if got := deadline(t, terms.With(noon, limitsOf(t, 10*days)), dayAgo(1)); got != 5*days {
		t.Errorf("after a restart with a laxer limit an old day is kept for %v", got)
	}
	for _, damaged := range []string{"", "{}", `{"format":"throng/limits/1","terms":[{"limits":{"standard":"x"}}]}`} {
		if err := os.WriteFile(path, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := retention.ReadTerms(path); err == nil {
			t.Errorf("%q was read", damaged)
		}
	}
}

func TestChanges(t *testing.T) {
	const days = 24 * time.Hour
	terms := retention.Terms{}.With(noon, limitsOf(t, 5*days))
	if got := terms.Changes(noon, limitsOf(t, 5*days)); len(got) > 0 {
		t.Errorf("no change: %+v", got)
	}
	got := terms.Changes(noon, limitsOf(t, 3*days))
	if len(got) != 1 || !got[0].Stricter() || got[0].Class != throng.ClassStandard || got[0].Old != 5*days || got[0].New != 3*days {
		t.Errorf("stricter: %+v", got)
	}
	got = terms.Changes(noon, limitsOf(t, 9*days))
	if len(got) != 1 || got[0].Stricter() || got[0].From != dayAgo(-1) {
		t.Errorf("laxer: %+v", got)
	}
}

// TestKeeperRemembersLimits: a keeper that only reads does not write what it was configured with.
func TestKeeperRemembersLimits(t *testing.T) {
	const days = 24 * time.Hour
	w := newTown(t, retention.Limits{Standard: 3 * days})
	w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(1))}
	if _, err := w.keeper.Verify(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(w.terms); err == nil {
		t.Error("to verify wrote down limits")
	}
	if _, err := w.keeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stop(t)
	w.clock.now = noon.Add(2 * days)
	w.start(t, retention.Limits{})
	if _, err := w.keeper.Sweep(t.Context()); err != nil || len(w.clickhouse.items) != 0 {
		t.Errorf("under a laxer limit %v is left, %v", w.clickhouse.items, err)
	}
}
