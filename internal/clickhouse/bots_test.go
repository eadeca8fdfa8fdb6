package clickhouse_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"throng"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
)

// bots are the day's bots in a range, in order, without their networks.
func bots(t *testing.T, s *clickhouse.Store, lo, hi throng.UnitToken) (all []throng.BotUnit) {
	t.Helper()
	err := s.Bots(t.Context(), day, lo, hi, func(batch []throng.BotUnit) error {
		for _, b := range batch {
			if b.Network == 0 {
				t.Errorf("bot %x is of no network", b.Unit)
			}
			all = append(all, throng.BotUnit{Site: b.Site, Unit: b.Unit})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b throng.BotUnit) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Unit, b.Unit))
	})
	return all
}

// A device is a bot's where one of its records is an answered request of a bot that did not opt out. It comes once,
// however many blocks have it, is no reader's unit, and goes with its day.
func TestBots(t *testing.T) {
	s := clickhousetest.Open(t)
	tr := newTraffic(5, 100)
	event := func(unit throng.UnitToken, change func(*throng.Event)) throng.Event {
		e := tr.event(day.Start().Unix() + 9)
		e.Unit, e.Bot, e.Visit, e.OptedOut, e.Signal, e.Status = unit, throng.Crawler, false, false, throng.NoSignal, 200
		change(&e)
		return e
	}
	same := func(*throng.Event) {}
	events := []throng.Event{
		event(1<<63+1, same), event(1<<63+1, same), event(2, same),
		event(3, func(e *throng.Event) { e.Site, e.Bot, e.Status = "blog", throng.Tool, 304 }),
		event(4, func(e *throng.Event) { e.Bot, e.Visit = throng.Human, true }),
		event(5, func(e *throng.Event) { e.OptedOut, e.Signal = true, throng.GPC }),
		event(6, func(e *throng.Event) { e.Method = throng.HEAD }),
		event(7, func(e *throng.Event) { e.Status = 404 }),
		event(0, same), // without an address
	}
	for n := range 3 {
		data := native(t, events...)
		if err := s.InsertBlock(t.Context(), blockID(n%2), len(events), data); err != nil {
			t.Fatal(err)
		}
	}
	want := []throng.BotUnit{{Site: "blog", Unit: 3}, {Site: "main", Unit: 2}, {Site: "main", Unit: 1<<63 + 1}}
	if diff := gocmp.Diff(want, bots(t, s, 0, ^throng.UnitToken(0))); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(want[:2], bots(t, s, 2, 3)); diff != "" {
		t.Errorf("in a range: %s", diff)
	}
	if all := units(t, s, 0, ^throng.UnitToken(0)); len(all) != 2 || all[0].unit != 4 || all[1].unit != 4 {
		t.Errorf("units of readers are %+v", all)
	}
	stop := errors.New("enough")
	if err := s.Bots(t.Context(), day, 0, ^throng.UnitToken(0), func([]throng.BotUnit) error { return stop }); err != stop {
		t.Errorf("error is %v", err)
	}
	if err := s.DropUnits(t.Context(), day.Period()); err != nil {
		t.Fatal(err)
	}
	if left := bots(t, s, 0, ^throng.UnitToken(0)); len(left) != 0 {
		t.Errorf("of a dropped day %d bots are left", len(left))
	}
}
