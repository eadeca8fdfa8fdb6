package retention_test

import (
	"errors"
	"testing"
	"time"

	"throng"
	"throng/retention"
)

// heldItem is a copy that a hold keeps, ordered and wanted until days from today.
func heldItem(hold uint32, ordered, until int) throng.Item {
	i := item("clickhouse", throng.ClassHeld, dayAgo(-ordered))
	i.Hold, i.Expires = hold, dayAgo(-until).End()
	return i
}

// Held copies go with their hold, or on its last day.
func TestHeldCopiesGo(t *testing.T) {
	open := func(throng.Period) bool { return false }
	limits := defaults(t)
	terms := retention.Terms{}.With(noon, limits)
	inForce := func(i throng.Item) bool { return i.Hold != 3 }
	for name, c := range map[string]struct {
		item   throng.Item
		after  time.Duration // from noon
		reason retention.Reason
	}{
		"in force":                  {heldItem(1, -5, 20), 0, ""},
		"last day, before the lead": {heldItem(1, -5, 0), 10 * time.Hour, ""},
		"last day, within the lead": {heldItem(1, -5, 0), 10*time.Hour + 45*time.Minute, retention.PastLimit},
		"no hold in force":          {heldItem(3, -5, 20), 0, retention.HoldOver},
	} {
		plan := retention.Plan(noon.Add(c.after), []throng.Item{c.item}, terms, limits.Lead, open, inForce)
		switch {
		case c.reason == "" && len(plan) != 0:
			t.Errorf("%s: planned %+v", name, plan)
		case c.reason != "" && (len(plan) != 1 || plan[0].Reason != c.reason):
			t.Errorf("%s: planned %+v, want reason %s", name, plan, c.reason)
		}
	}
}

// A hold's end is the limit of its copies, for whoever looks as well.
func TestVerifyFindsHeldCopiesPastTheirEnd(t *testing.T) {
	w := newTown(t, retention.Limits{})
	w.clickhouse.items = []throng.Item{heldItem(1, -5, 20), heldItem(2, -30, -1)}
	w.clickhouse.items[1].Name += "-2"
	report, err := w.keeper.Verify(t.Context(), noon)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Violations) != 1 || report.Violations[0].Item.Hold != 2 || report.Violations[0].Why != retention.TooOld {
		t.Errorf("violations are %+v", report.Violations)
	}
	if h := report.Holdings; len(h) != 1 || h[0].Items != 2 || !h[0].Deadline.Equal(dayAgo(1).End()) {
		t.Errorf("holdings are %+v", h)
	}
}

// Where the holds cannot be read, their copies are kept until their own end, and nobody is left to believe
// that all is well.
func TestUnreadableHoldsAreAnError(t *testing.T) {
	w := newTown(t, retention.Limits{})
	keeper, err := retention.New(retention.Options{
		Stores: map[string]retention.Store{"clickhouse": w.clickhouse}, Clock: w.clock, Log: discard,
		Closed: func(throng.Period) bool { return false },
		Held:   func() (func(throng.Item) bool, error) { return nil, errFault },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.clickhouse.items = []throng.Item{heldItem(1, -5, 20), heldItem(2, -30, -1)}
	plan, err := keeper.Plan(t.Context(), noon)
	if !errors.Is(err, errFault) {
		t.Errorf("the error is %v", err)
	}
	if len(plan) != 1 || plan[0].Item.Hold != 2 {
		t.Errorf("planned %+v", plan)
	}
}
