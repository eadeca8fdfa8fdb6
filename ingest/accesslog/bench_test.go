package accesslog_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
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
		out[i] = benchLine(format, addr, start.Add(time.Duration(i/100)*time.Second), path, ua, signal)
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

func benchLine(format, addr string, at time.Time, path, ua, signal string) []byte {
	if format == "json" {
		return fmt.Appendf(nil, `{"time_iso8601":"%s","remote_addr":"%s","request":"GET %s HTTP/1.1","status":200,"body_bytes_sent":5120,"http_referer":"https://www.example.org/some/page","http_user_agent":"%s","http_dnt":"%s","http_sec_gpc":"-"}`,
			at.Format(time.RFC3339), addr, path, ua, signal)
	}
	line := fmt.Appendf(nil, `%s - - [%s] "GET %s HTTP/1.1" 200 5120`, addr, at.Format("02/Jan/2006:15:04:05 -0700"), path)
	if format != "common" {
		line = fmt.Appendf(line, ` "https://www.example.org/some/page" "%s"`, ua)
	}
	switch format {
	case "combined_signals":
		line = fmt.Appendf(line, ` "%s" "-"`, signal)
	case "vhost_combined":
		line = append([]byte("www.example.org:443 "), line...)
	}
	return line
}

func BenchmarkParse(b *testing.B) {
	for _, format := range accesslog.Formats() {
		b.Run(format, func(b *testing.B) {
			p, err := accesslog.New(format)
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
