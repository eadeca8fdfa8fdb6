package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// By keyboard alone a reader passes over the navigation, searches the table, and opens a page and its months. What
// has the focus can be seen at each step.
func TestKeyboard(t *testing.T) {
	for _, l := range []look{{false, phone, false}, {true, desk, true}} {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			w := open(t, analystsSites(t), l)
			w.visit("/sites/example/path/2026-11-21")
			w.tabTo("Skip to the content")
			w.key(kb.Enter)
			if id := eval[string](w, `document.activeElement.id`); id != "main" {
				t.Fatalf("the skip link leads to %q", id)
			}
			w.tabTo("Find")
			w.arrive("search", chromedp.KeyEvent("research"+kb.Enter))
			if found := w.keys(); len(found) < 5 || !strings.Contains(found[0], "research") {
				t.Fatalf("the search gives %q", found)
			}
			w.tabTo("/www.example.org/research/maps")
			w.arrive("open the page", chromedp.KeyEvent(kb.Enter))
			w.tabTo("Months")
			w.arrive("open its months", chromedp.KeyEvent(kb.Enter))
			w.sees("/www.example.org/research/maps", "October 2026")
		})
	}
}
