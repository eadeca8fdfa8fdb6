package retention_test

import (
	"context"
	"strings"
	"testing"

	"throng"
	"throng/retention"
)

// A store that lists an item twice does not stop retention.
func TestItemListedTwiceGoesOnce(t *testing.T) {
	w := newTown(t, retention.Limits{})
	old := item("clickhouse", throng.ClassStandard, dayAgo(10))
	w.clickhouse.items = []throng.Item{old, old}
	for len(w.clickhouse.items) > 0 {
		left := len(w.clickhouse.items)
		if _, err := w.keeper.Sweep(t.Context()); len(w.clickhouse.items) == left {
			t.Fatalf("nothing is deleted: %v", err)
		}
	}
	if want := "planned " + old.Name + "\ndeleted " + old.Name + "\n"; steps(w.readReceipts(t)) != want {
		t.Errorf("receipts:\n%s", steps(w.readReceipts(t)))
	}
}

// TestFaults: whatever a store answers, what counts is what its inventory shows afterwards.
func TestFaults(t *testing.T) {
	old := item("clickhouse", throng.ClassOptedOut, dayAgo(11))
	for name, c := range map[string]struct {
		fault     func(*memory)
		persisted bool // the deletion happened
		fails     bool
	}{
		"failed and not deleted": {func(m *memory) { m.dropFails = map[string]error{old.Name: errFault} }, false, true},
		"failed but deleted":     {func(m *memory) { m.dropHalf = map[string]error{old.Name: errFault} }, true, false},
		"answered, not deleted":  {func(m *memory) { m.dropLies = map[string]bool{old.Name: true} }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, retention.Limits{})
			topic := item("broker", throng.ClassEventsTopic, dayAgo(8))
			w.clickhouse.items, w.broker.items = []throng.Item{old}, []throng.Item{topic}
			c.fault(w.clickhouse)

			report, err := w.keeper.Sweep(t.Context())
			if (err != nil) != c.fails {
				t.Errorf("error %v", err)
			}
			if got := len(report.Violations); (got > 0) == c.persisted {
				t.Errorf("%d violations", got)
			}
			if len(w.broker.items) != 0 {
				t.Error("one store's fault kept the other from being swept")
			}
			deleted := strings.Contains(steps(w.readReceipts(t)), "deleted "+old.Name)
			if deleted != c.persisted {
				t.Errorf("receipts:\n%s", steps(w.readReceipts(t)))
			}

			*w.clickhouse = memory{items: w.clickhouse.items} // the fault is over
			if report, err := w.keeper.Sweep(t.Context()); err != nil || len(report.Violations) > 0 {
				t.Errorf("afterwards: %+v, %v", report, err)
			}
			if n := strings.Count(steps(w.readReceipts(t)), old.Name); n != 2 {
				t.Errorf("receipts:\n%s", steps(w.readReceipts(t)))
			}
		})
	}
}

// TestCrashBetweenDropAndReceipt: a process that dies after any number of deletions leaves a record of
// them, and the next one writes the receipts.
func TestCrashBetweenDropAndReceipt(t *testing.T) {
	for drops := range 4 {
		w := newTown(t, retention.Limits{})
		for ago := 10; ago < 13; ago++ {
			w.clickhouse.items = append(w.clickhouse.items, item("clickhouse", throng.ClassStandard, dayAgo(ago)))
		}
		ctx, kill := context.WithCancel(t.Context())
		plan, err := w.keeper.Plan(ctx, noon)
		if err != nil || len(plan) != 3 {
			t.Fatalf("plan %v, %v", plan, err)
		}
		w.clickhouse.afterDrop = func() {
			if w.clickhouse.drops == drops {
				kill()
			}
		}
		if drops == 0 {
			kill()
		}
		if receipts, err := w.keeper.Apply(ctx, plan); err == nil || len(receipts) != 0 {
			t.Fatalf("a killed apply: %v, %v", receipts, err)
		}
		w.stop(t)

		w.clickhouse.afterDrop = nil
		w.start(t, retention.Limits{})
		report, err := w.keeper.Sweep(t.Context())
		if err != nil || len(report.Deleted) != 3 || len(w.clickhouse.items) != 0 || w.clickhouse.drops != 3 {
			t.Errorf("killed after %d drops, then: %+v, %v", drops, report, err)
		}
		if n := len(w.readReceipts(t)); n != 6 {
			t.Errorf("killed after %d drops: %d receipts, want 3 planned and 3 deleted", drops, n)
		}
	}
}
