package browser_test

import "testing"

// kinds are all kinds of pages that analysts see, by name.
var kinds = map[string]string{
	"sites":             "/",
	"site":              "/sites/example",
	"site-months":       "/sites/example?by=month",
	"site-pending":      "/sites/new",
	"table":             "/sites/example/path/2026-11-21",
	"table-span":        "/sites/example/path/2026-11-09--2026-11-16",
	"table-month":       "/sites/example/path/2026-10",
	"table-paged":       "/sites/catalogue/path/2026-09?page=2",
	"table-search":      "/sites/example/path/2026-11-21?q=research&show=routes",
	"table-not-shown":   "/sites/example/path/2026-11-21?q=/www.example.org/visit/parking",
	"table-empty":       "/sites/village/path/2026-11-21",
	"table-watermarked": "/sites/small/path/2026-09-25",
	"table-country":     "/sites/example/country/2026-11-21",
	"tree":              "/sites/example/path/2026-11-21?view=tree",
	"tree-open":         "/sites/example/path/2026-11-21?view=tree&in=/www.example.org/research/",
	"history":           "/sites/example/history?key=/www.example.org/jobs",
	"history-prefix":    "/sites/example/history?prefix=/www.example.org/research/",
	"history-not-shown": "/sites/example/history?key=/www.example.org/research/1",
	"compare":           "/sites/example/compare",
	"compare-weekdays":  "/sites/example/compare?a=2026-11-18&b=2026-11-21",
	"compare-months":    "/sites/example/compare?a=2026-10&b=2026-11",
	"data":              "/data?site=example",
	"method":            "/method",
}

// audited are the auditor's and the visitor's.
var audited = map[string]string{
	"transparency": "/transparency",
	"changes":      "/transparency/method",
	"dictionary":   "/transparency/dictionary",
	"ledger":       "/transparency/ledger",
	"releases":     "/transparency/releases",
	"signal":       "/privacy/signal",
}

// Each kind of page obeys the rules, is found accessible and is kept as a picture, on a phone and on a desk, in
// both schemes. Of what axe-core looks at, only colours change with the scheme.
func TestEveryKindOfPage(t *testing.T) {
	for _, l := range []look{{true, phone, false}, {true, desk, true}} {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			everyPage(open(t, analystsSites(t), l), kinds)
			everyPage(open(t, auditorsSite(t), l), audited)
		})
	}
}

func everyPage(w *window, pages map[string]string) {
	w.t.Helper()
	for name, target := range pages {
		w.visit(target)
		w.inBothSchemes(name)
	}
	w.visitFor("/no/such/page", 404)
	w.inBothSchemes("error")
}

func (w *window) inBothSchemes(name string) {
	w.t.Helper()
	first := w.look
	w.accessible()
	w.picture(name)
	w.look.Dark = !first.Dark
	w.media("screen")
	w.legible()
	w.picture(name)
	w.look = first
	w.media("screen")
}
