package accesslog_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"throng/ingest/accesslog"
)

// benchLines are lines of about 293 bytes with distinct paths and user agents, a hundred to a second.
func benchLines(format string) [][]byte {
	const lines = 20000
	rnd := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	out := make([][]byte, lines)
	for i := range out {
		addr := fmt.Sprintf("%d.%d.%d.%d", rnd.IntN(223)+1, rnd.IntN(256), rnd.IntN(256), rnd.IntN(256))
		if i%10 == 0 {
			addr = fmt.Sprintf("2001:db8:%x:%x::%x", rnd.IntN(65536), rnd.IntN(65536), rnd.IntN(65536))
		}
		path := fmt.Sprintf("/section-%d/article-%d-about-something/page-%d.html", rnd.IntN(50), rnd.IntN(2000), i)
		ua := fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Safari/537.36",
			80+rnd.IntN(60), rnd.IntN(7000), i%10000)
		signal := []string{"-", "-", "-", "1"}[rnd.IntN(4)]
		line := benchLine
		if customFormats[format] != "" {
			line = customLine
		}
		out[i] = line(format, addr, start.Add(time.Duration(i/100)*time.Second), path, ua, signal)
	}
	return contiguous(out)
}

// contiguous lays the lines out as a file's buffer has them.
func contiguous(lines [][]byte) [][]byte {
	buf := append(bytes.Join(lines, []byte("\n")), '\n')
	for i, l := range lines {
		lines[i], buf = buf[:len(l)+1], buf[len(l)+1:]
	}
	return lines
}

// benchmarked are the formats that are measured: those of text, and of the others one of each engine and
// those with more to decode.
func benchmarked() []string {
	return []string{"common", "combined", "combined_signals", "vhost_combined", "aws_alb", "aws_elb", "aws_s3", "haproxy", "ingress_nginx", "traefik",
		"json", "caddy", "cloudflare", "ltsv", "iis", "cloudfront", "syslog:combined_signals"}
}

func benchLine(format, addr string, at time.Time, path, ua, signal string) []byte {
	const referer = "https://www.example.org/some/page"
	switch format {
	case "aws_alb", "aws_elb", "aws_s3", "haproxy":
		return balancerLine(format, addr, at, path, ua)
	case "json":
		return fmt.Appendf(nil, `{"time_iso8601":"%s","remote_addr":"%s","request":"GET %s HTTP/1.1","status":200,"body_bytes_sent":5120,"http_referer":"%s","http_user_agent":"%s","http_dnt":"%s","http_sec_gpc":"-"}`,
			at.Format(time.RFC3339), addr, path, referer, ua, signal)
	case "caddy", "cloudflare", "ltsv", "iis", "cloudfront":
		return namedLine(format, addr, at, path, ua, signal)
	case "syslog:combined_signals":
		return append([]byte("<190>Jan  2 15:04:05 web1 nginx: "), benchLine("combined_signals", addr, at, path, ua, signal)...)
	}
	line := fmt.Appendf(nil, `%s - - [%s] "GET %s HTTP/1.1" 200 5120`, addr, at.Format("02/Jan/2006:15:04:05 -0700"), path)
	if format != "common" {
		line = fmt.Appendf(line, ` "%s" "%s"`, referer, ua)
	}
	switch format {
	case "combined_signals":
		line = fmt.Appendf(line, ` "%s" "-"`, signal)
	case "vhost_combined":
		line = append([]byte("www.example.org:443 "), line...)
	case "ingress_nginx":
		line = append(line, ` 512 0.012 [default-web-80] [] 10.0.0.5:80 5120 0.012 200 8e1ee8a7b3a0c5b1a0e9c0a1d2b3c4d5`...)
	case "traefik":
		line = append(line, ` 17 "web@docker" "http://10.0.0.5:80" 12ms`...)
	}
	return line
}

