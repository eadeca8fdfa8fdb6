package anonymize_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
	"throng/ingest/accesslog"
)

type anonymizer interface {
	Anonymize(rec *accesslog.Record, ev *throng.Event) anonymize.Outcome
}

var now = time.Date(2026, 11, 20, 12, 34, 56, 0, time.UTC)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (*clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

func newAnonymizer(t testing.TB, change func(o *anonymize.Options)) *anonymize.Anonymizer {
	t.Helper()
	o := anonymize.Options{Site: "s", Keys: keys.Ephemeral(&clock{now: now})}
	if change != nil {
		change(&o)
	}
	a, err := anonymize.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"

func field(v string) accesslog.Field { return accesslog.Field{Value: []byte(v), Present: true} }

// record is a plain page view.
func record() accesslog.Record {
	return accesslog.Record{
		Time: now.Unix(), RemoteAddr: netip.MustParseAddr("198.51.103.77"), Method: throng.GET, Status: 200, Bytes: 1234,
		RemoteUser: []byte("alice"), Path: []byte("/News/Today.html"), Query: []byte("q=secret"),
		Referer: []byte("https://blog.example.org/a?b"), UserAgent: []byte(chrome),
	}
}

// failer is a test, or a round of a property.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func do(t failer, a anonymizer, rec accesslog.Record) throng.Event {
	t.Helper()
	var ev throng.Event
	if out := a.Anonymize(&rec, &ev); out != anonymize.Accepted {
		t.Fatal(out)
	}
	return ev
}

func TestEveryoneIsGeneralized(t *testing.T) {
	a := newAnonymizer(t, nil)
	got := do(t, a, record())
	if got.Unit == 0 || got.Cell == 0 {
		t.Fatal("no token or no cell")
	}
	got.Unit, got.Cell = 0, 0
	want := throng.Event{
		Time: now.Unix(), Site: "s", Path: "/news/today.html", Method: throng.GET, Status: 200, Bytes: 1234,
		Referrer: "example.org", Client: throng.Chrome, ClientMajor: 143, OS: throng.Windows,
		Network: netip.MustParsePrefix("198.51.103.0/24"), Visit: true,
	}
	if got != want {
		t.Fatalf("\ngot  %+v\nwant %+v", got, want)
	}
}

func TestThoseWhoOptedOutAreGeneralizedFurther(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) {
		o.Routes = map[string][]string{"s": {"/docs/install/linux", "/about"}}
	})
	rec := record()
	rec.DNT = field("1")
	rec.Path = []byte("/docs/install/alices-page/x")
	ev := do(t, a, rec)
	if ev.Time != now.Unix()-56 || ev.ClientMajor != 140 || ev.Network != netip.MustParsePrefix("198.51.96.0/19") ||
		ev.Path != "/docs/install/*other*" || !ev.OptedOut || ev.Signal != throng.DNT || !ev.Visit {
		t.Fatalf("%+v", ev)
	}
	rec.RemoteAddr = netip.MustParseAddr("2001:db8:1234:5678::9")
	if ev := do(t, a, rec); ev.Network != netip.MustParsePrefix("2001:db8::/32") {
		t.Fatal(ev.Network)
	}
}

func TestWhatIsAVisit(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.Routes = map[string][]string{"s": {"/map.svg"}} })
	for name, c := range map[string]struct {
		change func(r *accesslog.Record)
		want   bool
	}{
		"page":          {func(*accesslog.Record) {}, true},
		"not modified":  {func(r *accesslog.Record) { r.Status = 304 }, true},
		"partial":       {func(r *accesslog.Record) { r.Status = 206 }, true},
		"redirect":      {func(r *accesslog.Record) { r.Status = 301 }, false},
		"no status":     {func(r *accesslog.Record) { r.Status = 0 }, false},
		"head":          {func(r *accesslog.Record) { r.Method = throng.HEAD }, false},
		"asset":         {func(r *accesslog.Record) { r.Path = []byte("/logo.PNG") }, false},
		"encoded asset": {func(r *accesslog.Record) { r.Path = []byte("/logo%2epng;v=1") }, false},
		"listed":        {func(r *accesslog.Record) { r.Path = []byte("/map.svg") }, true},
		"bot":           {func(r *accesslog.Record) { r.UserAgent = []byte("Googlebot/2.1") }, false},
		"nobody":        {func(r *accesslog.Record) { r.UserAgent = nil }, false},
		"no address":    {func(r *accesslog.Record) { r.RemoteAddr = netip.Addr{} }, false},
		"opted out":     {func(r *accesslog.Record) { r.GPC = field("1") }, true},
	} {
		rec := record()
		c.change(&rec)
		if got := do(t, a, rec); got.Visit != c.want {
			t.Errorf("%s: visit is %v", name, got.Visit)
		}
	}
	if n := a.Counts(); n.NoAddress != 1 || n.Bots != 2 {
		t.Errorf("counts %+v", n)
	}
}

