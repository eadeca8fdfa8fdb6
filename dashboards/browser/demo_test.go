package browser_test

import (
	"os"
	"testing"
)

// Every page that the first page of a running demo links to obeys the rules, on the numbers of a real day.
// THRONG_TEST_DEMO is its address.
func TestDemo(t *testing.T) {
	address := os.Getenv("THRONG_TEST_DEMO")
	if address == "" {
		t.Skip("skipped: THRONG_TEST_DEMO is not set; .ci/browser sets it")
	}
	w := open(t, address, look{Scripts: true, Width: phone})
	w.visit("/")
	pages := eval[[]string](w, `[...new Set([...document.querySelectorAll('a[href^="/"]')].map(a => a.pathname + a.search))]`)
	for _, page := range pages {
		w.visit(page)
		w.accessible()
		w.hasItsNumbers()
	}
	if len(pages) < 6 {
		t.Errorf("the first page links to %q only", pages)
	}
}
