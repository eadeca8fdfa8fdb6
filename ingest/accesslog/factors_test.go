package accesslog_test

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	"throng/ingest/accesslog"
)

// linesInPass are so few that many passes over them run undisturbed, whatever else the machine does.
const linesInPass = 500

// BenchmarkFactors measures how many times as long as a line of combined one of each format takes: all formats
// in turns, a pass over a few lines each, of which the least counts.
func BenchmarkFactors(b *testing.B) {
	formats := append(benchmarked(), slices.Sorted(maps.Keys(customFormats))...)
	all := make([]passes, len(formats))
	for i, format := range formats {
		all[i] = newPasses(b, format)
	}
	base := slices.Index(formats, "combined")
	for b.Loop() {
		for i := range all {
			all[i].run(b)
		}
	}
	for i, format := range formats {
		least := float64(slices.Min(all[i].took))
		b.ReportMetric(least/float64(slices.Min(all[base].took)), format+"-times-combined")
		b.ReportMetric(least/linesInPass, format+"-least-ns/line")
	}
	b.ReportMetric(0, "ns/op") // of all formats together; nobody needs it
}

// passes are those over the lines of one format.
type passes struct {
	parser *accesslog.Parser
	lines  [][]byte
	next   int
	took   []time.Duration
}

func newPasses(b *testing.B, format string) passes {
	b.Helper()
	p, err := accesslog.New(cmp.Or(customFormats[format], format))
	if err != nil {
		b.Fatal(err)
	}
	return passes{parser: p, lines: benchLines(format)}
}

// run times one pass.
func (p *passes) run(b *testing.B) {
	var rec accesslog.Record
	lines := p.lines[p.next : p.next+linesInPass]
	p.next = (p.next + linesInPass) % len(p.lines)
	start := time.Now()
	for _, line := range lines {
		if err := p.parser.Parse(line, &rec); err != nil {
			b.Fatal(err)
		}
	}
	p.took = append(p.took, time.Since(start))
}
