package dashboards_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"throng"
	"throng/dashboards"
)

var update = flag.Bool("update", false, "write the golden files anew")

type stopped struct{}

func (stopped) Now() time.Time                       { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
func (stopped) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// parameters are the defaults of method section 6.
func parameters() throng.Parameters {
	p := throng.Parameters{
		K: 5000, Epsilon: 1, Delta: 1e-9, NoiseDelta: 5e-10, ThresholdDelta: 5e-10, GateDelta: 5e-10 / 63, L0: 10, Linf: 3, PerNetwork: 64, Tables: []string{throng.PathTable},
	}
	for _, d := range []throng.DrawParameters{
		{Draw: throng.DrawDevices, Weight: .5, L0: 10, Linf: 1, Draws: 4, Gate: 5370},
		{Draw: throng.DrawVisits, Weight: .27, L0: 10, Linf: 3, Draws: 1},
		{Draw: throng.DrawOptedOutGates, Weight: .12, L0: 10, Linf: 1, Draws: 2, Gate: 5543},
		{Draw: throng.DrawOptedOutVisits, Weight: .10, L0: 10, Linf: 3, Draws: 1},
		{Draw: throng.DrawClipped, Weight: .004, L0: 1, Linf: 1, Draws: 1, Gate: 5666},
		{Draw: throng.DrawBots, Weight: .006, L0: 2, Linf: 1, Draws: 1, Gate: 5774},
	} {
		passed := math.Ceil(float64(d.L0*d.Draws) / d.Weight)
		d.PassedL0, d.Sigma = int64(passed), float64(d.Linf)*math.Sqrt(passed)*5.613
		p.Draws = append(p.Draws, d)
	}
	return p
}

func around(value, half int64) throng.Measure {
	return throng.Published(throng.Estimate{Value: value, Low: value - half, High: value + half})
}

func row(key string, visits, devices int64) throng.Row {
	return throng.Row{Key: key, Visits: around(visits, 204), Devices: around(devices, 98)}
}

func day(t *testing.T, s string) throng.Period {
	t.Helper()
	p, err := throng.ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func release(t *testing.T, site, period string, rows ...throng.Row) *throng.Release {
	t.Helper()
	slices.SortFunc(rows, func(a, b throng.Row) int { return strings.Compare(a.Key, b.Key) })
	return &throng.Release{
		Format: throng.ReleaseFormat, Site: site, Table: throng.PathTable, Period: day(t, period), Tree: 1, Parameters: parameters(),
		Complete: throng.Completeness{MissingSources: []string{}, Late: throng.ShareNone, Rejected: throng.ShareNone}, Rows: rows, OptedOut: []throng.OptedOut{}, ClippedPercent: throng.Blank(throng.NotDrawn), BotPercent: throng.Blank(throng.NotDrawn),
	}
}

// archive has a full table, a truncated device interval, groups, incomplete logs, an empty release and
// a watermarked one.
func archive(t *testing.T) fstest.MapFS {
	t.Helper()
	latest := release(t, "archives", "2026-11-21",
		row("/www.archives.gov/", 204_693, 157_697),
		row("/www.archives.gov/veterans/military-service-records", 251_603, 137_094),
		row("/www.archives.gov/research/*other*", 61_042, 31_877),
		row("/www.archives.gov/*other*", 12_345, 9_876),
		row("/www.ecfr.gov/search", 381_081, 108_502),
		throng.Row{Key: "/museum.archives.gov/visit", Visits: around(7_210, 204),
			Devices: throng.Published(throng.Estimate{Value: 5_391, Low: 5_293, High: 5_470})})
	latest.Complete = throng.Completeness{MissingSources: []string{"nginx@web2"}, Late: throng.ShareSome, Rejected: throng.ShareAbove1Pc}
	marked := release(t, "demo", "2026-11-21", row("/a/b", 1_000, 600), row("/b", 900, 700))
	marked.Parameters.K, marked.Parameters.Watermark = 50, "Demonstration with k = 50."
	marked.Parameters.Draws[0].Gate = 420
	marked.OptedOut = []throng.OptedOut{
		{Group: "/*", OfVisits: throng.Estimate{Value: 900, Low: 696, High: 1_104}, OptedOutVisits: throng.Blank(throng.BelowGate)},
		{Group: "/a/*", OfVisits: throng.Estimate{Value: 1_000, Low: 796, High: 1_204}, OptedOutVisits: around(333, 329)},
	}
	marked.ClippedPercent, marked.BotPercent = around(12, 2), around(31, 2)
	files := fstest.MapFS{}
	for _, rel := range []*throng.Release{latest, marked, release(t, "archives", "2026-11-20", row("/www.ecfr.gov/search", 380_000, 108_000)),
		spanOf(t), monthOf(t), countriesOf(t), release(t, "library", "2026-11-21")} {
		put(t, files, rel)
	}
	return files
}

// spanOf has rows of which one is taken out of the days' groups.
func spanOf(t *testing.T) *throng.Release {
	t.Helper()
	taken := row("/www.archives.gov/research/census", 8_100, 6_200)
	taken.Holder = "/www.archives.gov/research/*other*"
	return release(t, "archives", "2026-11-17--2026-11-24", taken, row("/museum.archives.gov/*other*", 9_900, 7_000))
}

// countriesOf is a table that is not of paths.
func countriesOf(t *testing.T) *throng.Release {
	t.Helper()
	rel := release(t, "archives", "2026-11-21", row("US", 700_000, 300_000), row("DE", 20_000, 9_000), row(throng.Other, 12_000, 8_000), row(throng.Unknown, 9_000, 6_000))
	rel.Table = throng.CountryTable
	return rel
}

func monthOf(t *testing.T) *throng.Release {
	t.Helper()
	rel := release(t, "archives", "2026-11", row("/www.archives.gov/research/*other*", 52_942, 0), row("/www.archives.gov/research/census", 8_100, 0))
	for i := range rel.Rows {
		rel.Rows[i].Devices = throng.Blank(throng.NotSummed)
	}
	rel.Complete.MissingDays = []throng.Day{rel.Period.First()}
	rel.Parameters.Epsilon, rel.Parameters.Delta, rel.Parameters.Draws = 0, 0, []throng.DrawParameters{}
	rel.Sources = []throng.Source{{Period: day(t, "2026-11-21")}, {Period: day(t, "2026-11-17--2026-11-24")}}
	return rel
}

func put(t *testing.T, files fstest.MapFS, rel *throng.Release) {
	t.Helper()
	b, err := json.Marshal(rel)
	if err != nil {
		t.Fatal(err)
	}
	files[rel.ID().String()+".json"] = &fstest.MapFile{Data: b}
}

func options(files fstest.MapFS) dashboards.Options {
	return dashboards.Options{
		Releases: dashboards.NewFiles(files, nil),
		Sites: []dashboards.Site{
			{ID: "archives", Title: "National Archives", Hosts: []string{"www.archives.gov", "www.ecfr.gov"}, Signals: true,
				Routes: []string{"/www.archives.gov/", "/www.archives.gov/museum/gift-shop", "/www.archives.gov/contact", "/www.archives.gov/contact",
					"/www.archives.gov/exhibits/deep/1/2", "/www.archives.gov/exhibits/deep/3"}},
			{ID: "library", Title: "A village library"},
			{ID: "demo", Title: "Demo", Signals: true},
			{ID: "new", Signals: true},
		},
		Method: dashboards.Method{
			Version: "0.1.0", Tree: 1, Parameters: parameters(), Assets: []string{".css", ".png"},
			Everyone: dashboards.Generalization{IPv4Bits: 24, IPv6Bits: 48, Time: time.Second, MajorStep: 1},
			OptedOut: dashboards.Generalization{IPv4Bits: 19, IPv6Bits: 32, Time: time.Minute, MajorStep: 10},
			Unit:     dashboards.Unit{IPv6Bits: 64, PerNetwork: 64, NetworkIPv4Bits: 24, NetworkIPv6Bits: 48},
			Lateness: 36 * time.Hour,
			Retention: []dashboards.RetentionClass{{Class: throng.ClassOptedOut, Keep: 240 * time.Hour},
				{Class: throng.ClassOpenUnits, Keep: 48 * time.Hour}, {Class: "holds", Keep: 90 * time.Minute}},
		},
		Logger: slog.New(slog.DiscardHandler),
		Clock:  stopped{},
	}
}

func serve(t *testing.T, o dashboards.Options) http.Handler {
	t.Helper()
	h, err := dashboards.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	return ask(h, http.MethodGet, target)
}

func ask(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// golden compares with testdata/name. The version of a static file in an address is left out, so that
// a change of the style sheet does not change every page.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	got = versions.ReplaceAll(got, []byte("?v=VERSION"))
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it with: go test ./dashboards -update && git diff\n%s", file, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}
