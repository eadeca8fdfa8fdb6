package anonymize_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	lru "github.com/hashicorp/golang-lru/v2"

	"throng"
	"throng/anonymize"
	"throng/ingest/accesslog"
	"throng/ingest/block"
)

// request is what differs between the records of traffic.
type request struct {
	path, referrer, agent []byte
	address               [4]byte
	optedOut              bool
}

// traffic is requests for 100,000 paths by 10,000 user agents, both Zipf-distributed, from a million
// addresses. As in a log, the bytes of each are its own and lie one after another.
func traffic(n int) []request {
	r := rand.New(rand.NewPCG(1, 2))
	zipfPath, zipfAgent := rand.NewZipf(r, 1.1, 10, 99_999), rand.NewZipf(r, 1.1, 10, 9_999)
	referrers := []string{"", "https://www.example.org/", "https://www.google.com/", "https://news.example.com/x?y"}
	text := make([]byte, 0, n*256)
	add := func(format string, args ...any) []byte {
		start := len(text)
		text = fmt.Appendf(text, format, args...)
		return text[start:len(text):len(text)]
	}
	requests := make([]request, n)
	for i := range requests {
		p, u := zipfPath.Uint64(), zipfAgent.Uint64()
		requests[i] = request{
			path:     add("/Section-%d/some-article-title-%d.html", p%300, p),
			referrer: add("%s", referrers[r.IntN(len(referrers))]),
			agent: add("Mozilla/5.0 (Linux; Android %d; SM-%d) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d.%d Mobile Safari/537.36",
				u%7+9, u, u%30+110, u%5000, u%200),
			optedOut: r.IntN(5) == 0,
		}
		binary.BigEndian.PutUint32(requests[i].address[:], 11<<24|uint32(r.IntN(1_000_000)))
	}
	return requests
}

var dnt = []byte{'1'}

// fill makes rec the record of the request, as a parser would.
func (q *request) fill(rec *accesslog.Record) {
	*rec = accesslog.Record{
		Time: now.Unix(), RemoteAddr: netip.AddrFrom4(q.address), Method: throng.GET, Status: 200, Bytes: 5000,
		Path: q.path, Referer: q.referrer, UserAgent: q.agent,
	}
	if q.optedOut {
		rec.DNT = accesslog.Field{Value: dnt, Present: true}
	}
}

// BenchmarkAnonymize is the cost of a record: alone and in company, and with what it costs to append it to
// a block.
func BenchmarkAnonymize(b *testing.B) {
	requests := traffic(1 << 18)
	for _, tile := range []int{1, 64} {
		for _, appended := range []bool{false, true} {
			b.Run(fmt.Sprintf("tile=%d/append=%t", tile, appended), func(b *testing.B) {
				a, blk := newAnonymizer(b, nil), block.NewBuilder()
				recs, evs, outcomes := make([]accesslog.Record, tile), make([]throng.Event, tile), make([]anonymize.Outcome, tile)
				step := func(at int) {
					for i := range recs {
						requests[(at+i)%len(requests)].fill(&recs[i])
					}
					a.AnonymizeAll(recs, evs, outcomes)
					if !appended {
						return
					}
					if blk.AppendAll(evs); blk.Rows() > 200_000 {
						blk.Reset()
					}
				}
				for i := 0; i < len(requests); i += tile {
					step(i)
				}
				b.ReportAllocs()
				start := cpuTime()
				for i := 0; i < b.N; i += tile {
					step(i)
				}
				b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// BenchmarkLibraryCache is one lookup of the user agent in golang-lru, to compare with the three that
// Anonymize makes (docs/adr/0004-caches.md).
func BenchmarkLibraryCache(b *testing.B) {
	requests := traffic(1 << 18)
	c, err := lru.New[string, throng.Client](1 << 15)
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range requests {
		c.Add(string(q.agent), throng.Chrome)
	}
	b.ReportAllocs()
	start := cpuTime()
	for i := 0; b.Loop(); i++ {
		agent := requests[i%len(requests)].agent
		c.Get(unsafe.String(unsafe.SliceData(agent), len(agent)))
	}
	b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// cpuTime is what the process has used; on a busy machine it says more than the time of day.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMisses is the cost under a flood of values that were never seen.
func BenchmarkMisses(b *testing.B) {
	for name, flood := range map[string]func(r *accesslog.Record, mark []byte){
		"agents": func(r *accesslog.Record, mark []byte) { r.UserAgent = append([]byte(chrome), mark...) },
		"paths":  func(r *accesslog.Record, mark []byte) { r.Path = append([]byte("/Section/some-article-"), mark...) },
		"referrers": func(r *accesslog.Record, mark []byte) {
			r.Referer = append([]byte("https://www.example.org/"), mark...)
		},
	} {
		b.Run(name, func(b *testing.B) {
			a := newAnonymizer(b, nil)
			var ev throng.Event
			start := cpuTime()
			for i := 0; b.Loop(); i++ {
				rec := record()
				flood(&rec, fmt.Appendf(nil, "-%d", i))
				a.Anonymize(&rec, &ev)
			}
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	a := newAnonymizer(t, withRoutes)
	requests := traffic(2000)
	var rec accesslog.Record
	var ev throng.Event
	all := func() {
		for i := range requests {
			requests[i].fill(&rec)
			a.Anonymize(&rec, &ev)
		}
	}
	all()
	if n := testing.AllocsPerRun(10, all); n > 0 {
		t.Errorf("%v allocations for %d records that were seen before", n, len(requests))
	}
}

// BenchmarkGeneralizeAgent is the cost of a user agent that is not remembered: of a browser, of a crawler,
// and of ones that were made to be slow.
func BenchmarkGeneralizeAgent(b *testing.B) {
	for name, ua := range map[string]string{
		"browser": chrome,
		"phone":   "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		"crawler": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
		"prefix":  strings.Repeat("goog", 256),
		"halfbot": strings.Repeat("bota", 256),
		"comment": "Mozilla/5.0 Chrome/1 " + strings.Repeat("(", 1024),
	} {
		b.Run(name, func(b *testing.B) {
			agent := []byte(ua)
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				anonymize.GeneralizeAgent(agent)
			}
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}
