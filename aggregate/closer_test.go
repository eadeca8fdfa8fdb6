package aggregate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/dp"
	"throng/aggregate/ledger"
	"throng/internal/durable"
)

const today throng.Day = 20000

// clock is set by hand; its timers are real.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time                       { return c.now }
func (c *clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// house is a closer with all that it needs, on a directory that outlives it.
type house struct {
	t      testing.TB
	dir    string
	store  *memory
	broker *broker
	clock  *clock
	log    bytes.Buffer
	disk   durable.Disk
	ledger *ledger.Ledger
	*aggregate.Closer
	options aggregate.Options
}

func newHouse(t testing.TB) *house {
	return houseIn(t, t.TempDir())
}

func houseIn(t testing.TB, dir string) *house {
	h := &house{t: t, dir: dir, store: newMemory(), broker: newBroker(), clock: &clock{today.End().Add(time.Hour)}}
	h.options = aggregate.Options{
		Store: h.store, Broker: h.broker, Clock: h.clock, Logger: slog.New(slog.NewTextHandler(&h.log, nil)),
		Releases: filepath.Join(dir, "releases"), Sites: []string{"www"},
		Group:         func(topic string) string { return "load-" + topic },
		ClosingMarker: func(d throng.Day) []byte { return []byte("closing " + d.String()) },
		Workers:       2,
	}
	l, err := ledger.Create(filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	h.open()
	t.Cleanup(func() { h.ledger.Close() })
	return h
}

// open starts a process on the directory, as it is.
func (h *house) open() {
	h.t.Helper()
	if err := h.tryOpen(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) tryOpen() (err error) {
	if h.ledger != nil {
		h.ledger.Close()
	}
	l, err := ledger.OpenOn(filepath.Join(h.dir, "ledger"), h.disk)
	if err != nil {
		return err
	}
	h.ledger, h.options.Ledger = l, l
	if h.Closer, err = aggregate.New(h.options); err == nil {
		h.SetDisk(h.disk)
	}
	return err
}

// crowd lets devices from..to-1 visit each path once.
func (h *house) crowd(site string, from, to int, paths ...string) {
	for d := from; d < to; d++ {
		for _, p := range paths {
			h.store.visit(today, site, d, p, 1)
		}
	}
}

func (h *house) close() []throng.ReleaseID {
	h.t.Helper()
	h.store.sort()
	ids, err := h.CloseDay(context.Background(), today)
	if err != nil {
		h.t.Fatal(err)
	}
	return ids
}

func (h *house) file(site string) []byte {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.dir, "releases", site, throng.PathTable, today.String()+".json"))
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

func (h *house) release(site string) throng.Release {
	h.t.Helper()
	var r throng.Release
	if err := json.Unmarshal(h.file(site), &r); err != nil {
		h.t.Fatal(err)
	}
	return r
}

func keys(r throng.Release) []string {
	var k []string
	for _, row := range r.Rows {
		k = append(k, row.Key)
	}
	return k
}

// Counts are at least 12 σ away from the gate, so that each decision is certain for any purpose, and
// values are compared with the truth at 6 σ: a false alarm comes once in 1e8 runs.
func TestCloseDayPublishesThePartition(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 20000, "/news/today")
	for page := range 6 { // each under k, 9,000 together, of which 1,000 read two pages
		h.crowd("www", page*1500, page*1500+1500, fmt.Sprintf("/archive/%d", page))
	}
	h.crowd("www", 0, 1000, "/archive/5")
	h.crowd("www", 30000, 33000, "/about", "/contact") // 3,000, one union
	h.crowd("www", 33000, 36500, "/shop/a", "/shop/b/c/d/e")
	h.crowd("blog", 50000, 52000, "/x")
	h.close()

	r := h.release("www")
	want := []struct {
		key             string
		devices, visits int64
	}{
		{"/*other*", 6500, 2*3000 + 2*3500}, {"/archive/*other*", 9000, 10000}, {"/news/today", 20000, 20000},
	}
	if len(r.Rows) != len(want) {
		t.Fatalf("rows %v", keys(r))
	}
	for i, w := range want {
		row := r.Rows[i]
		d, _ := row.Devices.Estimate()
		v, _ := row.Visits.Estimate()
		if row.Key != w.key || abs(d.Value-w.devices) > 300 || abs(v.Value-w.visits) > 624 {
			t.Errorf("row %+v, want %+v", row, w)
		}
		if d.Low < throng.MinDevices || d.Low > d.Value || d.High < d.Value || v.Low > v.Value || v.High < v.Value {
			t.Errorf("%s: intervals %+v %+v", row.Key, d, v)
		}
	}
	if blog := h.release("blog"); len(blog.Rows) != 0 || !bytes.Contains(h.file("blog"), []byte(`"rows": []`)) {
		t.Errorf("a site of 2,000 devices: %v", keys(blog))
	}
	if r.Format != throng.ReleaseFormat || r.Tree != aggregate.TreeVersion || r.Parameters.K != throng.MinDevices || len(r.Parameters.Draws) != 6 {
		t.Errorf("head %+v", r)
	}
	if len(h.store.rows) != 0 || len(h.store.cells) != 0 {
		t.Error("unit tokens were kept")
	}
}

func abs(x int64) int64 { return max(x, -x) }

func TestOneDeviceIsNoCrowd(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 8000, "/news/today")
	h.store.visit(today, "www", 1_000_000, "/news/mine", 1_000_000)
	h.store.visit(today, "www", 1_000_000, "/secret", 20_000)
	h.close()
	if got := keys(h.release("www")); len(got) != 1 || got[0] != "/news/today" {
		t.Fatalf("rows %v", got)
	}
	v, _ := h.release("www").Rows[0].Visits.Estimate()
	if abs(v.Value-8000) > 624 {
		t.Errorf("visits %+v", v)
	}
}

