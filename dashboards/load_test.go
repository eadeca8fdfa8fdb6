package dashboards_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"throng"
	"throng/dashboards"
	"throng/dashboards/fixture"
)

const (
	loadMonths = 24
	loadCells  = 100_000
	perSecond  = 200
)

type realClock struct{ stopped }

func (realClock) Now() time.Time { return time.Now() }

// largeStore is a folder with two years of months of 100,000 cells; it returns their names, latest first.
func largeStore(b *testing.B, dir string) []string {
	b.Helper()
	first, err := throng.ParseDay("2024-12-01")
	if err != nil {
		b.Fatal(err)
	}
	var months []string
	for p := throng.MonthOf(first); len(months) < loadMonths; p = throng.MonthOf(p.Last() + 1) {
		rel := fixture.LargeMonth("example", p, loadCells)
		body, err := fixture.Encode(rel)
		if err != nil {
			b.Fatal(err)
		}
		name := filepath.Join(dir, filepath.FromSlash(rel.ID().String())+".json")
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, body, 0o600); err != nil {
			b.Fatal(err)
		}
		months = append(months, p.String())
	}
	slices.Reverse(months)
	return months
}

// loadTargets is what analysts ask for, in turns: any month's table, sorted, searched, as a tree, the site and
// a page over time, two months beside each other, and the API.
func loadTargets(months []string) []string {
	var targets []string
	for i, m := range months {
		table, before := example+"/path/"+m, months[(i+1)%len(months)]
		key := fmt.Sprintf("/www.example.org/section-%03d/a-page-with-a-name-of-usual-length-%03d", i*7, i*11)
		targets = append(targets, table, example+"?by=month", table+"?sort=path&page=3", table+fmt.Sprintf("?q=section-%03d", i), table+"?view=tree&in=/www.example.org/",
			example+"/history?by=month&key="+key, "/api/v1"+table+"?limit=100", table+"?page=2", "/", example+"/compare?a="+before+"&b="+m+"&q="+fmt.Sprintf("section-%03d", i))
	}
	return targets
}

// BenchmarkPagesUnderLoad sends 200 requests a second over HTTP, whether or not those before are answered, and
// reports percentiles of the time from when each was due to its last byte; and first the time of a first
// table: of a new process (cold), of one that is reading the store (warming), and with the store in memory.
func BenchmarkPagesUnderLoad(b *testing.B) {
	dir := b.TempDir()
	months := largeStore(b, dir)
	coldTables(b, dir, months)
	h := largeHandler(b, dir)
	var warming sync.WaitGroup
	start, cpu := time.Now(), cpuTime(b)
	warming.Go(func() {
		if err := h.Warm(b.Context()); err != nil {
			b.Error(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "warm-up-s")
	})
	fetch(b, h, tableOf(months[len(months)/2]))
	b.ReportMetric(float64(time.Since(start).Milliseconds()), "warming-ms")
	warming.Wait()
	b.ReportMetric((cpuTime(b) - cpu).Seconds(), "warm-up-cpu-s")
	start = time.Now()
	fetch(b, h, tableOf(months[len(months)-1]))
	b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "first-table-ms")

	srv := httptest.NewServer(h)
	defer srv.Close()
	took := openLoop(b, srv, loadTargets(months))
	slices.Sort(took)
	for _, q := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*q/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", q))
	}
	b.ReportMetric(0, "ns/op") // it is the pause between two requests, and says nothing
}

func tableOf(month string) string { return example + "/path/" + month }

func largeHandler(b *testing.B, dir string) *dashboards.Handler {
	b.Helper()
	o := options(nil)
	o.Releases, o.Clock = dashboards.NewFiles(os.DirFS(dir), nil), realClock{}
	o.Sites = []dashboards.Site{{ID: "example", Signals: true}}
	h, err := dashboards.New(o)
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// coldTables asks each of as many new handlers for one month and reports medians: what the reader waits, and
// the processor time of all threads.
func coldTables(b *testing.B, dir string, months []string) {
	b.Helper()
	var took, used []time.Duration
	for _, m := range months {
		h := largeHandler(b, dir)
		runtime.GC() // of what was before
		start, cpu := time.Now(), cpuTime(b)
		fetch(b, h, tableOf(m))
		took, used = append(took, time.Since(start)), append(used, cpuTime(b)-cpu)
	}
	slices.Sort(took)
	slices.Sort(used)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "cold-ms")
	b.ReportMetric(float64(used[len(used)/2].Milliseconds()), "cold-cpu-ms")
}

// cpuTime is what this process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fetch(b *testing.B, h http.Handler, target string) {
	b.Helper()
	if w := get(h, target); w.Code != http.StatusOK {
		b.Fatalf("%s: status %d", target, w.Code)
	}
}

// openLoop sends b.N requests, one every five milliseconds, and gives how long each took.
func openLoop(b *testing.B, srv *httptest.Server, targets []string) []time.Duration {
	b.Helper()
	took := make([]time.Duration, b.N)
	client := srv.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	var waiting sync.WaitGroup
	begin := time.Now()
	for i := range b.N {
		due := begin.Add(time.Duration(i) * time.Second / perSecond)
		time.Sleep(time.Until(due))
		waiting.Go(func() {
			res, err := client.Get(srv.URL + targets[i%len(targets)])
			if err != nil {
				b.Error(err)
				return
			}
			defer res.Body.Close()
			if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
				b.Errorf("%s: status %d, %v", targets[i%len(targets)], res.StatusCode, err)
			}
			took[i] = time.Since(due)
		})
	}
	waiting.Wait()
	return took
}