func TestHostsDecideTheSite(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) {
		o.Hosts = map[string]string{"example.org": "main", "shop.example.org": "shop"}
	})
	for host, want := range map[string]string{
		"": "s", "example.org": "main", "EXAMPLE.org.": "main", "shop.example.org": "shop",
	} {
		rec := record()
		rec.Host = []byte(host)
		if ev := do(t, a, rec); ev.Site != want {
			t.Errorf("host %q is site %q", host, ev.Site)
		}
	}
	rec, ev := record(), throng.Event{}
	rec.Host = []byte("evil.example")
	if out := a.Anonymize(&rec, &ev); out != anonymize.UnknownHost || a.Counts().Outcomes[anonymize.UnknownHost] != 1 {
		t.Error(out)
	}
}

func TestUnitIsADevice(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.Hosts = map[string]string{"x.example": "x"} })
	base := do(t, a, record()).Unit
	for name, c := range map[string]struct {
		change func(r *accesslog.Record)
		same   bool
	}{
		"another page":          {func(r *accesslog.Record) { r.Path = []byte("/other") }, true},
		"another minor version": {func(r *accesslog.Record) { r.UserAgent = []byte(strings.Replace(chrome, "143.0.0.0", "143.0.7.1", 1)) }, true},
		"opted out":             {func(r *accesslog.Record) { r.DNT = field("1") }, true},
		"mapped address":        {func(r *accesslog.Record) { r.RemoteAddr = netip.MustParseAddr("::ffff:198.51.103.77") }, true},
		"another day":           {func(r *accesslog.Record) { r.Time -= 86400 }, true},
		"another address":       {func(r *accesslog.Record) { r.RemoteAddr = netip.MustParseAddr("198.51.103.78") }, false},
		"another major version": {func(r *accesslog.Record) { r.UserAgent = []byte(strings.Replace(chrome, "143", "142", 1)) }, false},
		"another site":          {func(r *accesslog.Record) { r.Host = []byte("x.example") }, false},
		"another span":          {func(r *accesslog.Record) { r.Time += 5 * 86400 }, false},
	} {
		rec := record()
		c.change(&rec)
		if got := do(t, a, rec).Unit; (got == base) != c.same {
			t.Errorf("%s: same unit is %v", name, got == base)
		}
	}
	six := record()
	six.RemoteAddr = netip.MustParseAddr("2001:db8:1:2::1")
	one := do(t, a, six).Unit
	six.RemoteAddr = netip.MustParseAddr("2001:db8:1:2:ffff::1")
	if do(t, a, six).Unit != one {
		t.Error("two addresses of a /64 are two units")
	}
}

func TestCellDependsOnSiteAndPath(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.Hosts = map[string]string{"x.example": "x"} })
	base, rec := do(t, a, record()), record()
	rec.Host = []byte("x.example")
	if do(t, a, rec).Cell == base.Cell {
		t.Error("two sites share a cell")
	}
	rec = record()
	rec.Path = []byte("//news/./Today.html")
	if do(t, a, rec).Cell != base.Cell {
		t.Error("one path has two cells")
	}
}

func TestErasedKeyIsNotUsed(t *testing.T) {
	c := &clock{now: now}
	ratchet := keys.Ephemeral(c)
	a := newAnonymizer(t, func(o *anonymize.Options) { o.Keys = ratchet })
	before := do(t, a, record())

	c.now = time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	if err := ratchet.Advance(c.now); err != nil {
		t.Fatal(err)
	}
	rec, ev := record(), throng.Event{}
	if out := a.Anonymize(&rec, &ev); out != anonymize.NoKey {
		t.Fatal(out)
	}
	rec.Time = c.now.Unix()
	if after := do(t, a, rec); after.Unit == before.Unit || after.Cell == before.Cell {
		t.Fatal("the old key is in use")
	}
}

func TestTimesOutOfRangeAreRefused(t *testing.T) {
	a := newAnonymizer(t, nil)
	for _, sec := range []int64{-1, 1 << 32} {
		rec, ev := record(), throng.Event{}
		rec.Time = sec
		if out := a.Anonymize(&rec, &ev); out != anonymize.BadTime {
			t.Errorf("%d: %v", sec, out)
		}
	}
}

func TestOptionsCanOnlyBeStricter(t *testing.T) {
	for name, o := range map[string]anonymize.Options{
		"no keys":          {Site: "s", Keys: nil},
		"no site":          {Site: ""},
		"wide IPv4":        {Site: "s", V4Bits: 25},
		"lower k":          {Site: "s", K: throng.MinDevices - 1},
		"higher k":         {Site: "s", K: 8193, OptedOutV4Bits: 19},
		"wide IPv6":        {Site: "s", V6Bits: 64},
		"wide IPv4 for":    {Site: "s", OptedOutV4Bits: 20},
		"wide IPv6 for":    {Site: "s", OptedOutV6Bits: 48},
		"suffix":           {Site: "s", AssetSuffixes: []string{"png"}},
		"route":            {Site: "s", Routes: map[string][]string{"s": {"about"}}},
		"route with query": {Site: "s", Routes: map[string][]string{"s": {"/a?b"}}},
		"routes of nobody": {Site: "s", Routes: map[string][]string{"t": {"/a"}}},
		"host":             {Hosts: map[string]string{"Example.org": "s"}},
	} {
		if name != "no keys" {
			o.Keys = keys.Ephemeral(&clock{now: now})
		}
		if _, err := anonymize.New(o); err == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
}