func TestAPathOfOneDeviceAppearsNowhere(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 8000, "/news/today", "/news/other")
	for i := range 200 {
		h.store.visit(today, "www", i, fmt.Sprintf("/news/marker-%d", i), 5)
		h.store.visit(today, "www", i, fmt.Sprintf("/marker-%d", i), 5)
	}
	h.close()
	if bytes.Contains(h.file("www"), []byte("marker")) || strings.Contains(h.log.String(), "marker") {
		t.Error("a path that one device asked for was published")
	}
	for _, m := range h.store.mirror {
		if strings.Contains(m, "marker") {
			t.Error("a path that one device asked for was mirrored")
		}
	}
}

// Logs, ledger and file shape must not tell whether there was something to suppress.
func TestSuppressionLeavesNoTrace(t *testing.T) {
	shape := func(fill func(h *house)) (log, ledger, release string) {
		h := newHouse(t)
		fill(h)
		h.close()
		for _, e := range h.ledger.Entries() {
			ledger += string(e.Kind) + " "
		}
		_, line, _ := strings.Cut(h.log.String(), " ")
		return line, ledger, string(h.file("www"))
	}
	log1, ledger1, release1 := shape(func(*house) {})
	log2, ledger2, release2 := shape(func(h *house) {
		h.crowd("www", 0, 4999, "/a/1", "/a/2", "/b")
	})
	if log1 != log2 || ledger1 != ledger2 || release1 != release2 {
		t.Errorf("a site that nobody visited:\n%s%s\n%s\none of 4,999 devices:\n%s%s\n%s", log1, ledger1, release1, log2, ledger2, release2)
	}
}

