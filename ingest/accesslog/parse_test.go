package accesslog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"throng"
	"throng/ingest/accesslog"
)

const line = `192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"`

func parse(t *testing.T, format, line string) accesslog.Record {
	t.Helper()
	var rec accesslog.Record
	if err := newParser(t, format).Parse([]byte(line), &rec); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return rec
}

func TestMethods(t *testing.T) {
	for i, name := range throng.MethodNames() {
		want := throng.Method(i)
		rec := parse(t, "combined", strings.Replace(line, "GET", name, 1))
		if rec.Method != want || string(rec.MethodText) != name {
			t.Errorf("%s is read as %v", name, rec.Method)
		}
	}
}

func TestLineEnds(t *testing.T) {
	want := parse(t, "combined", line)
	for _, end := range []string{"\n", "\r\n", "\r"} {
		if diff := cmp.Diff(plain(want), plain(parse(t, "combined", line+end))); diff != "" {
			t.Errorf("with %q: %s", end, diff)
		}
	}
}

func TestLongLines(t *testing.T) {
	p := newParser(t, "combined")
	var rec accesslog.Record
	long := strings.Replace(line, "/a", "/"+strings.Repeat("a", accesslog.MaxLine-len(line)+1), 1)
	if err := p.Parse([]byte(long+"\r\n"), &rec); err != nil {
		t.Errorf("a line of %d bytes: %v", len(long), err)
	}
	if want := accesslog.MaxLine - len(line) + 2; len(rec.Path) != want {
		t.Errorf("its path has %d bytes, want %d", len(rec.Path), want)
	}
	if err := p.Parse([]byte(long+"x"), &rec); err != accesslog.TooLong {
		t.Errorf("a line of one byte more: %v", err)
	}
}

func TestBytesThatAreNotUTF8ComeThrough(t *testing.T) {
	rec := parse(t, "combined", strings.Replace(line, "Mozilla/5.0", "a\xff\x00\xc3b", 1))
	if want := "a\xff\x00\xc3b"; string(rec.UserAgent) != want {
		t.Errorf("user agent %q, want %q", rec.UserAgent, want)
	}
}

func TestAddressesAreReadAsNetipReadsThem(t *testing.T) {
	p := newParser(t, "common")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}`),
			rapid.StringMatching(`([0-9a-fA-F]{0,5}:){1,8}[0-9a-f]{0,4}`),
			rapid.StringMatching(`([0-9a-f]{0,4}:){1,6}[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}`),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 16, 16), func(b []byte) string {
				return netip.AddrFrom16([16]byte(b)).String()
			}),
		).Draw(t, "address")
		want, err := netip.ParseAddr(text)
		if err == nil {
			want = want.Unmap().WithZone("")
		}
		var rec accesslog.Record
		if err := p.Parse([]byte(text+` - - [01/Jan/2026:00:00:00 +0000] "-" 200 5`), &rec); err != nil {
			t.Fatal(err)
		}
		// With a port it is netip's AddrPort, which is not of interest here.
		if _, err := netip.ParseAddrPort(text); err != nil && rec.RemoteAddr != want {
			t.Fatalf("%s is read as %v, want %v", text, rec.RemoteAddr, want)
		}
	})
}

// TestHeadIsTheSteps holds the fast reading of the frequent form to what the steps of the layout read.
func TestHeadIsTheSteps(t *testing.T) {
	formats := []string{"common", "combined", "combined_signals", "vhost_combined",
		`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for" $request_time`}
	var corpus [][]byte
	for _, format := range formats[:4] {
		corpus = append(corpus, readLines(t, "testdata/"+format+".log")...)
	}
	for _, format := range formats {
		fast, steps := newParser(t, format), newParser(t, format).WithoutHead()
		rapid.Check(t, func(t *rapid.T) {
			line := mutate(t, rapid.SampledFrom(corpus).Draw(t, "line"))
			var a, b accesslog.Record
			errA, errB := fast.Parse(line, &a), steps.Parse(line, &b)
			if errA != errB || fast.RejectOffset() != steps.RejectOffset() {
				t.Fatalf("%v at %d and %v at %d", errA, fast.RejectOffset(), errB, steps.RejectOffset())
			}
			if diff := cmp.Diff(plain(b), plain(a)); errA == nil && diff != "" {
				t.Fatalf("(-steps +head):\n%s", diff)
			}
		})
	}
}

