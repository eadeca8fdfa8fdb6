package accesslog_test

import (
	"fmt"
	"strings"
	"testing"

	"throng/ingest/accesslog"
)

func TestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		format string
		keys   accesslog.Keys
		line   string
		want   string // of the record, address, path, dnt and forwarded-for
	}{
		"path into objects": {"json", accesslog.Keys{"remote_addr": "request.headers.True-Client-Ip", "target": "a.b.c"},
			`{"time":"2026-01-01T00:00:00Z","a":{"b":{"c":"/x"}},"request":{"remote_ip":"192.0.2.1","headers":{"True-Client-Ip":["192.0.2.7"]}}}`, "192.0.2.7 /x  "},
		"dot in a name":          {"json", accesslog.Keys{"target": "a.b"}, `{"time":"2026-01-01T00:00:00Z","a.b":"/x"}`, "invalid IP /x  "},
		"others keep their keys": {"json", accesslog.Keys{"dnt": "x"}, `{"time":"2026-01-01T00:00:00Z","x":"1","http_dnt":"0","remote_addr":"192.0.2.7","path":"/x"}`, "192.0.2.7 /x 1 "},
		"left out":               {"json", accesslog.Keys{"forwarded_for": ""}, `{"time":"2026-01-01T00:00:00Z","path":"/x","x_forwarded_for":"192.0.2.9"}`, "invalid IP /x  "},
		"over a server's keys":   {"traefik_json", accesslog.Keys{"remote_addr": "request_X-Real-Ip"}, `{"StartUTC":"2026-01-01T00:00:00Z","ClientHost":"192.0.2.1","request_X-Real-Ip":"192.0.2.7","RequestPath":"/x"}`, "192.0.2.7 /x  "},
		"label":                  {"ltsv", accesslog.Keys{"dnt": "tracking"}, "time:2026-01-01T00:00:00Z\turi:/x\thost:192.0.2.7\ttracking:1", "192.0.2.7 /x 1 "},
		"host's label":           {"ltsv", accesslog.Keys{"host": "host"}, "time:2026-01-01T00:00:00Z\turi:/x\thost:www.example.org", "invalid IP /x  "},
		"column":                 {"#Fields: date time c-ip cs-uri-stem cs(x-no-track)", nil, "2026-01-01 00:00:00 192.0.2.7 /x 1", "192.0.2.7 /x  "},
		"in an envelope":         {"syslog:json", accesslog.Keys{"target": "p"}, `Jan  1 00:00:00 web1 app: {"time":"2026-01-01T00:00:00Z","p":"/x"}`, "invalid IP /x  "},
	} {
		rec := parse(t, c.keys.With(c.format), c.line)
		if got := fmt.Sprintf("%v %s %s %s", rec.RemoteAddr, rec.Path, rec.DNT.Value, rec.ForwardedFor); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestKeysOfColumnsKnowNoCase(t *testing.T) {
	p := newParser(t, "iis dnt=Cs(Do-Not-Track)")
	p.Restart([]byte("#Fields: date time c-ip cs-uri-stem cs(do-not-track)\n"))
	var rec accesslog.Record
	if err := p.Parse([]byte("2026-01-01 00:00:00 192.0.2.7 /x 1"), &rec); err != nil || !rec.DNT.Present || !p.HasSignals() {
		t.Errorf("%v, signal %v, signals %v", err, rec.DNT.Present, p.HasSignals())
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	for format, want := range map[string]string{
		"json address=ip":                             `no field is called "address"; there are remote_addr, forwarded_for`,
		"json remote_addr":                            `"remote_addr" has no =`,
		"json dnt=a dnt=b":                            "dnt has two keys",
		"json dnt=" + strings.Repeat("a", 200):        "longer than 128 bytes",
		"combined dnt=a":                              "take keys",
		"syslog:w3c":                                  "send it as a file",
		"syslog:syslog:json":                          "name what is inside of both once",
		accesslog.Keys{"dnt": "a key"}.With("json"):   `"key" has no =`,
		accesslog.Keys{"dnt": "a"}.With("syslog:abc"): "no format has that name",
	} {
		if _, err := accesslog.New(format); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %s", format, err, want)
		}
	}
}

// TestObjectsThatAreDeep takes neither time nor stack beyond the line's length.
func TestObjectsThatAreDeep(t *testing.T) {
	p := newParser(t, "caddy")
	var rec accesslog.Record
	for _, open := range []string{`{"x":`, `[`, `{"request":`, `{"request":{"headers":[`} {
		line := `{"request":` + strings.Repeat(open, (accesslog.MaxLine-20)/len(open))
		if err := p.Parse([]byte(line), &rec); err != accesslog.BadJSON {
			t.Errorf("%s…: %v", open, err)
		}
	}
	closed := `{"ts":1767225600,"status":200,"x":` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `,"request":{"uri":"/a"}}`
	if err := p.Parse([]byte(closed), &rec); err != nil || string(rec.Path) != "/a" {
		t.Errorf("a deep value that means nothing: %v", err)
	}
}
