package aggregate_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/aggregate"
)

// recorder stands in for the mechanism: it keeps what is passed to it, in order, and publishes the
// true count where pass says so.
type recorder struct {
	gates, visits []int64 // of devices and visits
	optedOutGates []int64
	optedOut      []int64
	clipped       []int64
	bots          []int64 // and the readers that they are compared with
	pass          func(call int, devices int64) bool
}

func (r *recorder) Gate(kind throng.Draw, devices int64) (throng.Measure, error) {
	switch kind {
	case throng.DrawOptedOutGates:
		r.optedOutGates = append(r.optedOutGates, devices)
		return throng.Published(throng.Estimate{Value: devices, Low: devices, High: devices}), nil
	case throng.DrawClipped:
		r.clipped = append(r.clipped, devices)
		return throng.Published(throng.Estimate{Value: devices, Low: devices, High: devices}), nil
	}
	if kind == throng.DrawBots {
		r.bots = append(r.bots, devices)
		return throng.Blank(throng.BelowGate), nil
	}
	r.gates = append(r.gates, devices)
	if !r.pass(len(r.gates)-1, devices) {
		return throng.Blank(throng.BelowGate), nil
	}
	return throng.Published(throng.Estimate{Value: devices, Low: devices, High: devices}), nil
}

func (r *recorder) Visits(kind throng.Draw, bounded int64) (throng.Estimate, error) {
	if kind == throng.DrawOptedOutVisits {
		r.optedOut = append(r.optedOut, bounded)
	} else {
		r.visits = append(r.visits, bounded)
	}
	return throng.Estimate{Value: bounded, Low: bounded, High: bounded}, nil
}

// rows are what a site's day becomes under the recorder.
func (r *recorder) rows(t *rapid.T, m *memory) []throng.Row {
	m.sort()
	drawn, err := aggregate.PartitionIn(m, today.Period(), "www", [16]byte{1, 2, 3}, r, rapid.SampledFrom([]int64{0, 1 << 10, 1 << 30}).Draw(t, "memory"))
	if err != nil {
		t.Fatal(err)
	}
	return drawn.Rows
}

// paths of all depths, pages and groups, so that every kind of key meets every other.
var paths = []string{
	"/", "/about", "/*other*", "/a/1", "/a/2", "/a/b/1", "/a/b/1/deep", "/a/b/1/deeper/still", "/a/*other*", "/a/b/*other*",
	"/b/1", "/b/2/", "/b/*other*", "/c/1/2/*other*", "/c/1/2", "/about/us",
}

func sum(xs []int64) (s int64) {
	for _, x := range xs {
		s += x
	}
	return s
}

func distinctLeaves(visited map[string]int) int {
	leaves := map[string]bool{}
	for p := range visited {
		leaves[throng.LeafKey(p)] = true
	}
	return len(leaves)
}

func TestADeviceIsInAtMostL0LeavesWithLinfVisits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemory()
		visited := map[string]int{}
		for range rapid.IntRange(1, 60).Draw(rt, "pages") {
			p := fmt.Sprintf("/s%d/p%d", rapid.IntRange(0, 5).Draw(rt, "section"), rapid.IntRange(0, 10).Draw(rt, "page"))
			visited[p] += rapid.IntRange(1, 9).Draw(rt, "visits")
		}
		for p, n := range visited {
			m.visit(today, "www", 1, p, n)
		}
		level := rapid.IntRange(0, 2).Draw(rt, "level that passes")
		leaves, sections := len(visited), map[string]bool{}
		for p := range visited {
			g, _ := throng.GroupOf(p)
			sections[g] = true
		}
		from := []int{0, leaves, leaves + len(sections)}[level]
		r := &recorder{pass: func(call int, _ int64) bool { return call >= from }}
		r.rows(rt, m)
		if max := slices.Max(r.gates); max > 1 {
			rt.Fatalf("one device counts %d times in a cell", max)
		}
		kept := int64(min(len(visited), throng.MaxLeafKeys))
		if got := sum(r.gates[:leaves]); got != kept {
			rt.Fatalf("a device of %d leaves is in %d", len(visited), got)
		}
		if cells := sum(r.gates[leaves:]); cells > 2*kept {
			rt.Fatalf("a device is in %d groups", cells)
		}
		for _, v := range r.visits {
			if v > throng.MaxVisitsPerCell {
				rt.Fatalf("one device has %d visits in a cell", v)
			}
		}
	})
}

// truth is a slow partition over sets of devices, by the letter of the method, for devices that are
// in at most L0 leaves.
type truth map[string]map[int]int64 // visits by device, by cell