// TestEveryLineIsReadOrRefused: whatever becomes of a line of any format, each parser keeps its promises.
func TestEveryLineIsReadOrRefused(t *testing.T) {
	var corpus [][]byte
	var parsers []*accesslog.Parser
	for _, format := range accesslog.Formats() {
		corpus = append(corpus, readLines(t, "testdata/"+format+".log")...)
		parsers = append(parsers, newParser(t, format))
	}
	for name, format := range customFormats {
		corpus = append(corpus, customLine(name, "192.0.2.7", time.Unix(1.7e9, 0), "/a?b", "Mozilla/5.0 (X11)", "1"))
		parsers = append(parsers, newParser(t, format))
	}
	rapid.Check(t, func(rt *rapid.T) {
		line := mutate(rt, rapid.SampledFrom(corpus).Draw(rt, "line"))
		p := rapid.SampledFrom(parsers).Draw(rt, "parser")
		p.TrustProxies(rapid.IntRange(0, 3).Draw(rt, "proxies"))
		checkParser(t, p, line)
	})
}

// TestReadingIsLinear: long lines, whatever they repeat, do not exhaust the test's time limit, as they
// would if a parser went over a line once for each of its bytes.
func TestReadingIsLinear(t *testing.T) {
	repeat := []string{`"`, `" "`, ` `, `\"`, `[`, `] "`, `,`, `, `, `" 200 `, `#22`, `"-" `, `{"a":`, `=`, `:`, `/`, `?`, `a b" `}
	for _, format := range append(accesslog.Formats(), customFormats["log_format"], customFormats["LogFormat"]) {
		p := newParser(t, format)
		p.TrustProxies(2)
		var rec accesslog.Record
		for _, unit := range repeat {
			fill := strings.Repeat(unit, (accesslog.MaxLine/4)/len(unit))
			for _, long := range []string{line + fill, fill + line, strings.Replace(line, "/a", "/"+fill, 1)} {
				if err := p.Parse([]byte(long), &rec); err == accesslog.TooLong {
					t.Fatalf("%s: a line of %d bytes is too long", format, len(long))
				}
			}
		}
	}
}

// mutate changes, drops or doubles some bytes.
func mutate(t *rapid.T, line []byte) []byte {
	out := bytes.Clone(line)
	for range rapid.IntRange(0, 3).Draw(t, "edits") {
		if len(out) == 0 {
			break
		}
		i := rapid.IntRange(0, len(out)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "edit") {
		case 0:
			out[i] = rapid.SampledFrom([]byte(` "-[]0\:.%x`)).Draw(t, "byte")
		case 1:
			out = append(out[:i], out[i+1:]...)
		case 2:
			out = append(out[:i+1], out[i:]...)
		}
	}
	return out
}

func TestNDJSONIsReadBack(t *testing.T) {
	back := newParser(t, "json")
	for _, format := range accesslog.Formats() {
		p := newParser(t, format)
		for _, line := range readLines(t, "testdata/"+format+".log") {
			var rec, again accesslog.Record
			if p.Parse(line, &rec) != nil || rec.Status == 0 && rec.Target == nil {
				continue
			}
			text := accesslog.AppendNDJSON(nil, &rec)
			if !json.Valid(text) {
				t.Errorf("not JSON: %s", text)
			}
			if err := back.Parse(text, &again); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if diff := cmp.Diff(string(text), string(accesslog.AppendNDJSON(nil, &again))); diff != "" {
				t.Errorf("(-written +read):\n%s", diff)
			}
		}
	}
}

