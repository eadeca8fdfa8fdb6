package anonymize_test

import (
	"fmt"
	"strings"
	"testing"

	"throng"
	"throng/anonymize"
)

// missed is how many values take turns, many more than a cache of four entries remembers.
const missed = 4096

// BenchmarkPathMiss is the cost of a record whose path is not remembered; "remembered" is the cost of all else.
func BenchmarkPathMiss(b *testing.B) {
	for _, c := range []struct{ name, format string }{
		{"remembered", "/section/some-article-title.html"},
		{"usual", "/section/some-article-title-%d.html"},
		{"deep", "/current/title-45/subtitle-a/subchapter-a/part-46/subpart-%d/section-46.104"},
		{"number", "/article/%d"},
		{"token", "/reset/dGhpcyBpcyBhIHNl%dY3JldCB0b2tlbg"},
		{"escaped", "/caf%%C3%%A9/%%6Aust-a-%%74itle/%d"},
		{"listed", "/listed/%d"},
		{"template", "/users/name-%d/edit"},
	} {
		b.Run(c.name, func(b *testing.B) {
			a := newAnonymizer(b, func(o *anonymize.Options) {
				o.PathCache = 4
				list := []string{"/users/{id}/edit", "/users/{id}", "/files/{path...}"}
				for i := range missed {
					list = append(list, fmt.Sprintf("/listed/%d", i))
				}
				o.Routes = map[string][]string{"s": list}
			})
			benchmarkRecords(b, a, func(i int) (path, referrer []byte) { return numbered(c.format, i), nil })
		})
	}
}

// BenchmarkReferrerMiss is the same for referrers.
func BenchmarkReferrerMiss(b *testing.B) {
	for _, c := range []struct{ name, format string }{
		{"remembered", "https://www.example.org/"},
		{"domain", "https://www.domain-%d.example.co.uk/some/page?q=%[1]d"},
		{"named", "https://www.google.com/search?q=%d"},
		{"internal", "https://www.example.com/page/%d"},
		{"punycode", "https://m\u00fcnchen%d.example.de/"},
	} {
		b.Run(c.name, func(b *testing.B) {
			a := newAnonymizer(b, func(o *anonymize.Options) {
				o.ReferrerCache = 4
				ownHosts(o)
			})
			benchmarkRecords(b, a, func(i int) (path, referrer []byte) { return []byte("/about"), numbered(c.format, i) })
		})
	}
}

func benchmarkRecords(b *testing.B, a *anonymize.Anonymizer, value func(i int) (path, referrer []byte)) {
	rec := record()
	var paths, referrers [missed][]byte
	for i := range missed {
		paths[i], referrers[i] = value(i)
	}
	var ev throng.Event
	b.ReportAllocs()
	start := cpuTime()
	for i := 0; b.Loop(); i++ {
		rec.Path, rec.Referer = paths[i%missed], referrers[i%missed]
		a.Anonymize(&rec, &ev)
	}
	b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// numbered is a value with a number in it, or the same one again and again.
func numbered(format string, i int) []byte {
	if !strings.Contains(format, "%") {
		return []byte(format)
	}
	return fmt.Appendf(nil, format, i)
}
