package retention_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"throng"
	"throng/retention"
)

func (w *town) readReceipts(t testing.TB) []retention.Receipt {
	t.Helper()
	data, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := retention.ReadReceipts(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return receipts
}

func steps(receipts []retention.Receipt) string {
	var b strings.Builder
	for _, r := range receipts {
		b.WriteString(string(r.Step) + " " + r.Item.Name + "\n")
	}
	return b.String()
}

func TestSweepDeletesAndLeavesReceipts(t *testing.T) {
	w := newTown(t, retention.Limits{})
	old, kept := item("clickhouse", throng.ClassStandard, dayAgo(10)), item("clickhouse", throng.ClassStandard, dayAgo(9))
	topic := item("broker", throng.ClassEventsTopic, dayAgo(3))
	w.clickhouse.items, w.broker.items = []throng.Item{old, kept}, []throng.Item{topic}

	report, err := w.keeper.Sweep(t.Context())
	if err != nil || len(report.Violations) > 0 || len(report.Deleted) != 2 {
		t.Fatalf("sweep: %+v, %v", report, err)
	}
	if !slices.Equal(w.clickhouse.items, []throng.Item{kept}) || len(w.broker.items) != 0 {
		t.Errorf("left %v and %v", w.clickhouse.items, w.broker.items)
	}
	receipts := w.readReceipts(t)
	want := "planned " + topic.Name + "\nplanned " + old.Name + "\ndeleted " + topic.Name + "\ndeleted " + old.Name + "\n"
	if steps(receipts) != want {
		t.Fatalf("receipts:\n%s", steps(receipts))
	}
	last := receipts[3]
	if last.Item != old || last.Verified == nil || !last.Verified.Time.Equal(noon) || last.Verified.How == "" {
		t.Errorf("receipt %+v", last)
	}
	if _, err := w.keeper.Sweep(t.Context()); err != nil || len(w.readReceipts(t)) != 4 {
		t.Errorf("a sweep with nothing to do: %v, %d receipts", err, len(w.readReceipts(t)))
	}
}

func TestClosedDayLosesItsTokensAgain(t *testing.T) {
	w := newTown(t, retention.Limits{})
	units := item("clickhouse", throng.ClassOpenUnits, dayAgo(1))
	for range 2 { // a partition that comes back is dropped again
		w.clickhouse.items = []throng.Item{units}
		if _, err := w.keeper.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !w.closed[units.Day] && len(w.clickhouse.items) != 1 {
			t.Fatal("tokens of an open day are gone")
		}
		w.closed[units.Day] = true
	}
	w.clickhouse.items = []throng.Item{units}
	if _, err := w.keeper.Sweep(t.Context()); err != nil || len(w.clickhouse.items) != 0 {
		t.Errorf("tokens of a closed day: %v, %v", w.clickhouse.items, err)
	}
	if r := w.readReceipts(t); len(r) != 4 || r[0].Reason != retention.DayClosed {
		t.Errorf("receipts:\n%s", steps(r))
	}
}

func TestVerifyFinds(t *testing.T) {
	stale := item("clickhouse", throng.ClassOptedOut, dayAgo(2))
	stale.Oldest = noon.Add(-10*24*time.Hour - time.Second) // a record of another day
	full := stale
	full.Oldest = noon.Add(-10 * 24 * time.Hour).Add(time.Second)
	for name, c := range map[string]struct {
		item throng.Item
		why  retention.Fault
	}{
		"fresh":                         {item("clickhouse", throng.ClassStandard, dayAgo(9)), ""},
		"old partition":                 {item("clickhouse", throng.ClassStandard, dayAgo(10)), retention.TooOld},
		"old record in a new partition": {stale, retention.TooOld},
		"record just in time":           {full, ""},
		"old tokens":                    {item("clickhouse", throng.ClassOpenUnits, dayAgo(3)), retention.TooOld},
		"old tokens, in time":           {item("clickhouse", throng.ClassOpenUnits, dayAgo(2)), ""},
		"unknown class":                 {item("clickhouse", "unheard_of", dayAgo(0)), retention.Unclassified},
		"no class":                      {item("clickhouse", "", dayAgo(0)), retention.Unclassified},
		"kept":                          {item("clickhouse", throng.ClassReleases, dayAgo(300)), ""},
		"held":                          {ending(throng.ClassHeld, dayAgo(30), noon.Add(time.Second)), ""},
		"held too long":                 {ending(throng.ClassHeld, dayAgo(30), noon), retention.TooOld},
		"held without end":              {ending(throng.ClassHeld, dayAgo(0), time.Time{}), retention.TooOld},
		"expired keys":                  {ending(throng.ClassKeys, dayAgo(0), noon.Add(-time.Hour)), retention.TooOld},
		"an end before its class's":     {ending(throng.ClassStandard, dayAgo(1), noon), retention.TooOld},
		"an end after its class's":      {ending(throng.ClassStandard, dayAgo(10), noon.Add(time.Hour)), retention.TooOld},
		"a log's old line":              {written(throng.ClassServerLogs, 10*24*time.Hour), retention.TooOld},
		"a log in time":                 {written(throng.ClassServerLogs, 10*24*time.Hour-1), ""},
		"a log without lines":           {byItsRecords(throng.ClassServerLogs), ""},
		"a raw topic in time":           {kept(24 * time.Hour), ""},
		"a raw topic that may be late":  {kept(24*time.Hour + 1), retention.NotEnforced},
		"tomorrow":                      {item("clickhouse", throng.ClassStandard, dayAgo(-1)), ""},
		"next year":                     {item("clickhouse", throng.ClassStandard, dayAgo(-365)), retention.FromTheFuture},
	} {
		w := newTown(t, retention.Limits{})
		w.clickhouse.items = []throng.Item{c.item}
		report, err := w.keeper.Verify(t.Context(), noon)
		if err != nil || len(report.Holdings) != 1 || report.Holdings[0].Items != 1 {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		got := retention.Fault("")
		for _, v := range report.Violations {
			got = v.Why
		}
		if got != c.why || len(w.clickhouse.items) != 1 {
			t.Errorf("%s: found %q, want %q", name, got, c.why)
		}
	}
}

// ending is an item with an end of its own.
func ending(class throng.Class, day throng.Day, expires time.Time) throng.Item {
	it := item("clickhouse", class, day)
	it.Expires = expires
	return it
}

// byItsRecords is an item that is as old as its records, of which it has none.
func byItsRecords(class throng.Class) throng.Item { return item("clickhouse", class, dayAgo(0)) }

// written is one whose oldest record is of a while ago.
func written(class throng.Class, ago time.Duration) throng.Item {
	it := byItsRecords(class)
	it.Oldest = noon.Add(-ago)
	return it
}

// kept is a raw topic whose settings keep records for as long.
func kept(keeps time.Duration) throng.Item {
	it := written(throng.ClassRawTopic, time.Hour)
	it.Removal, it.Keeps = throng.StoreExpiry, keeps
	return it
}

func TestVerifySkipsWhatGoesAway(t *testing.T) {
	w := newTown(t, retention.Limits{})
	w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassOpenUnits, dayAgo(3))}
	w.clickhouse.vanishOnRead = true
	if report, err := w.keeper.Verify(t.Context(), noon); err != nil || len(report.Violations)+len(report.Holdings) != 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestSilentStoreIsAnError(t *testing.T) {
	w := newTown(t, retention.Limits{})
	w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(10))}
	w.broker.failItems = &throng.Retryable{Err: errFault}
	report, err := w.keeper.Sweep(t.Context())
	if !errors.Is(err, errFault) || !throng.IsRetryable(err) {
		t.Errorf("error %v", err)
	}
	if len(report.Deleted) != 1 {
		t.Errorf("deleted %v", report.Deleted)
	}
}

