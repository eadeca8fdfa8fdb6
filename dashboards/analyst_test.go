package dashboards_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"throng"
	"throng/dashboards"
	"throng/dashboards/fixture"
)

// twoMonths is a store with days, spans, months and further tables of one site, and its options.
func twoMonths(t *testing.T) dashboards.Options {
	t.Helper()
	first, err := throng.ParseDay("2026-09-25")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	for _, rel := range (fixture.Site{ID: "example", First: first, Days: 58, Further: []string{throng.CountryTable, throng.HourTable}, Seed: 4}).Releases() {
		body, err := fixture.Encode(rel)
		if err != nil {
			t.Fatal(err)
		}
		files[rel.ID().String()+".json"] = &fstest.MapFile{Data: body}
	}
	o := options(files)
	o.Sites = []dashboards.Site{{ID: "example", Title: "Example Archives", Hosts: []string{"www.example.org"}, Signals: true,
		Marks: []dashboards.Mark{{Day: first + 20, Text: "outage of the catalogue"}, {Day: first + 38, Text: "redesign <b>"}}}}
	return o
}

const example = "/sites/example"

func TestAnalystPages(t *testing.T) {
	h := serve(t, twoMonths(t))
	for _, c := range []struct {
		golden, target string
		status         int
	}{
		{"site-until.html", example + "?until=2026-10-02", 200},
		{"site-months.html", example + "?by=month", 200},
		{"site-spans.html", example + "?by=span", 200},
		{"tree.html", example + "/path/2026-11-21?view=tree", 200},
		{"tree-open.html", example + "/path/2026-11-21?view=tree&in=/www.example.org/research/&sort=path", 200},
		{"tree-month.html", example + "/path/2026-10?view=tree&in=/www.example.org", 200},
		{"table-in.html", example + "/path/2026-11-21?in=/www.example.org/research/&only=pages", 200},
		{"history.html", example + "/history?key=/www.example.org/jobs&until=2026-10-05", 200},
		{"history-months.html", example + "/history?key=/www.example.org/jobs&by=month", 200},
		{"history-prefix.html", example + "/history?prefix=/www.example.org/research/&until=2026-10-04", 200},
		{"history-country.html", example + "/history?key=US&table=country&until=2026-10-04", 200},
		{"history-absent.html", example + "/history?key=/www.example.org/research/1", 200},
		{"compare.html", example + "/compare?q=research", 200},
		{"compare-weekdays.html", example + "/compare?a=2026-11-18&b=2026-11-21&q=research&sort=path", 200},
		{"compare-months.html", example + "/compare?a=2026-10&b=2026-11", 200},
		{"compare-weeks.html", example + "/compare?a=2026-W45&b=2026-W46&q=research", 200},
		{"compare-country.html", example + "/compare?a=2026-11-14&b=2026-11-21&table=country", 200},
		{"compare-kinds.html", example + "/compare?a=2026-10&b=2026-11-21", 400},
		{"compare-same.html", example + "/compare?a=2026-11-21&b=2026-11-21", 400},
		{"data.html", "/data?site=example", 200},
		{"history-nothing.html", example + "/history", 400},
	} {
		t.Run(c.golden, func(t *testing.T) {
			w := get(h, c.target)
			if w.Code != c.status {
				t.Fatalf("status %d, want %d", w.Code, c.status)
			}
			golden(t, c.golden, w.Body.Bytes())
		})
	}
}

func TestLongestPagesStaySmall(t *testing.T) {
	h := serve(t, twoMonths(t))
	for _, target := range []string{example, example + "/history?key=/www.example.org/", example + "/history?prefix=/www.example.org/", example + "/compare", example + "/path/2026-11-21"} {
		if w := get(h, target); w.Code != 200 || w.Body.Len() >= 150_000 {
			t.Errorf("%s: status %d, %d bytes; want fewer than 150,000", target, w.Code, w.Body.Len())
		}
	}
}

// A history of what is in no release is one answer, whoever may have visited it (method section 5, rule 5).
func TestHistoryOfAnyAbsentPathIsTheSame(t *testing.T) {
	h := serve(t, twoMonths(t))
	page := func(key string) string {
		body := strings.ReplaceAll(get(h, example+"/history?key="+url.QueryEscape(key)).Body.String(), url.QueryEscape(key), "KEY")
		return strings.ReplaceAll(body, key, "KEY")
	}
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom([]string{"/www.example.org/research/", "/www.example.org/", "/nowhere/"}).Draw(t, "prefix")
		name := rapid.StringMatching(`[0-9]{6,9}`)
		a, b := prefix+name.Draw(t, "suppressed"), prefix+name.Draw(t, "invented")
		if page(a) != page(b) {
			t.Fatalf("histories of two absent paths under %s differ", prefix)
		}
	})
}

func TestAnalystAddressesAreRefused(t *testing.T) {
	h := serve(t, twoMonths(t))
	for target, want := range map[string]int{
		example + "?until=1999-01-01":                           404,
		example + "/history?key=/&table=client":                 404,
		example + "/history?key=/&table=../x":                   404,
		example + "/compare?a=1999-01-01&b=2026-11-21":          404,
		example + "/compare?table=nothing":                      404,
		example + "/history?key=" + strings.Repeat("a", 10_000): 400,
		"/sites/nowhere/compare":                                404,
		example + "/compare?a=2026-W46&b=2026-W46":              400,
		example + "/compare?a=2026-W46&b=2026-11-21":            400,
		example + "/compare?a=2026-W46&b=2026-W47":              404, // Sunday is not over
		example + "/compare?a=2026-W46&b=2026-W54":              400, // no week, and so the latest day
		"/sites/nowhere/history?key=/":                          404,
	} {
		if w := get(h, target); w.Code != want {
			t.Errorf("%.60s: status %d, want %d", target, w.Code, want)
		}
	}
}