func (c truth) add(key string, device int, visits int64) {
	if c[key] == nil {
		c[key] = map[int]int64{}
	}
	c[key][device] += visits
}

func (c truth) partition(gate int) truth {
	published := truth{}
	for level := range int8(4) {
		up := truth{}
		for key, devices := range c {
			switch group, ok := throng.GroupOf(key); {
			case aggregate.LevelOf(key) != level:
				for d, v := range devices {
					up.add(key, d, v)
				}
			case len(devices) >= gate:
				published[key] = devices
			case ok:
				for d, v := range devices {
					up.add(group, d, v)
				}
			}
		}
		c = up
	}
	return published
}

func TestGroupsAreUnionsRecounted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMemory()
		leaves := truth{}
		for d := range rapid.IntRange(0, 30).Draw(rt, "devices") {
			visited := map[string]int{}
			for range rapid.IntRange(1, 9).Draw(rt, "pages") {
				visited[rapid.SampledFrom(paths).Draw(rt, "path")]++
			}
			if distinctLeaves(visited) > throng.MaxLeafKeys {
				rt.Fatal("too many leaves for the slow partition")
			}
			for p, n := range visited {
				m.visit(today, "www", d, p, n)
				leaves.add(throng.LeafKey(p), d, int64(n))
			}
		}
		gate := rapid.IntRange(1, 12).Draw(rt, "gate")
		r := &recorder{pass: func(_ int, devices int64) bool { return devices >= int64(gate) }}
		rows := r.rows(rt, m)
		want := leaves.partition(gate)
		if len(rows) != len(want) {
			rt.Fatalf("published %d rows, want %d", len(rows), len(want))
		}
		for _, row := range rows {
			var visits int64
			for _, v := range want[row.Key] {
				visits += min(v, throng.MaxVisitsPerCell)
			}
			d, _ := row.Devices.Estimate()
			v, _ := row.Visits.Estimate()
			if d.Value != int64(len(want[row.Key])) || v.Value != visits {
				rt.Fatalf("%s: %d devices and %d visits, want %d and %d", row.Key, d.Value, v.Value, len(want[row.Key]), visits)
			}
		}
	})
}

// distance is the largest difference between two sequences of true counts and the number of places in
// which they differ.
func distance(t *rapid.T, a, b []int64) (linf, l0 int64) {
	if len(a) != len(b) {
		t.Fatalf("%d draws became %d", len(a), len(b))
	}
	for i := range a {
		if d := abs(a[i] - b[i]); d > 0 {
			linf, l0 = max(linf, d), l0+1
		}
	}
	return linf, l0
}

// Adding a device changes what reaches the mechanism by no more than the noise is scaled for:
// whatever the gates decide, at most L0 counts of a level by 1, at most L0 sums by Linf.
func TestNeighboursDifferByNoMoreThanTheBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		decisions := rapid.SliceOfN(rapid.Bool(), 200, 200).Draw(rt, "decisions")
		pass := func(call int, _ int64) bool { return decisions[call%len(decisions)] }
		a, b := newMemory(), newMemory()
		page := func(p int) string { return fmt.Sprintf("/s%d/p%d", p%6, p) }
		for _, m := range []*memory{a, b} {
			for device := range 6 { // of 50 leaves, of which L0 are kept, down to 9
				for p := 0; p < 50; p += device + 1 {
					m.visit(today, "www", device, page(p), 1+p%4)
				}
			}
		}
		for range rapid.IntRange(1, 50).Draw(rt, "pages") {
			p := rapid.IntRange(0, 49).Draw(rt, "page")
			b.visit(today, "www", 1000, page(p), rapid.IntRange(1, 20).Draw(rt, "visits"))
		}
		ra, rb := &recorder{pass: pass}, &recorder{pass: pass}
		ra.rows(rt, a)
		rb.rows(rt, b)
		const leaves, sections = 50, 6
		if n := len(ra.gates); n != leaves+sections+1 {
			rt.Fatalf("%d gates", n)
		}
		for _, level := range [][2]int{{0, leaves}, {leaves, leaves + sections}, {leaves + sections, leaves + sections + 1}} {
			linf, l0 := distance(rt, ra.gates[level[0]:level[1]], rb.gates[level[0]:level[1]])
			if linf > 1 || l0 > throng.MaxLeafKeys {
				rt.Fatalf("gates %v: %d cells differ by up to %d", level, l0, linf)
			}
		}
		if linf, l0 := distance(rt, ra.visits, rb.visits); linf > throng.MaxVisitsPerCell || l0 > throng.MaxLeafKeys {
			rt.Fatalf("visits: %d cells differ by up to %d", l0, linf)
		}
	})
}
