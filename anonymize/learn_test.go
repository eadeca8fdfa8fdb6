package anonymize_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/ingest/accesslog"
)

// visit is a page view by a device, each of a network of its own unless shared is set.
type visit struct {
	path   string
	device int
	shared bool
}

func (v visit) record() accesslog.Record {
	rec := record()
	rec.Path = []byte(v.path)
	rec.RemoteAddr = netip.AddrFrom4([4]byte{11, byte(v.device >> 8), byte(v.device), 1})
	if v.shared {
		rec.RemoteAddr = netip.AddrFrom4([4]byte{12, 0, byte(v.device >> 8), byte(v.device)})
	}
	return rec
}

// learn proposes routes for what at least k devices asked for.
func learn(t testing.TB, k int, records ...accesslog.Record) []string {
	t.Helper()
	a := newAnonymizer(t, nil)
	l, err := anonymize.NewLearner(anonymize.LearnOptions{Devices: k})
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records {
		var ev throng.Event
		if a.Anonymize(&rec, &ev) == anonymize.Accepted {
			l.Add(&rec, &ev)
		}
	}
	return l.Routes()
}

// visits are n devices that ask for a path each.
func visits(n int, path func(device int) string) (records []accesslog.Record) {
	for i := range n {
		records = append(records, visit{path: path(i), device: i}.record())
	}
	return records
}

func TestLearnedRoutes(t *testing.T) {
	const k = 30
	same := func(path string) func(int) string { return func(int) string { return path } }
	for name, c := range map[string]struct {
		records []accesslog.Record
		want    []string
	}{
		"nobody":            {nil, nil},
		"one page":          {visits(k, same("/About/")), []string{"/about"}},
		"one too few":       {visits(k-1, same("/about")), nil},
		"root":              {visits(k, same("/")), []string{"/"}},
		"a popular number":  {visits(k, same("/article/38")), []string{"/article/38"}},
		"numbers":           {visits(k, func(i int) string { return fmt.Sprint("/article/", i) }), []string{"/article/{number}"}},
		"names":             {visits(k, func(i int) string { return fmt.Sprintf("/user/%s/edit", word(i)) }), []string{"/user/{name}/edit"}},
		"few names":         {visits(k, func(i int) string { return "/user/" + word(i%3) }), nil},
		"sections":          {visits(k, func(i int) string { return "/" + word(i) }), nil},
		"tokens":            {visits(k, same("/s/dQw4w9WgXcQ/x")), []string{"/s/{token}/x"}},
		"mail":              {visits(k, same("/u/jo@example.org")), []string{"/u/{email}"}},
		"a rare page apart": {append(visits(k, same("/a/b")), visits(k-1, same("/a/c"))...), []string{"/a/b"}},
		"braces":            {visits(k, same("/a/{b}")), []string{"/a/%7Bb%7D"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := learn(t, k, c.records...); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// word is one of many words without digits.
func word(i int) string {
	parts := []string{"lo", "ra", "mi", "ten", "so", "pa", "ni"}
	return parts[i%7] + parts[i/7%7] + parts[i/49%7] + parts[i/343%7]
}

func TestWhoIsNotCounted(t *testing.T) {
	const k = 100
	for name, change := range map[string]func(i int, rec *accesslog.Record){
		"opted out":   func(_ int, rec *accesslog.Record) { rec.GPC = field("1") },
		"bots":        func(_ int, rec *accesslog.Record) { rec.UserAgent = []byte("Googlebot/2.1") },
		"not found":   func(_ int, rec *accesslog.Record) { rec.Status = 404 },
		"no address":  func(_ int, rec *accesslog.Record) { rec.RemoteAddr = netip.Addr{} },
		"one device":  func(_ int, rec *accesslog.Record) { rec.RemoteAddr = netip.MustParseAddr("192.0.2.1") },
		"one network": func(i int, rec *accesslog.Record) { rec.RemoteAddr = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}) },
		"one /64": func(i int, rec *accesslog.Record) {
			rec.RemoteAddr = netip.MustParseAddr(fmt.Sprintf("2001:db8::%d", i+1))
		},
		"half as many": func(i int, rec *accesslog.Record) { rec.RemoteAddr = netip.AddrFrom4([4]byte{11, 0, byte(i / 2), 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			records := visits(k+k/2, func(int) string { return "/about" })
			for i := range records {
				change(i, &records[i])
			}
			if got := learn(t, k, records...); len(got) > 0 {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestWhatIsProposedWasAskedForByEnough anonymizes what was learned from under the proposal: each route
// stands for at least k devices, and no run of a token is in it.
func TestWhatIsProposedWasAskedForByEnough(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		k := rapid.IntRange(2, 12).Draw(r, "k")
		parts := []string{"a", "b", "user", "edit", "12", "13", "x.html", "dQw4w9WgXcQ", "%41", "jo@example.org"}
		path := rapid.Custom(func(r *rapid.T) string {
			segments := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(parts), rapid.StringMatching(`[lr][aeiou][mnt]`)), 0, 4).Draw(r, "segments")
			return "/" + strings.Join(segments, "/")
		})
		list := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) visit {
			return visit{path.Draw(r, "path"), rapid.IntRange(0, 40).Draw(r, "device"), rapid.Bool().Draw(r, "shared")}
		}), 0, 400).Draw(r, "visits")
		records := make([]accesslog.Record, len(list))
		for i, v := range list {
			records[i] = v.record()
		}
		routes := learn(t, k, records...)
		a := newAnonymizer(t, func(o *anonymize.Options) { o.Routes = map[string][]string{"s": routes} })
		devices := map[string]map[throng.UnitToken]bool{}
		for _, rec := range records {
			ev := do(t, a, rec)
			if devices[ev.Path] == nil {
				devices[ev.Path] = map[throng.UnitToken]bool{}
			}
			devices[ev.Path][ev.Unit] = true
		}
		for _, route := range routes {
			if len(devices[route]) < k || leaked(strings.ToLower(route), "dqw4w9wgxcq") || strings.Contains(route, "@") {
				r.Fatalf("%q stands for %d devices of %d", route, len(devices[route]), k)
			}
		}
	})
}

func TestLearnerRefusesOneDevice(t *testing.T) {
	if _, err := anonymize.NewLearner(anonymize.LearnOptions{Devices: 1}); err == nil {
		t.Fatal("a route of one device would be proposed")
	}
}
