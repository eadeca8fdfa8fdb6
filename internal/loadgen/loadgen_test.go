package loadgen_test

import (
	"bytes"
	"cmp"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"throng/internal/loadgen"
)

var start = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func same(path string) string { return path }

// firstTwo makes many paths one, as a generalization does.
func firstTwo(path string) string {
	return strings.Join(strings.SplitN(path, "/", 4)[:3], "/")
}

func plan(t testing.TB, o loadgen.Options) *loadgen.Log {
	t.Helper()
	if o.Start.IsZero() {
		o.Start, o.End = start, start.AddDate(0, 0, 1)
	}
	log, err := loadgen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func text(t testing.TB, log *loadgen.Log) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := log.Reader().WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTruthIsWhatAReaderCounts(t *testing.T) {
	busy := &loadgen.Mix{Assets: 0.5, Errors: 0.5, Bots: 0.5, Junk: 0.5, DNT: 0.5, GPC: 0.5, IPv6: 0.5}
	for name, o := range map[string]loadgen.Options{
		"model":        {Readership: loadgen.Model(500), Lines: 20_000, Devices: 20_000},
		"few devices":  {Readership: loadgen.Model(50), Lines: 20_000, Devices: 100, Seed: 1},
		"everything":   {Readership: loadgen.Model(2000), Lines: 20_000, Devices: 3000, Mix: busy},
		"nothing else": {Readership: loadgen.Model(20), Lines: 5000, Mix: &loadgen.Mix{}},
		"as it is":     {Readership: []loadgen.Page{{"/a/b", 5000, 4000}, {"/a/c", 7, 7}, {"/", 900, 1}}},
		"canary":       {Readership: loadgen.Model(300), Lines: 20_000, Canary: "kingfisher"},
		"merged":       {Readership: loadgen.Model(500), Lines: 20_000, Devices: 2000, Key: firstTwo},
		"one line":     {Readership: loadgen.Model(10), Lines: 1},
		"twelve days":  {Readership: loadgen.Model(10), Lines: 9000, Start: start, End: start.AddDate(0, 0, 12)},
	} {
		t.Run(name, func(t *testing.T) {
			log := plan(t, o)
			key := same
			if o.Key != nil {
				key = o.Key
			}
			got, want := log.Truth(), count(t, text(t, log), key)
			if d := gocmp.Diff(want.Truth, got); d != "" {
				t.Errorf("truth (- counted, + told):\n%s", d)
			}
			if o.Lines > 0 && got.Lines != o.Lines {
				t.Errorf("%d lines, want %d", got.Lines, o.Lines)
			}
			checkTimes(t, want.times, cmp.Or(o.Start, start), o.End)
		})
	}
}

func checkTimes(t *testing.T, times []time.Time, from, to time.Time) {
	t.Helper()
	if to.IsZero() {
		to = from.AddDate(0, 0, 1)
	}
	if !slices.IsSortedFunc(times, time.Time.Compare) {
		t.Error("lines are not in time order")
	}
	if times[0].Before(from) || !times[len(times)-1].Before(to) {
		t.Errorf("lines from %v to %v", times[0], times[len(times)-1])
	}
}

func TestTrafficFollowsTheHour(t *testing.T) {
	c := count(t, text(t, plan(t, loadgen.Options{Readership: loadgen.Model(10), Lines: 20_000})), same)
	var hours [24]float64
	for _, at := range c.times {
		hours[at.Hour()]++
	}
	if ratio := hours[15] / hours[4]; ratio < 3 || ratio > 5 {
		t.Errorf("the busiest hour has %.1f times the traffic of the quietest, want about 4", ratio)
	}
}

func TestSectionsAreTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := loadgen.Options{
			Readership: loadgen.Model(rapid.IntRange(1, 300).Draw(t, "pages")),
			Lines:      rapid.Uint64Range(10, 1000).Draw(t, "lines"),
			Devices:    rapid.Uint64Range(100, 5000).Draw(t, "devices"),
			Seed:       rapid.Uint64().Draw(t, "seed"),
			Start:      start,
			End:        start.Add(time.Duration(rapid.IntRange(1, 1e6).Draw(t, "seconds")) * time.Second),
		}
		log, err := loadgen.New(o)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(iotest.HalfReader(log.Reader()))
		if err != nil {
			t.Fatal(err)
		}
		cut := rapid.Uint64Range(0, o.Lines).Draw(t, "cut")
		head, tail := log.Section(0, cut), log.Section(cut, log.Lines())
		var parts bytes.Buffer
		for _, r := range []*loadgen.Reader{head, tail} {
			if _, err := r.WriteTo(&parts); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(whole, parts.Bytes()) {
			t.Fatal("two sections are not the whole")
		}
		if n := uint64(bytes.Count(whole, []byte("\n"))); n != o.Lines {
			t.Fatalf("%d lines, want %d", n, o.Lines)
		}
	})
}

