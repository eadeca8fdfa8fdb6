package aggregate_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/aggregate"
)

func column(r throng.Release) map[string]string {
	lines := map[string]string{}
	for _, o := range r.OptedOut {
		e, ok := o.OptedOutVisits.Estimate()
		lines[o.Group] = fmt.Sprintf("%d of %d", e.Value, o.OfVisits.Value)
		if !ok {
			lines[o.Group] = fmt.Sprintf("%s of %d", o.OptedOutVisits.Reason(), o.OfVisits.Value)
		}
	}
	return lines
}

// Sections whose opted-out devices, or whose others, are too few are one group with the pages right below
// the site.
func TestTheOptedOutColumnHasTwoLevels(t *testing.T) {
	h := newHouse(t)
	h.options.Routes = map[string][]string{"www": {"/both/a", "/both/b", "/few/a", "/all/a", "/home"}}
	h.withoutNoise(100)
	crowd := func(path string, optedOut, others, from int) {
		for d := range optedOut + others {
			h.store.visitFrom(today, "www", from+d, path, 2, d < optedOut, uint64(from+d)+1)
		}
	}
	crowd("/both/a", 120, 300, 0)
	crowd("/both/b", 60, 100, 10_000) // a row that has too few who opted out by itself
	crowd("/few/a", 70, 300, 20_000)
	crowd("/all/a", 300, 70, 30_000)
	crowd("/home", 20, 200, 40_000)
	h.close()
	r := h.release("www")
	want := map[string]string{
		"/both/*": "360 of 1160",
		"/few/*":  "below_gate of 740",
		"/all/*":  "below_gate of 740",
		"/*":      "780 of 1920",
	}
	got := column(r)
	if len(got) != len(want) || len(r.Rows) != 5 {
		t.Fatalf("column %v, table %s", got, table(r))
	}
	for group, w := range want {
		if got[group] != w {
			t.Errorf("%s: %s, want %s", group, got[group], w)
		}
	}
}

// Without a list of routes visitors who opted out are in the group /*other* alone. Everyone knows that, so the
// group's visits less the column's number are those of the few others in it: the column is blank.
func TestTheColumnDoesNotGiveAwayWhoElseIsInItsRows(t *testing.T) {
	for name, c := range map[string]struct {
		routes []string
		others int // in the group beside those who opted out
		want   string
	}{
		"few":             {nil, 30, "below_gate of 730"},
		"a crowd":         {nil, 130, "300 of 830"},
		"few, and a page": {[]string{"/a/x"}, 30, "300 of 730"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.options.Routes = map[string][]string{"www": c.routes}
			h.withoutNoise(100)
			crowd := func(path string, from, to int, optedOut bool) {
				for d := from; d < to; d++ {
					h.store.visitFrom(today, "www", d, path, 1, optedOut, uint64(d)+1)
				}
			}
			crowd("/a/x", 0, 400, false)
			crowd("/*other*", 1000, 1300, true)
			crowd("/misc", 2000, 2000+c.others/2, false)
			crowd("/rest", 2000+c.others/2, 2000+c.others, false)
			h.close()
			if got := column(h.release("www"))["/*"]; got != c.want {
				t.Errorf("/*: %s, want %s", got, c.want)
			}
		})
	}
}

// Where the rest of the site is too small as well, it is blank, whatever it holds.
func TestTheRestOfAColumnIsBlankUnderTheGate(t *testing.T) {
	shape := func(optedOut int) string {
		h := newHouse(t)
		h.withoutNoise(100)
		for d := range 500 {
			h.store.visitFrom(today, "www", d, "/a/b", 1, d < optedOut, uint64(d)+1)
		}
		h.close()
		return fmt.Sprint(column(h.release("www")))
	}
	if none, some := shape(0), shape(99); none != some {
		t.Errorf("nobody opted out: %s; 99 did: %s", none, some)
	}
}

// What a device that opted out adds to the column, squared and summed over its groups, is at most what
// the noise is scaled for, however its pages lie.
func TestTheColumnIsBoundedInL2(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemory()
		for range rapid.IntRange(1, 30).Draw(rt, "pages") {
			p := fmt.Sprintf("/s%d/p%d", rapid.IntRange(0, 4).Draw(rt, "section"), rapid.IntRange(0, 9).Draw(rt, "page"))
			m.visitFrom(today, "www", 1, p, rapid.IntRange(1, 9).Draw(rt, "visits"), true, 1)
		}
		r := &recorder{pass: func(int, int64) bool { return true }}
		r.rows(rt, m)
		var squares int64
		for _, v := range r.optedOut {
			squares += v * v
		}
		if squares > throng.MaxLeafKeys*throng.MaxVisitsPerCell*throng.MaxVisitsPerCell {
			rt.Fatalf("one device adds %v", r.optedOut)
		}
		if n := slices.Max(r.optedOutGates); n > 1 {
			rt.Fatalf("one device counts %d times in a gate of the column", n)
		}
	})
}

