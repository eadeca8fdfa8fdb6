package browser_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/simulation"
	"throng/dashboards"
	"throng/dashboards/fixture"
	"throng/dashboards/wellknown"
)

// today is the day of the tests.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type stopped struct{}

func (stopped) Now() time.Time                       { return today }
func (stopped) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// analystsSites has two months of an invented site with several tables, notes and pages that are not shown, a
// site with a month of more rows than a page of the table has, a watermarked one and an empty one.
func analystsSites(t *testing.T) string {
	t.Helper()
	files, err := invented()
	if err != nil {
		t.Fatal(err)
	}
	o := options(t, files, nil)
	o.Sites = []dashboards.Site{
		{ID: "example", Title: "Example Archives", Hosts: []string{"www.example.org", "museum.example.org"}, Signals: true, Routes: []string{"/www.example.org/visit/parking", "/www.example.org/jobs"},
			Marks: []dashboards.Mark{{Day: firstInvented + 20, Text: "outage of the catalogue"}, {Day: firstInvented + 38, Text: "redesign"}}},
		{ID: "catalogue", Title: "The catalogue", Signals: true}, {ID: "village", Title: "A village library"}, {ID: "small", Title: "A demonstration", Signals: true}, {ID: "new", Title: "A new site"},
	}
	return serve(t, o)
}

// firstInvented is the first of the days that the fixture makes up.
const firstInvented throng.Day = 20_721 // 2026-09-25

// invented are the releases of analystsSites.
var invented = sync.OnceValues(func() (fstest.MapFS, error) {
	const first = firstInvented
	files := fstest.MapFS{}
	made := fixture.Site{ID: "example", First: first, Days: 58, Further: []string{throng.CountryTable, throng.HourTable}, Seed: 4}.Releases()
	made = append(made, fixture.LargeMonth("catalogue", throng.MonthOf(first), 350), watermarked(first), &throng.Release{
		Format: throng.ReleaseFormat, Site: "village", Table: throng.PathTable, Period: (first + 57).Period(), Tree: 1, Parameters: fixture.Parameters(throng.PathTable),
		Complete: complete(), Rows: []throng.Row{}, OptedOut: []throng.OptedOut{}, ClippedPercent: throng.Blank(throng.BelowGate), BotPercent: throng.Blank(throng.BelowGate)})
	for _, rel := range made {
		body, err := fixture.Encode(rel)
		if err != nil {
			return nil, err
		}
		files[rel.ID().String()+".json"] = &fstest.MapFile{Data: body}
	}
	return files, nil
})

func complete() throng.Completeness {
	return throng.Completeness{MissingSources: []string{}, Late: throng.ShareNone, Rejected: throng.ShareNone}
}

// watermarked is a release that is not safe to publish, of an incomplete log.
func watermarked(d throng.Day) *throng.Release {
	around := func(value, half int64) throng.Measure {
		return throng.Published(throng.Estimate{Value: value, Low: value - half, High: value + half})
	}
	p := fixture.Parameters(throng.PathTable)
	p.K, p.Watermark = 50, "Demonstration with k = 50."
	return &throng.Release{Format: throng.ReleaseFormat, Site: "small", Table: throng.PathTable, Period: d.Period(), Tree: 1, Parameters: p,
		Complete: throng.Completeness{MissingSources: []string{"nginx@web2"}, Late: throng.ShareSome, Rejected: throng.ShareAbove1Pc},
		Rows:     []throng.Row{{Key: "/a/b", Devices: around(600, 98), Visits: around(1_000, 204)}, {Key: "/c", Devices: around(700, 98), Visits: around(900, 204)}},
		OptedOut: []throng.OptedOut{}, ClippedPercent: around(12, 2), BotPercent: around(31, 2)}
}

// published is a folder of releases that the real closer drew, with its ledger: nine days with a span, of a site
// with two tables.
var published = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "throng-browser-")
	if err != nil {
		return "", err
	}
	w, err := simulation.New(simulation.Options{Dir: dir, Sites: []string{"www"}, Tables: map[string][]string{"www": {throng.ClientTable}}, Routes: map[string][]string{"www": listed}})
	if err != nil {
		return dir, err
	}
	for d := firstPublished; d < firstPublished+9; d++ {
		w.Store.Put(d, crowd(), cells())
		if err := w.EndDay(context.Background(), d); err != nil {
			return dir, err
		}
	}
	return dir, w.Close()
})

// firstPublished begins a span.
const firstPublished throng.Day = 20_758 // 2026-11-01

var listed = []string{"/www.example.org/", "/www.example.org/news/today", "/www.example.org/news/archive", "/www.example.org/visit"}

// cells are the pages of the list, two that share a group, and a client.
func cells() []throng.CellKey {
	var cells []throng.CellKey
	for _, path := range append(slices.Clone(listed), "/www.example.org/news/a", "/www.example.org/news/b") {
		cells = append(cells, throng.CellKey{Cell: throng.CellID(len(cells) + 1), Site: "www", Table: throng.PathTable, Key: path})
	}
	return append(cells, throng.CellKey{Cell: throng.CellID(len(cells) + 1), Site: "www", Table: throng.ClientTable, Key: "firefox"})
}

// crowd is a day of 24,000 devices, of which every other opted out: each reads the front page, and half, a third
// and so on one of the others.
func crowd() (u throng.UnitRows) {
	all := cells()
	client := all[len(all)-1].Cell
	for device := range 24_000 {
		for _, c := range all {
			if c.Cell == client || device%int(c.Cell) == 0 {
				u.Unit, u.Cell = append(u.Unit, throng.UnitToken(device+1)<<40), append(u.Cell, c.Cell)
				u.OptedOut, u.Visits = append(u.OptedOut, device/64%2 == 0), append(u.Visits, 1)
			}
		}
	}
	return u
}

