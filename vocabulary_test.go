package throng_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"throng"
)

// drawDay draws a day of the years 1970 to 2400.
func drawDay(t *rapid.T) throng.Day {
	return throng.Day(rapid.Int32Range(0, 157_000).Draw(t, "day"))
}

func TestSpansPartitionMonths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDay(t)
		s := throng.SpanOf(d)
		if d < s.First() || d > s.Last() {
			t.Fatalf("%s is not in its span %s", d, s)
		}
		if n := s.Last() - s.First() + 1; n > 8 || n < 4 {
			t.Fatalf("span %s has %d days", s, n)
		}
		if throng.MonthOf(s.First()) != throng.MonthOf(s.Last()) {
			t.Fatalf("span %s crosses a month", s)
		}
		if next := s.Next(); next.First() != s.Last()+1 || throng.SpanOf(next.First()) != next {
			t.Fatalf("%s follows %s", next, s)
		}
	})
}

func TestPeriodsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDay(t)
		for _, p := range []throng.Period{d.Period(), throng.SpanOf(d).Period(), throng.MonthOf(d)} {
			got, err := throng.ParsePeriod(p.String())
			if err != nil || got != p {
				t.Fatalf("%s was read as %s: %v", p, got, err)
			}
			if d < p.First() || d > p.Last() {
				t.Fatalf("%s is not in %s", d, p)
			}
		}
	})
}

func TestPeriodsAreRefused(t *testing.T) {
	for _, s := range []string{"", "2026", "2026-13", "2026-02-30", "2026-11-02--2026-11-09", "2026-11-01--2026-11-07", "2026-11-01--", "../2026-11-01"} {
		if p, err := throng.ParsePeriod(s); err == nil {
			t.Errorf("%q was read as %s", s, p)
		}
	}
}

func TestDayOfUnixBeforeTheEpoch(t *testing.T) {
	for sec, want := range map[int64]throng.Day{-1: -1, -86400: -1, -86401: -2, 0: 0, 86399: 0, 86400: 1} {
		if got := throng.DayOfUnix(sec); got != want {
			t.Errorf("second %d is in day %d, want %d", sec, got, want)
		}
	}
}

func TestMeasureIsANumberOrAReason(t *testing.T) {
	for _, m := range []throng.Measure{throng.Published(throng.Estimate{Value: 6000, Low: 5900, High: 6100}), throng.Published(throng.Estimate{}), throng.Blank(throng.BelowGate)} {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var got throng.Measure
		if err := json.Unmarshal(b, &got); err != nil || got != m {
			t.Errorf("%s was read as %+v: %v", b, got, err)
		}
	}
	if b, err := json.Marshal(throng.Measure{}); err == nil {
		t.Errorf("the zero measure was written as %s", b)
	}
	for _, s := range []string{`{}`, `{"value":1}`, `{"value":1,"low":1,"high":1,"reason":"below_gate"}`, `{"reason":""}`, `1`} {
		var m throng.Measure
		if err := json.Unmarshal([]byte(s), &m); err == nil {
			t.Errorf("%s was read as %+v", s, m)
		}
	}
}

func TestEventsAreShownWithoutTheirToken(t *testing.T) {
	b, err := json.Marshal(throng.Event{
		Time: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC).Unix(), Site: "www", Path: "/", Method: throng.GET, Status: 200,
		Network: netip.MustParsePrefix("192.0.2.0/24"), Unit: 0xfeedbeef, Cell: 0xcafe,
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"time":"2026-11-22T10:00:00Z","site":"www","path":"/","method":"GET","status":200,"bytes":0,` +
		`"client":"Other","os":"Other","network":"192.0.2.0/24","opted_out":false,"visit":false}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
}

func TestTopicsAreDated(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDay(t)
		if got, ok := throng.ParseEventsTopic(throng.EventsTopic(d)); !ok || got != d {
			t.Fatalf("topic %s is of %s", throng.EventsTopic(d), got)
		}
	})
	for _, name := range []string{"", "events-", "events-2026", "other-2026-11-22", "__consumer_offsets"} {
		if d, ok := throng.ParseEventsTopic(name); ok {
			t.Errorf("topic %q is of %s", name, d)
		}
	}
}

func TestOther(t *testing.T) {
	for key, want := range map[string]bool{"/*other*": true, "/a/*other*": true, "/a": false, "/": false, "/a*other*": false} {
		if throng.IsOther(key) != want {
			t.Errorf("IsOther(%q) = %v", key, !want)
		}
	}
}

func TestSourceIDs(t *testing.T) {
	id := throng.SourceID{1, 2, 3}
	if got, err := throng.ParseSourceID(id.String()); err != nil || got != id {
		t.Errorf("%s was read as %s: %v", id, got, err)
	}
	for _, s := range []string{"", "00", strings.Repeat("0", 31), strings.Repeat("0", 34), strings.Repeat("z", 32)} {
		if id, err := throng.ParseSourceID(s); err == nil {
			t.Errorf("%q was read as %s", s, id)
		}
	}
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		part, whole uint64
		want        throng.Share
	}{{0, 0, throng.ShareNone}, {0, 9, throng.ShareNone}, {1, 100, throng.ShareSome}, {1, 99, throng.ShareAbove1Pc}, {1, 0, throng.ShareAbove1Pc}} {
		if got := throng.ShareOf(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d is %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}