// namedLine is one of a format whose lines name their fields, or whose directives do.
func namedLine(format, addr string, at time.Time, path, ua, signal string) []byte {
	const referer = "https://www.example.org/some/page"
	switch format {
	case "caddy":
		return fmt.Appendf(nil, `{"level":"info","ts":%d.123456,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"%s","remote_port":"41342","proto":"HTTP/2.0","method":"GET","host":"www.example.org","uri":"%s","headers":{"User-Agent":["%s"],"Referer":["%s"],"Dnt":["%s"]}},"user_id":"","duration":0.000929675,"size":5120,"status":200}`,
			at.Unix(), addr, path, ua, referer, signal)
	case "cloudflare":
		return fmt.Appendf(nil, `{"ClientIP":"%s","ClientRequestHost":"www.example.org","ClientRequestMethod":"GET","ClientRequestURI":"%s","EdgeResponseBytes":5120,"EdgeResponseStatus":200,"EdgeStartTimestamp":%d,"ClientRequestReferer":"%s","ClientRequestUserAgent":"%s"}`,
			addr, path, at.UnixNano(), referer, ua)
	case "ltsv":
		return fmt.Appendf(nil, "time:%s\thost:%s\treq:GET %s HTTP/1.1\tstatus:200\tsize:5120\treferer:%s\tua:%s\tdnt:%s\tsec_gpc:-", at.Format(time.RFC3339), addr, path, referer, ua, signal)
	case "iis":
		return fmt.Appendf(nil, "%s 198.51.100.80 GET %s - 443 - %s %s %s 200 0 0 15", at.Format(time.DateTime), path, addr, strings.ReplaceAll(ua, " ", "+"), referer)
	}
	return fmt.Appendf(nil, "%s\tFRA56-P1\t5120\t%s\tGET\td1.cloudfront.net\t%s\t200\t%s\t%s\t-\t-\tHit\tSOX4x==\twww.example.org\thttps\t23\t0.001\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-",
		at.Format("2006-01-02\t15:04:05"), addr, path, referer, strings.ReplaceAll(ua, " ", "%20"))
}

func balancerLine(format, addr string, at time.Time, path, ua string) []byte {
	iso, clf := at.Format("2006-01-02T15:04:05.000000Z"), at.Format("02/Jan/2006:15:04:05 -0700")
	const timers = "10.0.0.1:80 0.000 0.012 0.000 200 200 512 5120"
	switch format {
	case "aws_alb":
		return fmt.Appendf(nil, `https %s app/web/50dc6c495c0c9188 %s:40914 %s "GET https://www.example.org:443%s HTTP/2.0" "%s" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:x "Root=1-1" "www.example.org" "arn:aws:y" 1 %s "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`,
			iso, addr, timers, path, ua, iso)
	case "aws_elb":
		return fmt.Appendf(nil, `%s web %s:40914 %s "GET https://www.example.org:443%s HTTP/1.1" "%s" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2`, iso, addr, timers, path, ua)
	case "aws_s3":
		return fmt.Appendf(nil, `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be web [%s] %s - 891CE47D2EXAMPLE WEBSITE.GET.OBJECT a.html "GET %s HTTP/1.1" 200 - 5120 5120 12 10 "https://www.example.org/some/page" "%s" - 9vKBE6vMhrNiWHZmb2L0 - - - www.example.org -`,
			clf, addr, path, ua)
	}
	return fmt.Appendf(nil, `%s:40914 [%s.123] http-in app/srv1 10/0/30/69/109 200 5120 - - ---- 1/1/1/1/0 0/0 {www.example.org|%s} {} "GET %s HTTP/1.1"`, addr, clf[:20], ua, path)
}

// customFormats are measured too.
var customFormats = map[string]string{
	"log_format": `$http_host $remote_addr $time_iso8601 "$request_method $uri$is_args$args $server_protocol" $status $body_bytes_sent "$http_referer" "$http_user_agent" $http_dnt`,
	"LogFormat":  `%V:%p %{X-Forwarded-For}i %a [%{%Y-%m-%d %T %z}t] "%m %U%q %H" %>s %b "%{Referer}i" "%{User-Agent}i" %D %{DNT}i`,
}

func customLine(name, addr string, at time.Time, path, ua, signal string) []byte {
	const page = "https://www.example.org/some/page"
	if name == "log_format" {
		return fmt.Appendf(nil, `www.example.org %s %s "GET %s HTTP/1.1" 200 5120 "%s" "%s" %s`, addr, at.Format(time.RFC3339), path, page, ua, signal)
	}
	return fmt.Appendf(nil, `www.example.org:443 203.0.113.9, 198.51.100.8 %s [%s] "GET %s HTTP/1.1" 200 5120 "%s" "%s" 12000 %s`, addr,
		at.Format("2006-01-02 15:04:05 -0700"), path, page, ua, signal)
}

func BenchmarkParse(b *testing.B) {
	for _, format := range append(benchmarked(), slices.Sorted(maps.Keys(customFormats))...) {
		b.Run(format, func(b *testing.B) {
			p, err := accesslog.New(cmp.Or(customFormats[format], format))
			if err != nil {
				b.Fatal(err)
			}
			lines := benchLines(format)
			total := 0
			for _, l := range lines {
				total += len(l)
			}
			var rec accesslog.Record
			b.SetBytes(int64(total / len(lines)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := p.Parse(lines[i], &rec); err != nil {
					b.Fatal(err)
				}
				if i++; i == len(lines) {
					i = 0
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