func TestCloseDayAgainReturnsTheStoredBytes(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 8000, "/news/today")
	first := h.close()
	release, entries := h.file("www"), len(h.ledger.Entries())
	for range 3 {
		h.open()
		h.crowd("www", 0, 9000, "/news/today", "/news/late") // units that came in late
		if again := h.close(); len(again) != 1 || again[0] != first[0] {
			t.Errorf("ids %v, then %v", first, again)
		}
		if !bytes.Equal(release, h.file("www")) || len(h.ledger.Entries()) != entries {
			t.Error("a release that exists was drawn again")
		}
		if len(h.store.rows) != 0 {
			t.Error("late units were kept")
		}
	}
}

func TestCloseDayRefusesADayThatIsNotOver(t *testing.T) {
	h := newHouse(t)
	h.clock.now = today.End().Add(-time.Second)
	if _, err := h.CloseDay(context.Background(), today); err == nil {
		t.Fatal("closed")
	}
	if n := len(h.ledger.Entries()); n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestCompletenessIsCoarse(t *testing.T) {
	h := newHouse(t)
	h.store.tally = throng.Tally{Events: 990, Rejected: 1, Late: 50}
	h.store.feeds = map[string]time.Time{"nginx@web1": today.End(), "nginx@web2": today.End().Add(-time.Second)}
	h.options.Feeds = []string{"nginx@web3", "nginx@web1"}
	h.open()
	h.close()
	got := h.release("www").Complete
	if got.Late != throng.ShareAbove1Pc || got.Rejected != throng.ShareSome || strings.Join(got.MissingSources, " ") != "nginx@web2 nginx@web3" {
		t.Errorf("%+v", got)
	}
}

func TestNewRefuses(t *testing.T) {
	h := newHouse(t)
	for name, change := range map[string]func(*aggregate.Options){
		"k under the floor":      func(o *aggregate.Options) { o.K = 10 },
		"ε over the ceiling":     func(o *aggregate.Options) { o.Epsilon = 2 },
		"no store":               func(o *aggregate.Options) { o.Store = nil },
		"a site that climbs out": func(o *aggregate.Options) { o.Sites = []string{"../www"} },
		"a hidden site":          func(o *aggregate.Options) { o.Sites = []string{".www"} },
		"too much lateness":      func(o *aggregate.Options) { o.Lateness = 49 * time.Hour },
	} {
		o := h.options
		change(&o)
		if _, err := aggregate.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestAWatermarkedDemonstrationSaysSo(t *testing.T) {
	h := newHouse(t)
	h.options.K, h.options.Watermark = 20, "demonstration"
	h.open()
	h.crowd("www", 0, 1200, "/news/today")
	h.close()
	r := h.release("www")
	if r.Parameters.Watermark != "demonstration" || r.Parameters.K != 20 || len(r.Rows) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestABrokenStoreIsNotPublished(t *testing.T) {
	for name, breakIt := range map[string]func(m *memory){
		"a cell without text": func(m *memory) { m.cells[today] = m.cells[today][:1] },
		"one cell with two texts": func(m *memory) {
			c := m.cells[today][0]
			c.Key = "/else"
			m.cells[today] = append(m.cells[today], c)
		},
		"a site that climbs out": func(m *memory) { m.cells[today][0].Site = ".." },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.crowd("www", 0, 500, "/a", "/b")
			h.store.sort()
			breakIt(h.store)
			if _, err := h.CloseDay(context.Background(), today); err == nil {
				t.Fatal("closed")
			}
			if files, _ := filepath.Glob(filepath.Join(h.dir, "releases", "*", "*", "*")); len(files) != 0 {
				t.Errorf("published %v", files)
			}
			if h.store.calls["DropUnits"] != 0 {
				t.Error("units were dropped")
			}
		})
	}
}

func TestParametersAreThoseOfTheTable(t *testing.T) {
	want, err := dp.Calibrate(dp.Budget{}, throng.DayPeriod, throng.PathTable, throng.PathTable)
	if err != nil {
		t.Fatal(err)
	}
	if got := newHouse(t).Parameters(); got.Gate() != want.Gate() || got.Draws[0] != want.Draws[0] || got.Draws[1] != want.Draws[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
