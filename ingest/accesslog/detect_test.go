package accesslog_test

import (
	"bytes"
	"testing"

	"throng/ingest/accesslog"
)

func TestDetect(t *testing.T) {
	const (
		plain   = `192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 5`
		browser = plain + ` "-" "Mozilla/5.0"`
	)
	tests := map[string]struct {
		lines []string
		want  string
	}{
		"common":                     {[]string{plain, plain}, "common"},
		"combined":                   {[]string{browser, browser}, "combined"},
		"signals":                    {[]string{browser + ` "1" "-"`, browser + ` "-" "-"`}, "combined_signals"},
		"signals, all absent":        {[]string{browser + ` "-" "-"`}, "combined_signals"},
		"signals since the reload":   {[]string{browser, browser, browser + ` "-" "1"`}, "combined_signals"},
		"forwarded-for is none":      {[]string{browser + ` "198.51.100.1" "-"`, browser + ` "-" "-"`}, "combined"},
		"a client's odd signal":      {[]string{browser + ` "1" "-"`, browser + ` "-" "-"`, browser + ` "foo" "-"`}, "combined_signals"},
		"one more field":             {[]string{browser + ` "-"`}, "combined"},
		"host before":                {[]string{"example.org:80 " + browser, "example.org " + browser}, "vhost_combined"},
		"account with a blank":       {[]string{`192.0.2.7 - jo do [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "-"`}, "combined"},
		"Traefik":                    {[]string{browser + ` 1 "web@docker" "http://10.0.0.2:80" 3ms`, browser + ` 2 "-" "-" 0ms`}, "traefik"},
		"ingress-nginx":              {[]string{browser + ` 77 0.002 [a-b-80] [] 10.0.0.5:80 612 0.002 200 8e1e`}, "ingress_nginx"},
		"much more behind":           {[]string{browser + ` "192.0.2.9" 0.003 - x`}, "combined"},
		"ALB":                        {[]string{`h2 2026-01-01T00:00:00.1Z app/a/5 192.0.2.7:1 10.0.0.1:80 0.0 0.1 0.0 200 200 3 5 "GET https://a:443/ HTTP/2.0" "x" - -`}, "aws_alb"},
		"ELB":                        {[]string{`2026-01-01T00:00:00.1Z a 192.0.2.7:1 10.0.0.1:80 0.0 0.1 0.0 200 200 3 5 "GET http://a:80/ HTTP/1.1" "x" - -`}, "aws_elb"},
		"S3":                         {[]string{`79a5 b [01/Jan/2026:00:00:00 +0000] 192.0.2.3 - 3E57 REST.GET.OBJECT a "GET /a HTTP/1.1" 200 - 113 - 7 - "-" "x" -`}, "aws_s3"},
		"HAProxy":                    {[]string{`192.0.2.7:1 [01/Jan/2026:00:00:00.655] in a/b 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"`}, "haproxy"},
		"JSON":                       {[]string{`{"time":"2026-01-01T00:00:00Z","status":200}`}, "json"},
		"garbage among the lines":    {[]string{"", "Error line 1", browser, "\xff\xfe"}, "combined"},
		"one line is cut off":        {[]string{browser, plain + ` "-" "Mozi`, browser}, "combined"},
		"nothing":                    {nil, ""},
		"prose":                      {[]string{"Some prose.", "More."}, ""},
		"JSON that is no access log": {[]string{`{"time":"2026-01-01T00:00:00Z","msg":"x"}`}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var lines [][]byte
			for _, l := range test.lines {
				lines = append(lines, []byte(l))
			}
			got, err := accesslog.Detect(lines)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("Detect: %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// TestRealLogs counts what real logs, which others published, give.
func TestRealLogs(t *testing.T) {
	tests := []struct {
		file                               string
		lines, read, withPath, withAddress int
	}{
		{"elastic-apache-2015.log", 10000, 9999, 9999, 9999}, // one line ends within its user agent
		{"nielsbasjes-2015.log", 3456, 3456, 3456, 3456},
		{"nginx_access.log", 1000, 1000, 954, 1000},
		{"combined_with_errors.log", 889, 885, 885, 885},
		{"combined_latin1_enc.log", 200, 170, 155, 169}, // pieces of gzip between and before lines
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			lines := sharedLog(t, test.file)
			format, err := accesslog.Detect(lines[:min(len(lines), 100)])
			if err != nil || format != "combined" {
				t.Fatalf("detected %q, %v", format, err)
			}
			p := newParser(t, format)
			var rec accesslog.Record
			read, withPath, withAddress := 0, 0, 0
			for _, line := range lines {
				if err := p.Parse(line, &rec); err != nil {
					continue
				}
				read++
				if rec.Path != nil {
					withPath++
				}
				if rec.RemoteAddr.IsValid() && bytes.HasPrefix(line, rec.RemoteHost) {
					withAddress++
				}
			}
			if len(lines) != test.lines || read != test.read || withPath != test.withPath || withAddress != test.withAddress {
				t.Errorf("%d lines, %d read, %d with a path, %d with an address; want %d, %d, %d, %d", len(lines), read, withPath, withAddress,
					test.lines, test.read, test.withPath, test.withAddress)
			}
		})
	}
}
