package accesslog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"throng/ingest/accesslog"
)

var snippet = regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```")

// TestSnippetsOfSignalsDocument reads the web servers' settings in docs/signals.md, and a line as these
// would write it.
func TestSnippetsOfSignalsDocument(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "signals.md"))
	if err != nil {
		t.Fatal(err)
	}
	const head = `192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0" "1" "0, 1"`
	seen := map[string]int{}
	for _, m := range snippet.FindAllStringSubmatch(string(doc), -1) {
		format, line := "", head
		switch language, text := m[1], m[2]; {
		case language == "nginx" && strings.Contains(text, "log_format"):
			format = text[strings.Index(text, "log_format"):]
			format = strings.TrimSpace(format[:strings.Index(format, ";")+1])
		case language == "apache":
			format, _, _ = strings.Cut(text, "\n")
		case language == "yaml" && strings.Contains(text, "format: '"):
			_, format, _ = strings.Cut(text, "format: '")
			format, _, _ = strings.Cut(format, "'")
		default:
			continue
		}
		consent := strings.Contains(format, "sent_http_tk")
		if consent {
			line += ` "C"`
		}
		if strings.Contains(format, "escape=json") {
			line = `{"time":"2026-01-01T00:00:00+00:00","remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","status":200,` +
				`"bytes":5,"referer":"","user_agent":"Mozilla/5.0","host":"example.org","dnt":"1","sec_gpc":"0, 1"}`
		}
		seen[m[1]]++
		var rec accesslog.Record
		p, err := accesslog.New(format)
		if err == nil {
			err = p.Parse([]byte(line), &rec)
		}
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if got := fmt.Sprintf("%s|%s|%s", rec.DNT.Value, rec.GPC.Value, rec.Consent); got != "1|0, 1|"+map[bool]string{true: "C"}[consent] {
			t.Errorf("%s: read as %s", format, got)
		}
	}
	if seen["nginx"] != 3 || seen["apache"] != 1 || seen["yaml"] != 1 {
		t.Errorf("found %v", seen)
	}
}
