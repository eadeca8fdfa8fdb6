package clickhouse_test

import (
	"net/netip"
	"os"
	"regexp"
	"testing"
	"time"

	"throng"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
)

// heldEvents are requests of two networks and of one opted-out visitor who is in the first's wider bucket.
func heldEvents(t testing.TB, s *clickhouse.Store) {
	t.Helper()
	tr := newTraffic(1, 1)
	var events []throng.Event
	add := func(network string, optedOut bool, path string, n int) {
		for range n {
			e := tr.event(day.Start().Unix() + int64(len(events))*60)
			e.Path, e.Cell = path, throng.CellID(path[1]) // a cell has one path
			e.Network, e.OptedOut, e.Status, e.Bot = netip.MustParsePrefix(network), optedOut, 401, throng.Human
			events = append(events, e)
		}
	}
	add("198.51.96.0/24", false, "/login", 3)
	add("198.51.97.0/24", false, "/login", 5)
	add("198.51.96.0/19", true, "/login", 7) // its first address is that of the first network
	add("2001:db8::/48", false, "/about", 11)
	if err := s.InsertBlock(t.Context(), blockID(0), len(events), native(t, events...)); err != nil {
		t.Fatal(err)
	}
}

func match(change func(*throng.HoldMatch)) throng.HoldMatch {
	m := throng.HoldMatch{Site: "main", From: day.Start(), To: day.End(), OptedOut: true}
	change(&m)
	return m
}

func TestCountMatched(t *testing.T) {
	s := clickhousetest.Open(t)
	heldEvents(t, s)
	for name, c := range map[string]struct {
		change func(*throng.HoldMatch)
		want   uint64
	}{
		"all":           {func(*throng.HoldMatch) {}, 26},
		"other site":    {func(m *throng.HoldMatch) { m.Site = "other" }, 0},
		"path":          {func(m *throng.HoldMatch) { m.Path = "/login" }, 15},
		"other path":    {func(m *throng.HoldMatch) { m.Path = "/" }, 0},
		"status":        {func(m *throng.HoldMatch) { m.Status = 401 }, 26},
		"other status":  {func(m *throng.HoldMatch) { m.Status = 200 }, 0},
		"bot":           {func(m *throng.HoldMatch) { m.Bot = throng.Crawler.String() }, 0},
		"half an hour":  {func(m *throng.HoldMatch) { m.From, m.To = day.Start().Add(time.Minute), day.Start().Add(3*time.Minute) }, 2},
		"a later day":   {func(m *throng.HoldMatch) { m.From, m.To = day.End(), day.End().Add(time.Hour) }, 0},
		"narrow":        {network("198.51.96.0/24", false), 3},
		"wider":         {network("198.51.96.0/20", false), 8},
		"opted out too": {network("198.51.96.0/19", true), 15},
		"IPv6":          {network("2001:db8::/32", true), 11},
		"other IPv6":    {network("2001:db9::/32", true), 0},
	} {
		matched, all, err := s.CountMatched(t.Context(), match(c.change))
		if err != nil || matched != c.want || all != 26 {
			t.Errorf("%s: %d of %d match, want %d of 26: %v", name, matched, all, c.want, err)
		}
	}
}

func network(prefix string, optedOut bool) func(*throng.HoldMatch) {
	return func(m *throng.HoldMatch) { m.Network, m.OptedOut = netip.MustParsePrefix(prefix), optedOut }
}

// Copies are made once however often they are made, outlive what they were copied from, move to another day, and go
// with their partition, with what they were matched by.
func TestHeldCopies(t *testing.T) {
	dir := t.TempDir()
	e := openEngine(t, dir)
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	heldEvents(t, s)
	const terms, salt = "the-terms-of-the-match", "the-salt"
	c := throng.HoldCopy{Hold: 7, Ordered: day + 1, Until: day + 20}
	for range 2 {
		rows, err := s.CopyHeld(t.Context(), c, terms, salt, match(network("198.51.96.0/24", false)))
		if err != nil || rows != 3 {
			t.Fatalf("copied %d: %v", rows, err)
		}
	}
	other := throng.HoldCopy{Hold: 17, Ordered: day + 1, Until: day + 3}
	if rows, err := s.CopyHeld(t.Context(), other, terms, salt, match(network("2001:db8::/48", false))); err != nil || rows != 11 {
		t.Fatalf("copied %d: %v", rows, err)
	}
	drop(t, s, throng.ClassStandard)
	longer := throng.HoldCopy{Hold: 7, Ordered: day + 1, Until: day + 30}
	for range 2 {
		if err := s.MoveHeld(t.Context(), longer); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err := s.EachHeld(t.Context(), longer, func(e throng.HeldEvent, with, and string) error {
		if n++; e.Path != "/login" || e.Network != netip.MustParseAddr("198.51.96.0") || e.Status != 401 || with != terms || and != salt {
			t.Errorf("copy %+v with %q and %q", e, with, and)
		}
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d copies after the move: %v", n, err)
	}
	items := map[uint32]throng.Item{}
	for _, it := range drop(t, s, "") {
		if it.Class == throng.ClassHeld {
			items[it.Hold] = it
		}
	}
	if it := items[7]; it.Rows != 3 || it.Day != day+1 || !it.Expires.Equal((day + 30).End()) {
		t.Errorf("hold 7 is %+v", it)
	}
	if it := items[17]; it.Rows != 11 || !it.Expires.Equal((day + 3).End()) {
		t.Errorf("hold 17 is %+v", it)
	}
	drop(t, s, throng.ClassHeld)
	if contains(t, dir, []byte(terms)) || contains(t, dir, []byte(salt)) {
		t.Error("the match is in a file after the copies have gone")
	}
}

// drop drops all items of a class, and gives those that are there before.
func drop(t *testing.T, s *clickhouse.Store, class throng.Class) []throng.Item {
	t.Helper()
	items, err := s.Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if it.Class != class {
			continue
		}
		if err := s.DropItem(t.Context(), it); err != nil {
			t.Fatal(err)
		}
	}
	return items
}

// A copy can say what it likes of its last day: the ceiling counts.
func TestHeldCopiesHaveACeiling(t *testing.T) {
	s := clickhousetest.Open(t)
	heldEvents(t, s)
	c := throng.HoldCopy{Hold: 1, Ordered: day, Until: day + 500}
	if _, err := s.CopyHeld(t.Context(), c, "", "", match(network("2001:db8::/48", false))); err != nil {
		t.Fatal(err)
	}
	for _, it := range drop(t, s, "") {
		if it.Class == throng.ClassHeld && !it.Expires.Equal((day + throng.MaxHold).End()) {
			t.Errorf("the copies expire at %s", it.Expires)
		}
	}
}

// Nothing that tells who opted out, and no unit or cell, is in the held table.
func TestHeldColumns(t *testing.T) {
	sql, err := os.ReadFile("migrations/0020_held.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"opted_out", "signal", "unit", "cell", "visit"} {
		if columnOf(string(sql), column) {
			t.Errorf("the held table has a column %s", column)
		}
	}
	if !columnOf(string(sql), "path") {
		t.Error("columns are not found, so the test would prove nothing")
	}
}

func columnOf(sql, name string) bool {
	return regexp.MustCompile(`(?m)^ +` + name + ` `).MatchString(sql)
}