func TestNDJSONReplacesWhatIsNotUTF8(t *testing.T) {
	rec := accesslog.Record{UserAgent: []byte("a\xff\xfe\"b\x01\\")}
	want := `{"time":"1970-01-01T00:00:00Z","bytes":0,"user_agent":"a` + "\ufffd\ufffd" + `\"b\u0001\\"}` + "\n"
	if got := string(accesslog.AppendNDJSON(nil, &rec)); got != want {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestLogFormat(t *testing.T) {
	rec := parse(t, `$host ${remote_addr} [$time_iso8601] $request_method "$request_uri" $status $bytes_sent $request_time $upstream_addr "$http_sec_gpc"`,
		`example.org:80 192.0.2.7 [2026-01-01T00:00:00+00:00] GET "/a?b" 200 5 0.250 10.0.0.1:80, 10.0.0.2:80 "1"`)
	seconds, _ := rec.RequestTime.Seconds()
	if string(rec.Host) != "example.org" || string(rec.Path) != "/a" || seconds != 0.25 || string(rec.GPC.Value) != "1" || rec.Method != throng.GET {
		t.Errorf("read as %s", accesslog.AppendNDJSON(nil, &rec))
	}
}

func TestNewRefuses(t *testing.T) {
	for _, format := range []string{
		"", "auto", "nginx",
		`$remote_addr$status [$time_local]`,
		`$remote_addr $status`,
		`$remote_addr [$time_local]`,
		`$ [$time_local] $status`,
	} {
		if _, err := accesslog.New(format); err == nil {
			t.Errorf("New(%q) makes a parser", format)
		}
	}
}

func TestHasSignals(t *testing.T) {
	for format, want := range map[string]bool{"common": false, "combined": false, "vhost_combined": false, "combined_signals": true, "json": false,
		`[$time_local] "$request" "$http_dnt"`: true} {
		if got := newParser(t, format).HasSignals(); got != want {
			t.Errorf("%s: %v", format, got)
		}
	}
	p := newParser(t, "json")
	var rec accesslog.Record
	if err := p.Parse([]byte(`{"time":"2026-01-01T00:00:00Z","status":200,"http_dnt":""}`), &rec); err != nil {
		t.Fatal(err)
	}
	if !p.HasSignals() || rec.DNT.Present {
		t.Errorf("a JSON line with an empty signal: HasSignals %v, Present %v", p.HasSignals(), rec.DNT.Present)
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	lines := map[string][][]byte{}
	for name, format := range corpora() {
		lines[format] = readLines(t, "testdata/"+name+".log")
	}
	for _, format := range benchmarked() {
		lines[format] = append(benchLines(format)[:200], lines[format]...)
	}
	for format, lines := range lines {
		lines = slices.DeleteFunc(lines, func(l []byte) bool { return bytes.HasPrefix(l, []byte("#")) }) // they may
		p := newParser(t, format)
		var rec accesslog.Record
		all := func() {
			for _, line := range lines {
				_ = p.Parse(line, &rec) // refusing allocates nothing either
			}
		}
		all()
		if n := testing.AllocsPerRun(20, all); n != 0 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
}

// plain is a record that prints.
func plain(r accesslog.Record) map[string]any {
	seconds, timed := r.RequestTime.Seconds()
	return map[string]any{
		"time": r.Time, "addr": r.RemoteAddr.String(), "method": r.Method, "status": r.Status, "bytes": r.Bytes,
		"texts":   fmt.Sprintf("%q", [][]byte{r.RemoteHost, r.ForwardedFor, r.RemoteUser, r.MethodText, r.Target, r.Path, r.Query, r.Protocol, r.Referer, r.UserAgentText(), r.Host}),
		"signals": fmt.Sprintf("%q %v %q %v", r.DNT.Value, r.DNT.Present, r.GPC.Value, r.GPC.Present),
		"cookies": fmt.Sprintf("%q %q %q", r.Cookie, r.Cookies, r.Consent),
		"seconds": seconds, "timed": timed,
	}
}
