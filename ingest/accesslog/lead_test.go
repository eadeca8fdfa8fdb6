package accesslog_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng/ingest/accesslog"
)

// TestLinesBeforeDoNotMatter: what a parser learned of other lines changes nothing about how it reads one.
func TestLinesBeforeDoNotMatter(t *testing.T) {
	members := []string{`"ts":1767225600`, `"status":200`, `"status": "404"`, `"request":{"uri":"/a","headers":{"Dnt":["1"]}}`, `"request":{}`,
		`"request":{"uri":"/b"}`, `"request":null`, `"request":"x"`, `"request":["x"]`, `"request" : { "headers" : {"User-Agent":["a","b"],"Dnt":"0"} , "host":"h" }`,
		`"size":5`, `"size":"6"`, `"x":"y"`, `"x":"a\"b"`, `"x":{"request":{"uri":"/no"}}`, `"x":[{"uri":"/no"}]`, `"user_id":""`, `"x"`, `5`, `"request":`}
	learned := newParser(t, "caddy")
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom(members), 0, 8), 1, 4).Draw(t, "lines")
		for i, members := range lines {
			line := []byte("{" + strings.Join(members, ",") + "}")
			fresh, err := accesslog.New("caddy")
			if err != nil {
				t.Fatal(err)
			}
			got, want := appendOutcome(nil, learned, i, line), appendOutcome(nil, fresh, i, line)
			if string(got) != string(want) {
				t.Fatalf("%s\nread as %s\nby a new parser as %s", line, got, want)
			}
		}
	})
}

// TestNamesWithoutEnd: a server that logs all header fields logs names that clients choose.
func TestNamesWithoutEnd(t *testing.T) {
	for format, line := range map[string]string{
		"caddy": `{"ts":1767225600,"status":200,"request":{"uri":"/a","headers":{"X-%d":["a"],"Dnt":["1"]}}}`,
		"ltsv":  "time:1767225600\tstatus:200\turi:/a\tx-%d:a\tdnt:1",
	} {
		p := newParser(t, format)
		for i := range 10000 {
			var rec accesslog.Record
			if err := p.Parse(fmt.Appendf(nil, line, i), &rec); err != nil || string(rec.Path) != "/a" || !rec.DNT.Present {
				t.Fatalf("%s, line %d: %v, %s", format, i, err, accesslog.AppendNDJSON(nil, &rec))
			}
			if n := p.Leads(); n > accesslog.MaxLeads {
				t.Fatalf("%s, line %d: %d leads are remembered", format, i, n)
			}
		}
	}
}
