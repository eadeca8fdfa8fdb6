package accesslog_test

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"throng/ingest/accesslog"
)

func FuzzCommon(f *testing.F)          { fuzzFormat(f, "common") }
func FuzzCombined(f *testing.F)        { fuzzFormat(f, "combined") }
func FuzzCombinedSignals(f *testing.F) { fuzzFormat(f, "combined_signals") }
func FuzzVhostCombined(f *testing.F)   { fuzzFormat(f, "vhost_combined") }
func FuzzJSON(f *testing.F)            { fuzzFormat(f, "json") }
func FuzzTraefik(f *testing.F)         { fuzzFormat(f, "traefik") }
func FuzzIngressNginx(f *testing.F)    { fuzzFormat(f, "ingress_nginx") }
func FuzzHAProxy(f *testing.F)         { fuzzFormat(f, "haproxy") }
func FuzzALB(f *testing.F)             { fuzzFormat(f, "aws_alb") }
func FuzzELB(f *testing.F)             { fuzzFormat(f, "aws_elb") }
func FuzzS3(f *testing.F)              { fuzzFormat(f, "aws_s3") }

// FuzzLogFormat: no format makes the compiler panic, and no line the parser that it made.
func FuzzLogFormat(f *testing.F) {
	for _, p := range accesslog.Presets() {
		for _, s := range p.Snippets {
			f.Add(s.Text, []byte(line), 1)
		}
	}
	for _, format := range customFormats {
		f.Add(format, []byte(line), 0)
	}
	f.Add(`escape=none %{%A %B %c %j %Z}t%s`, []byte(`x`), 0)
	f.Fuzz(func(t *testing.T, format string, line []byte, proxies int) {
		p, err := accesslog.New(format)
		if err != nil {
			return
		}
		p.TrustProxies(max(proxies, 0))
		checkParser(t, p, line)
	})
}

// fuzzFormat: no line makes the parser panic; what it reads lies in the line or in the scratch memory;
// reading twice gives the same; explaining agrees with reading; a refused line has an offset in it.
func fuzzFormat(f *testing.F, format string) {
	for _, line := range readLines(f, "testdata/"+format+".log") {
		f.Add(line)
	}
	p := newParser(f, format)
	f.Fuzz(func(t *testing.T, line []byte) { checkParser(t, p, line) })
}

func checkParser(t *testing.T, p *accesslog.Parser, line []byte) {
	t.Helper()
	before := bytes.Clone(line)
	var rec, again accesslog.Record
	err := p.Parse(line, &rec)
	for _, s := range texts(&rec) {
		if err == nil && len(s) > 0 && !within(s, line) && !within(s, p.Scratch()[:cap(p.Scratch())]) {
			t.Fatalf("%q lies elsewhere", s)
		}
	}
	first := plain(rec)
	if errAgain := p.Parse(line, &again); errAgain != err {
		t.Fatalf("first %v, then %v", err, errAgain)
	}
	if diff := cmp.Diff(first, plain(again)); err == nil && diff != "" {
		t.Fatalf("second reading (-first +second):\n%s", diff)
	}
	if err != nil && (p.RejectOffset() < 0 || p.RejectOffset() > len(line)) {
		t.Fatalf("refused at %d of %d", p.RejectOffset(), len(line))
	}
	spans, errExplain := p.Explain(line)
	if errExplain != err {
		t.Fatalf("read with %v, explained with %v", err, errExplain)
	}
	for _, s := range spans {
		if s.Start < 0 || s.Start > s.End || s.End > len(line) {
			t.Fatalf("span [%d, %d) of %d bytes", s.Start, s.End, len(line))
		}
	}
	if !bytes.Equal(line, before) {
		t.Fatal("the line was changed")
	}
}

func FuzzDetect(f *testing.F) {
	f.Add([]byte(line + "\n" + line))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := bytes.Split(text, []byte("\n"))
		format, err := accesslog.Detect(lines)
		if err != nil {
			return
		}
		p := newParser(t, format)
		var rec accesslog.Record
		for _, line := range lines {
			if p.Parse(line, &rec) == nil {
				return
			}
		}
		t.Fatalf("%s reads none of the lines", format)
	})
}

func texts(r *accesslog.Record) [][]byte {
	all := [][]byte{r.RemoteHost, r.ForwardedFor, r.RemoteUser, r.MethodText, r.Target, r.Path, r.Query, r.Protocol, r.Referer,
		r.UserAgent, r.Host, r.DNT.Value, r.GPC.Value, r.Cookie, r.Consent}
	for _, c := range r.Cookies {
		all = append(all, c.Value)
	}
	return all
}

// within tells whether s lies in the memory of b.
func within(s, b []byte) bool {
	if len(b) == 0 {
		return false
	}
	start, first := uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&s[0]))
	return first >= start && first+uintptr(len(s)) <= start+uintptr(len(b))
}