func TestItemOfAnotherStoreIsAnError(t *testing.T) {
	w := newTown(t, retention.Limits{})
	w.clickhouse.items = []throng.Item{item("broker", throng.ClassStandard, dayAgo(10))}
	if _, err := w.keeper.Inventory(t.Context()); err == nil {
		t.Error("was taken")
	}
}

// TestNothingOutlivesItsLimit: whatever is stored, whenever sweeps run at most Every apart, no item is
// ever found past its limit, and none is deleted much before.
func TestNothingOutlivesItsLimit(t *testing.T) {
	classes := []throng.Class{throng.ClassOptedOut, throng.ClassStandard, throng.ClassOpenUnits}
	rapid.Check(t, func(rt *rapid.T) {
		limits := retention.Limits{
			OptedOut:  time.Duration(rapid.IntRange(26, 240).Draw(rt, "opted out hours")) * time.Hour,
			OpenUnits: time.Duration(rapid.IntRange(2, 48).Draw(rt, "open units hours")) * time.Hour,
		}
		w := newTown(t, limits)
		defer w.stop(t)
		for range 60 {
			today := throng.DayOf(w.clock.now)
			for _, c := range classes {
				if i := item("clickhouse", c, today); !slices.Contains(w.clickhouse.items, i) {
					w.clickhouse.items = append(w.clickhouse.items, i)
				}
			}
			before := slices.Clone(w.clickhouse.items)
			report, err := w.keeper.Sweep(t.Context())
			if err != nil || len(report.Violations) > 0 {
				rt.Fatalf("%+v, %v", report.Violations, err)
			}
			checkNoneTooEarly(rt, w, before)
			w.clock.now = w.clock.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(rt, "minutes")) * time.Minute)
			report, err = w.keeper.Verify(t.Context(), w.clock.now)
			if err != nil || len(report.Violations) > 0 {
				rt.Fatalf("before the next sweep: %+v, %v", report.Violations, err)
			}
			if rapid.Bool().Draw(rt, "night") { // time passes with nothing written
				w.clickhouse.items = nil
				w.clock.now = w.clock.now.Add(31 * time.Hour)
			}
		}
	})
}

