package accesslog_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"throng/ingest/accesslog"
)

func FuzzCaddy(f *testing.F)      { fuzzFormat(f, "caddy") }
func FuzzWAF(f *testing.F)        { fuzzFormat(f, "aws_waf") }
func FuzzCloudflare(f *testing.F) { fuzzFormat(f, "cloudflare") }
func FuzzLTSV(f *testing.F)       { fuzzFormat(f, "ltsv") }
func FuzzIIS(f *testing.F)        { fuzzFormat(f, "iis") }
func FuzzCloudFront(f *testing.F) { fuzzFormat(f, "cloudfront") }

func FuzzSyslog(f *testing.F) {
	for _, line := range readLines(f, "testdata/syslog_combined.log") {
		f.Add(line)
	}
	for _, line := range readLines(f, "testdata/syslog_json.log") {
		f.Add(line)
	}
	p, q := newParser(f, "syslog:json"), newParser(f, "syslog:combined")
	f.Fuzz(func(t *testing.T, line []byte) {
		checkParser(t, p, line)
		checkParser(t, q, line)
	})
}

// FuzzDirectives: whoever reads a W3C log from any line on, with the directives before it, reads what
// one does who has read all before.
func FuzzDirectives(f *testing.F) {
	for _, name := range []string{"w3c", "iis", "cloudfront"} {
		text, err := os.ReadFile("testdata/" + name + ".log")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, uint8(7))
	}
	through, from := newParser(f, "w3c"), newParser(f, "w3c")
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		var preamble accesslog.Preamble
		through.Restart(nil)
		for line := range bytes.Lines(text) {
			from.Restart(preamble.Lines())
			var want, got accesslog.Record
			errWant, errGot := through.Parse(line, &want), from.Parse(line, &got)
			if errWant != errGot {
				t.Fatalf("%q: %v, and from there on %v", line, errWant, errGot)
			}
			if diff := cmp.Diff(plain(want), plain(got)); errWant == nil && diff != "" {
				t.Fatalf("%q (-through +from there on):\n%s", line, diff)
			}
			for rest := line; len(rest) > 0; {
				n := min(len(rest), int(piece)+1)
				_, _ = preamble.Write(rest[:n]) // never fails
				rest = rest[n:]
			}
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add("json", "remote_addr=client.ip time=at", []byte(`{"client":{"ip":"192.0.2.7"},"at":1767225600,"status":200}`))
	f.Add("ltsv", "request=r forwarded_for=", []byte("r:GET / HTTP/1.1\ttime:1767225600"))
	f.Add("w3c", "dnt=Do-Not-Track", []byte("#Fields: date"))
	f.Fuzz(func(t *testing.T, name, keys string, line []byte) {
		p, err := accesslog.New(name + " " + keys)
		if err != nil {
			return
		}
		var rec accesslog.Record
		err = p.Parse(line, &rec)
		if _, errExplain := p.Explain(line); errExplain != err {
			t.Fatalf("read with %v, explained with %v", err, errExplain)
		}
	})
}