func TestOnlyTheSeedChoosesTheLog(t *testing.T) {
	o := loadgen.Options{Readership: loadgen.Model(100), Lines: 5000}
	first, again := text(t, plan(t, o)), text(t, plan(t, o))
	if !bytes.Equal(first, again) {
		t.Error("equal options give different logs")
	}
	o.Seed = 7
	if bytes.Equal(first, text(t, plan(t, o))) {
		t.Error("another seed gives the same log")
	}
}

func TestContributionsAreBounded(t *testing.T) {
	log := plan(t, loadgen.Options{Readership: loadgen.Model(400), Lines: 20_000, Devices: 3000, Key: firstTwo})
	c := count(t, text(t, log), firstTwo)
	keysOf := map[unit]int{}
	for _, units := range c.visits {
		for u := range units {
			keysOf[u]++
		}
	}
	const l0, linf = 5, 2
	for i, b := range log.Bounded(l0, linf) {
		var want loadgen.Bounded
		for u, n := range c.visits[c.Paths[i].Key] {
			chance := min(1, float64(l0)/float64(keysOf[u]))
			want.Devices += chance
			want.Visits += chance * float64(min(n, linf))
		}
		if b.Key != c.Paths[i].Key || math.Abs(b.Devices-want.Devices) > 1e-6 || math.Abs(b.Visits-want.Visits) > 1e-6 {
			t.Errorf("key %s: %v devices and %v visits, want %v and %v", b.Key, b.Devices, b.Visits, want.Devices, want.Visits)
		}
	}
	checkOrder(t, log)
}

func checkOrder(t *testing.T, log *loadgen.Log) {
	t.Helper()
	var last loadgen.Contribution
	seen := 0
	for c := range log.Contributions() {
		if seen > 0 && cmp.Or(cmp.Compare(last.Device, c.Device), cmp.Compare(last.Key, c.Key)) >= 0 {
			t.Fatal("contributions are not ordered by device and key")
		}
		last = c
		seen++
	}
	if seen < 1000 {
		t.Fatalf("only %d contributions", seen)
	}
}

func TestSharesAreAsAsked(t *testing.T) {
	truth := plan(t, loadgen.Options{Readership: loadgen.Model(2000), Lines: 1_000_000, Devices: 200_000}).Truth()
	devices := float64(truth.Devices)
	if got := float64(truth.OptedOutDevices) / devices; math.Abs(got-(1-0.88*0.92)) > 0.005 {
		t.Errorf("%.3f of devices opt out", got)
	}
	visits := float64(truth.Visits)
	for name, shares := range map[string][2]float64{
		"assets":   {float64(truth.Assets) / visits, 0.2},
		"failures": {float64(truth.Failures) / visits, 0.06},
		"bots":     {float64(truth.Bots) / visits, 0.08},
		"junk":     {float64(truth.Rejected+truth.Garbled) / visits, 0.005},
	} {
		if math.Abs(shares[0]-shares[1]) > 0.001 {
			t.Errorf("%s: %.4f for each visit, want %.4f", name, shares[0], shares[1])
		}
	}
}

func TestUserAgentsAreDistinct(t *testing.T) {
	log := plan(t, loadgen.Options{Readership: loadgen.Model(10), Lines: 20_000, UserAgents: 300})
	if n := len(count(t, text(t, log), same).agents); n < 290 || n > 300 {
		t.Errorf("%d user agents, want 300", n)
	}
}

func TestCanaryIsInEveryRequest(t *testing.T) {
	o := loadgen.Options{Readership: loadgen.Model(100), Lines: 20_000, Canary: "kingfisher"}
	for line := range bytes.Lines(text(t, plan(t, o))) {
		if len(line) > 1<<20 {
			continue
		}
		f := lineForm.FindSubmatch(bytes.TrimSuffix(line, []byte("\n")))
		if f == nil || string(f[5]) == "400" {
			continue
		}
		if !bytes.HasPrefix(f[1], []byte("198.1")) && !bytes.HasPrefix(f[1], []byte("2001:db8:")) {
			t.Fatalf("address %s is not reserved", f[1])
		}
		isBot, isAsset := botForm.Match(f[8]), assetForm.Match(bytes.Fields(f[4])[1])
		for i, needed := range map[int]bool{2: true, 4: !isAsset, 7: !isBot, 8: true} {
			if needed && !bytes.Contains(f[i], []byte(o.Canary)) {
				t.Fatalf("field %d has no canary", i)
			}
		}
	}
}