func checkNoneTooEarly(t *rapid.T, w *town, before []throng.Item) {
	for _, i := range before {
		age, _ := w.keeper.Limits().MaxAge(i.Class)
		early := i.Day.Start().Add(age).Sub(w.clock.now) > w.keeper.Limits().Lead
		if early && !slices.Contains(w.clickhouse.items, i) {
			t.Fatalf("%s went too early", i.Name)
		}
	}
}

func TestRunSweepsUntilToldToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, retention.Limits{})
		w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(10))}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.keeper.Run(ctx) }()
		synctest.Wait()
		if w.clickhouse.count() != 0 {
			t.Error("no sweep at the start")
		}
		w.clickhouse.change(func() {
			w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(10))}
		})
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if w.clickhouse.count() != 1 {
			t.Error("a sweep before its time")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if w.clickhouse.count() != 0 {
			t.Error("no sweep after an hour")
		}
		w.broker.change(func() { w.broker.failItems = &throng.Retryable{Err: errFault} }) // the broker restarts
		time.Sleep(61 * time.Minute)
		w.broker.change(func() {
			w.broker.failItems = nil
			w.broker.items = []throng.Item{item("broker", throng.ClassEventsTopic, dayAgo(9))}
		})
		time.Sleep(7 * time.Minute)
		synctest.Wait()
		if w.broker.count() != 0 {
			t.Error("a failed sweep was not repeated")
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run ended with %v", err)
		}
	})
}

// The closer drops units too, and may be doing it.
func TestWhatGoesAMomentLaterIsGone(t *testing.T) {
	w := newTown(t, retention.Limits{})
	w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(10))}
	w.clickhouse.lingers = 3
	report, err := w.keeper.Sweep(t.Context())
	if err != nil || len(report.Deleted) != 1 {
		t.Errorf("%d were deleted, %v", len(report.Deleted), err)
	}
}

func TestRunEndsAtAFinalError(t *testing.T) {
	w := newTown(t, retention.Limits{})
	w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(10))}
	w.clickhouse.dropFails = map[string]error{w.clickhouse.items[0].Name: errFault}
	if err := w.keeper.Run(t.Context()); !errors.Is(err, errFault) {
		t.Errorf("run ended with %v", err)
	}
}

func TestKeeperIsRefused(t *testing.T) {
	good := retention.Options{
		Stores: map[string]retention.Store{"clickhouse": &memory{}}, Closed: func(throng.Period) bool { return false },
		Clock: &clock{noon}, Log: slog.New(slog.DiscardHandler),
	}
	for name, spoil := range map[string]func(*retention.Options){
		"no stores":         func(o *retention.Options) { o.Stores = nil },
		"no closed":         func(o *retention.Options) { o.Closed = nil },
		"no clock":          func(o *retention.Options) { o.Clock = nil },
		"no log":            func(o *retention.Options) { o.Log = nil },
		"too lax":           func(o *retention.Options) { o.Limits.Standard = 11 * 24 * time.Hour },
		"sweeps too seldom": func(o *retention.Options) { o.Every, o.Limits.Lead = 2*time.Hour, time.Hour },
	} {
		o := good
		spoil(&o)
		if _, err := retention.New(o); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	k, err := retention.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Apply(t.Context(), nil); err == nil {
		t.Error("applied without receipts")
	}
}
