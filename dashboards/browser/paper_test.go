package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// paper is how wide a sheet of A4 is between margins of one centimetre, in pixels of CSS.
const paper = 718

// On paper, the way around the site is left out and every table is whole.
func TestPaper(t *testing.T) {
	analysts, auditors := analystsSites(t), auditorsSite(t)
	for name, address := range map[string][2]string{
		"site": {analysts, "/sites/example"}, "table": {analysts, "/sites/example/path/2026-11-21"}, "tree": {analysts, "/sites/example/path/2026-11-21?view=tree&in=/www.example.org/"},
		"history": {analysts, "/sites/example/history?key=/www.example.org/jobs"}, "compare": {analysts, "/sites/example/compare"},
		"transparency": {auditors, "/transparency"}, "ledger": {auditors, "/transparency/ledger"}, "releases": {auditors, "/transparency/releases"}, "method": {auditors, "/method"},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, address[0], look{Scripts: true, Width: paper, Dark: true})
			w.visit(address[1])
			w.media("print")
			if shown := eval[[]string](w, navigation); len(shown) > 0 {
				t.Errorf("on paper are still shown: %q", shown)
			}
			if cut := eval[[]string](w, cutTables); len(cut) > 0 {
				t.Errorf("on paper are cut: %q", cut)
			}
			if colour := eval[string](w, `getComputedStyle(document.documentElement).backgroundColor`); colour != "rgb(255, 255, 255)" {
				t.Errorf("paper is %s", colour)
			}
			w.keep("paper-"+name+".pdf", chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
		})
	}
}

const (
	navigation = `[...document.querySelectorAll('.skip, .top a:not(.name), .tools, .steps, .pages, .files, .tabs, button, select, input')].filter(e => e.checkVisibility()).map(e => e.textContent.trim())`
	cutTables  = `[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().right > innerWidth || t.scrollWidth > t.clientWidth + 1 ||
	[...t.rows].some(r => !r.checkVisibility()) || (box => box && getComputedStyle(box).overflowX !== 'visible')(t.closest('.scroll')))
	.map(t => (t.closest('section, .scroll')?.getAttribute('aria-label') || t.className) + ' ' + Math.round(t.getBoundingClientRect().right) + '/' + t.scrollWidth + ' of ' + innerWidth)`
)