// auditorsSite publishes what was drawn, with all that an auditor and a visitor can look at.
func auditorsSite(t *testing.T) (address string) {
	t.Helper()
	dir, err := published()
	if err != nil {
		t.Fatalf("close days: %v", err)
	}
	srv := httptest.NewUnstartedServer(nil)
	address = "http://" + srv.Listener.Addr().String() + "/"
	o := options(t, os.DirFS(filepath.Join(dir, throng.ReleasesName)), nil)
	o.Ledger = func(context.Context) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, filepath.FromSlash(throng.LedgerName)))
	}
	o.Sites = []dashboards.Site{{ID: "www", Title: "Example Archives", Hosts: []string{"www.example.org"}, Signals: true, Routes: listed}}
	if o.Sites[0].Parameters, err = aggregate.Calibrate(aggregate.Budget{}, "", throng.ClientTable); err != nil {
		t.Fatal(err)
	}
	versions := versionsOf(t, o)
	o.Transparency = dashboards.Transparency{
		Address: address, Contact: "mailto:privacy@example.org",
		Versions:  func(context.Context) ([][]byte, error) { return versions, nil },
		Deletions: deletions, Holds: holds,
		Incidents: []dashboards.Incident{{Day: firstPublished + 3, Title: "A disk was full", Text: "No line was lost; the day was closed six hours late."}},
	}
	o.WellKnown = resources(t)
	h, err := dashboards.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = h
	srv.Start()
	t.Cleanup(srv.Close)
	return address
}

func deletions(context.Context) (*dashboards.Deletions, error) {
	return &dashboards.Deletions{Latest: today.Add(-time.Hour), Head: strings.Repeat("5e", 32), Kinds: []dashboards.DeletedKind{
		{Name: "Anonymized events", Days: 12, Open: 1, Last: throng.DayOf(today) - 11}, {Name: "Device tokens", Days: 20, Last: throng.DayOf(today) - 2}}}, nil
}

func holds(context.Context) (throng.HoldSummary, error) {
	return throng.HoldSummary{Format: throng.HoldsFormat, Orders: 3, Extensions: 1, InForce: 1, Held: "some", Head: strings.Repeat("cd", 32),
		Reasons: []throng.HoldReasonCount{{Reason: "security", Orders: 3, Extensions: 1, InForce: 1}}}, nil
}

// debianPolicy is EFF's text, as Debian's package of Privacy Badger has it.
const debianPolicy = "/usr/share/webext/privacy-badger/data/dnt-policy.txt"

// resources are the well-known ones; the policy is among them where this machine has its text.
func resources(t *testing.T) *wellknown.Handler {
	t.Helper()
	o := wellknown.Options{Status: &wellknown.Status{Tracking: wellknown.Tracking, Policy: "/privacy/signal"}, OptedOut: wellknown.NotTracking,
		GPC: &wellknown.GPC{Honoured: true, Updated: today.AddDate(0, -1, 0)}}
	text, err := os.ReadFile(debianPolicy)
	if err == nil {
		o.Policy, err = wellknown.NewPolicy(text, today.AddDate(0, -2, 0))
	}
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	h, err := wellknown.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// versionsOf are three versions of the method, of which the last runs.
func versionsOf(t *testing.T, o dashboards.Options) (files [][]byte) {
	t.Helper()
	h, err := dashboards.New(o)
	if err != nil {
		t.Fatal(err)
	}
	now := h.Statement()
	first, second := now, now
	first.Parameters.K, first.Program = 6000, "0.0.9"
	second.Assets = []string{".css"}
	for i, s := range []throng.MethodStatement{first, second, now} {
		history, err := dashboards.ReadMethodHistory(files)
		if err != nil {
			t.Fatal(err)
		}
		_, body, _, err := history.Next(s, today.AddDate(0, 0, i-30))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, body)
	}
	return files
}

// options are what both servers have in common.
func options(t *testing.T, releases fs.FS, hashes dashboards.Hashes) dashboards.Options {
	t.Helper()
	p, err := aggregate.Calibrate(aggregate.Budget{}, "")
	if err != nil {
		t.Fatal(err)
	}
	return dashboards.Options{
		Releases: dashboards.NewFiles(releases, hashes), Logger: slog.New(slog.DiscardHandler), Clock: stopped{},
		Method: dashboards.Method{
			Version: "0.1.0", Tree: 1, Parameters: p, Assets: []string{".css", ".js", ".png"},
			Everyone: dashboards.Generalization{IPv4Bits: 24, IPv6Bits: 48, Time: time.Second, MajorStep: 1},
			OptedOut: dashboards.Generalization{IPv4Bits: 19, IPv6Bits: 32, Time: time.Minute, MajorStep: 10},
			Unit:     dashboards.Unit{IPv6Bits: 64, PerNetwork: throng.MaxUnitsPerNetwork, NetworkIPv4Bits: 24, NetworkIPv6Bits: 48},
			Lateness: 36 * time.Hour,
			Retention: []dashboards.RetentionClass{{Class: throng.ClassOptedOut, Keep: 240 * time.Hour}, {Class: throng.ClassStandard, Keep: 240 * time.Hour},
				{Class: throng.ClassOpenUnits, Keep: 72 * time.Hour}},
		},
	}
}

func serve(t *testing.T, o dashboards.Options) string {
	t.Helper()
	h, err := dashboards.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}