// TestMemoryIsThatOfThePages: nothing grows with the number of lines or devices.
func TestMemoryIsThatOfThePages(t *testing.T) {
	pages := loadgen.Model(100_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	log := plan(t, loadgen.Options{Readership: pages, Lines: 100_000_000, Devices: 10_000_000, UserAgents: 10_000})
	r, buf := log.Section(50_000_000, 20_000_000), make([]byte, 0, 1<<20)
	buf = r.Append(buf)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 24<<20 {
		t.Errorf("a log of 100 million lines holds %d MiB", grown>>20)
	}
	if n := testing.AllocsPerRun(20, func() { buf = r.Append(buf[:0]) }); n > 0 {
		t.Errorf("a buffer of lines takes %v allocations", n)
	}
	runtime.KeepAlive(pages)
}

func TestOptionsAreRefused(t *testing.T) {
	good := func() loadgen.Options {
		return loadgen.Options{Readership: loadgen.Model(3), Lines: 100, Start: start, End: start.Add(time.Hour)}
	}
	for name, spoil := range map[string]func(*loadgen.Options){
		"no pages":         func(o *loadgen.Options) { o.Readership = nil },
		"relative path":    func(o *loadgen.Options) { o.Readership[0].Path = "a" },
		"blank in path":    func(o *loadgen.Options) { o.Readership[0].Path = "/a b" },
		"query in path":    func(o *loadgen.Options) { o.Readership[0].Path = "/a?b" },
		"no visits":        func(o *loadgen.Options) { o.Readership[0].Visits = 0 },
		"devices > visits": func(o *loadgen.Options) { o.Readership[0].Devices = o.Readership[0].Visits + 1 },
		"crowded":          func(o *loadgen.Options) { o.Lines, o.Devices = 0, 1000 },
		"no time":          func(o *loadgen.Options) { o.End = o.Start },
		"half a second":    func(o *loadgen.Options) { o.End = o.End.Add(time.Millisecond) },
		"few devices":      func(o *loadgen.Options) { o.Devices = 99 },
		"one user agent":   func(o *loadgen.Options) { o.UserAgents = 1 },
		"canary of two":    func(o *loadgen.Options) { o.Canary = "two words" },
		"canary crowd":     func(o *loadgen.Options) { o.Canary, o.Devices = "bird", 250_001 },
		"negative share":   func(o *loadgen.Options) { o.Mix = &loadgen.Mix{Bots: -1} },
		"share of 2":       func(o *loadgen.Options) { o.Mix = &loadgen.Mix{DNT: 2} },
		"not a share":      func(o *loadgen.Options) { o.Mix = &loadgen.Mix{DNT: math.NaN()} },
	} {
		t.Run(name, func(t *testing.T) {
			o := good()
			spoil(&o)
			if _, err := loadgen.New(o); err == nil {
				t.Error("was taken")
			}
		})
	}
	if _, err := loadgen.New(good()); err != nil {
		t.Error(err)
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct {
		name string
		o    loadgen.Options
	}{
		{"demo", loadgen.Options{Readership: loadgen.Model(10_000)}},
		{"bench", loadgen.Options{Readership: loadgen.Model(100_000), Lines: 100_000_000, Devices: 10_000_000, UserAgents: 10_000}},
	} {
		b.Run(c.name, func(b *testing.B) {
			log := plan(b, c.o)
			buf := make([]byte, 0, 1<<20)
			r, size := log.Reader(), 0
			b.ResetTimer()
			for n := uint64(0); n < uint64(b.N); {
				left := r.Left()
				buf = r.Append(buf[:0])
				size += len(buf)
				if n += left - r.Left(); r.Left() == 0 {
					r = log.Reader()
				}
			}
			b.ReportMetric(float64(size)/float64(b.N), "bytes/line")
		})
	}
}

func BenchmarkTruth(b *testing.B) {
	log := plan(b, loadgen.Options{Readership: loadgen.Model(10_000)})
	for b.Loop() {
		log.Truth()
	}
}