// A device that reads ten pages of a section once counts nine times in it, not three times.
func TestAColumnKeepsMostVisitsOfAReaderOfManyPages(t *testing.T) {
	m := newMemory()
	for p := range throng.MaxLeafKeys {
		m.visitFrom(today, "www", 1, fmt.Sprintf("/s/p%d", p), 1, true, 1)
	}
	m.sort()
	drawn, err := aggregate.Partition(m, today.Period(), "www", [16]byte{}, exact{1})
	must(t, err)
	if drawn.Clipped.Reason() != throng.BelowGate {
		t.Errorf("clipped %+v", drawn.Clipped)
	}
	if want := int64(math.Floor(3 * math.Sqrt(10))); len(drawn.OptedOut) != 2 {
		t.Fatalf("column %+v", drawn.OptedOut)
	} else if r := (&recorder{pass: func(int, int64) bool { return true }}); true {
		_, err := aggregate.Partition(m, today.Period(), "www", [16]byte{}, r)
		must(t, err)
		if !slices.Contains(r.optedOut, want) {
			t.Errorf("counts %v, want %d", r.optedOut, want)
		}
	}
}

// The share of clipped devices needs a crowd on either side, since a number of all devices, which other tables
// give, less those who were clipped is that of the others.
func TestTheShareOfDevicesThatWereCut(t *testing.T) {
	m := newMemory()
	for device := range 10 {
		for p := range throng.MaxLeafKeys + 1 { // one leaf too many
			m.visitFrom(today, "www", device, fmt.Sprintf("/a/p%d", p), 1, false, uint64(device)+1)
		}
		m.visitFrom(today, "www", 100+device, "/a/p0", throng.MaxVisitsPerCell+1, false, uint64(device)+1)
		m.visitFrom(today, "www", 200+device, "/a/p0", throng.MaxVisitsPerCell, false, uint64(device)+1)
	}
	m.sort()
	drawn, err := aggregate.Partition(m, today.Period(), "www", [16]byte{}, exact{1})
	must(t, err)
	if e, _ := drawn.Clipped.Estimate(); e.Value != 67 { // 20 of 30
		t.Errorf("clipped %+v, want 67 %%", drawn.Clipped)
	}
	drawn, err = aggregate.Partition(m, today.Period(), "www", [16]byte{}, exact{11})
	must(t, err)
	if drawn.Clipped.Reason() != throng.BelowGate {
		t.Errorf("10 devices that were not clipped: %+v", drawn.Clipped)
	}
}

// The share of bots is that of their devices among bots and readers; either side needs a crowd, a bot counts
// once however often it comes, those of another site do not count, and of one network 64 do at most.
func TestTheShareOfBots(t *testing.T) {
	m := newMemory()
	for device := range 90 {
		m.visitFrom(today, "www", device, "/a", 1, false, uint64(device)+1)
	}
	for device := range 30 {
		for network := range 3 {
			m.bot(today, "www", 1000+device, uint64(100*network+device))
			m.bot(today, "blog", 2000+3*device+network, uint64(device))
		}
	}
	share := func(k int64) throng.Measure {
		t.Helper()
		m.sort()
		drawn, err := aggregate.Partition(m, today.Period(), "www", [16]byte{}, exact{k})
		must(t, err)
		return drawn.Bots
	}
	if e, _ := share(30).Estimate(); e.Value != 25 { // 30 of 120
		t.Errorf("%+v, want 25 %%", e)
	}
	if got := share(31); got.Reason() != throng.BelowGate {
		t.Errorf("30 bots: %+v", got)
	}
	for device := range 5000 {
		m.bot(today, "www", 10_000+device, 7777)
	}
	if e, _ := share(90).Estimate(); e.Value != 51 { // 94 of 184
		t.Errorf("with a network of bots %+v, want 51 %%", e)
	}
	if got := share(91); got.Reason() != throng.BelowGate {
		t.Errorf("90 readers: %+v", got)
	}
	span, err := aggregate.Partition(m, throng.SpanOf(today).Period(), "www", [16]byte{}, exact{1})
	must(t, err)
	if span.Bots.Reason() != throng.NotDrawn {
		t.Errorf("a span's %+v", span.Bots)
	}
}

// Of one network, 64 devices help a cell; all of their visits count once it has passed.
func TestANetworkIsNoCrowd(t *testing.T) {
	h := newHouse(t)
	h.withoutNoise(100)
	for d := range 5000 {
		h.store.visitFrom(today, "www", d, "/pushed", 1, false, 7)
	}
	for d := range 150 {
		h.store.visitFrom(today, "www", 10_000+d, "/read", 1, false, uint64(d)+100)
	}
	for d := range 80 {
		h.store.visitFrom(today, "www", 20_000+d, "/read", 1, false, 8)
	}
	h.close()
	expectTable(t, h.release("www"), "/read 214 230")
}

// Whoever comes from whichever network: the count of a cell is the sum over networks of at most 64.
func TestNetworkLimitsAreExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemory()
		type cell struct {
			path    string
			network int
		}
		counts := map[cell]int64{}
		device := 0
		for range rapid.IntRange(1, 8).Draw(rt, "crowds") {
			c := cell{rapid.SampledFrom([]string{"/a", "/b"}).Draw(rt, "path"), rapid.IntRange(1, 3).Draw(rt, "network")}
			for range rapid.IntRange(1, 70).Draw(rt, "devices") {
				device++
				m.visitFrom(today, "www", device, c.path, 1, false, uint64(c.network))
				counts[c]++
			}
		}
		want := map[string]int64{}
		for c, n := range counts {
			want[c.path] += min(n, throng.MaxUnitsPerNetwork)
		}
		for _, row := range (&recorder{pass: func(int, int64) bool { return true }}).rows(rt, m) {
			if e, _ := row.Devices.Estimate(); e.Value != want[row.Key] {
				rt.Fatalf("%s: %d devices, want %d", row.Key, e.Value, want[row.Key])
			}
		}
	})
}
