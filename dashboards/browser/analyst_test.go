package browser_test

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// An analyst finds a table, reads it in each way, follows one page through time, compares periods, and takes the
// numbers along.
func TestAnalyst(t *testing.T) {
	for _, l := range looks {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			w := open(t, analystsSites(t), l)
			w.visit("/")
			w.follow("Example Archives")
			w.sees("Visits in published rows", "Opted out, of visits", "Bots, of devices", "15 October 2026: outage of the catalogue")
			w.hasItsNumbers()
			w.opensTheTree()
			w.narrowsTheTable()
			w.turnsPages()
			w.followsOnePage()
			w.comparesPeriods()
			w.takesTheNumbersAlong()
		})
	}
}

// hasItsNumbers fails where a chart has no table with as many rows as it has points, or a number stands without
// its interval.
func (w *window) hasItsNumbers() {
	w.t.Helper()
	if without := eval[[]string](w, chartsWithoutTable); len(without) > 0 {
		w.t.Errorf("%s has no table for the charts %q", w.watched.at(), without)
	}
	if bare := eval[[]string](w, bareNumbers); len(bare) > 0 {
		w.t.Errorf("%s has numbers without an interval: %q", w.watched.at(), bare)
	}
}

const (
	chartsWithoutTable = `[...document.querySelectorAll('figure[data-chart]')].filter(f => {
	const points = Math.max(...f.dataset.chart.split('|').map(s => s.split(' ').length));
	return ![...document.querySelectorAll('table')].some(t => t.tBodies[0].rows.length >= points && [...f.querySelectorAll('.legend li')].every(li => t.textContent.includes(li.textContent)));
}).map(f => f.id)`
	bareNumbers = `[...document.querySelectorAll('td .v, .figures dd')].filter(v => {
	const beside = v.matches('dd') ? v : v.parentElement;
	return !beside.querySelector('.ci');
}).map(v => v.textContent)`
)

func (w *window) opensTheTree() {
	w.t.Helper()
	w.follow("The whole table")
	w.sees("Readership, Saturday, 21 November 2026")
	w.hasItsNumbers()
	w.follow("As a tree")
	w.follow("Open www.example.org/")
	w.follow("Open research/")
	w.sees("Under /www.example.org/research/", "census", "Close research/")
	w.hasItsNumbers()
	w.follow("As a list")
}

func (w *window) narrowsTheTable() {
	w.t.Helper()
	w.follow("All rows")
	w.fill("Find", "Research")
	w.press("Find")
	w.sees("Rows with Research: 1–")
	if found := w.keys(); len(found) < 5 || slices.ContainsFunc(found, func(key string) bool { return !strings.Contains(key, "research") }) {
		w.t.Errorf("a search for Research gives %q", found)
	}
	w.follow("Path")
	if found := w.keys(); !slices.IsSorted(found) || w.count(`[aria-sort="ascending"]`) != 1 {
		w.t.Errorf("sorted by path, the rows are %q", found)
	}
	w.follow("Path")
	if found := w.keys(); slices.IsSorted(found) || w.count(`[aria-sort="descending"]`) != 1 {
		w.t.Errorf("sorted by path the other way, the rows are %q", found)
	}
	w.choose("Kinds of rows", "groups only")
	w.press("Find")
	if found := w.keys(); len(found) != 1 || !strings.HasSuffix(found[0], "*other*") {
		w.t.Errorf("groups with Research: %q", found)
	}
	w.isItsLink()
	w.fill("Find", "/www.example.org/visit/parking")
	w.press("Find")
	w.sees("/www.example.org/visit/parking is not shown by itself", "A page that nobody read, a page that does not exist and a page with too few readers all get this answer")
}

// keys are the paths of the table's rows.
func (w *window) keys() []string {
	w.t.Helper()
	return eval[[]string](w, `[...document.querySelectorAll('.readership tbody .path code')].map(c => c.textContent)`)
}

// isItsLink fails where the page is another one for someone who gets its address.
func (w *window) isItsLink() {
	w.t.Helper()
	other := open(w.t, w.base, w.look)
	other.visit(w.address())
	if w.html() != other.html() {
		w.t.Errorf("%s is another page for who is sent its address", w.watched.at())
	}
}

func (w *window) turnsPages() {
	w.t.Helper()
	w.follow("Sites")
	w.follow("The catalogue")
	w.follow("The whole table")
	w.follow("Next rows")
	w.follow("Next rows")
	w.sees("201–300 of 350", "Page 3 of 4")
	w.follow("Previous rows")
	w.sees("Page 2 of 4")
}

func (w *window) followsOnePage() {
	w.t.Helper()
	w.follow("Sites")
	w.follow("Example Archives")
	w.follow("/www.example.org/about")
	w.sees("In numbers", "redesign")
	w.hasItsNumbers()
	w.follow("Months")
	w.sees("October 2026")
	w.hasItsNumbers()
	w.isItsLink()
}

func (w *window) comparesPeriods() {
	w.t.Helper()
	w.follow("Example Archives")
	w.follow("Compare")
	w.sees("Sat 14 Nov 2026 and Sat 21 Nov 2026", "more than noise", "with 95 % confidence")
	w.hasItsNumbers()
	w.choose("From", "2026-11-18")
	w.press("Compare")
	w.sees("A Wednesday is compared with a Saturday")
	w.follow("Compare with Saturday, 14 November 2026 instead")
	w.fill("Find", "research")
	w.press("Compare")
	w.sees("Rows with research: 1–")
	w.isItsLink()
}

func (w *window) takesTheNumbersAlong() {
	w.t.Helper()
	w.follow("Example Archives")
	w.follow("country")
	w.sees("US", "GB")
	w.hasItsNumbers()
	rows, err := csv.NewReader(strings.NewReader(string(w.download("CSV")))).ReadAll()
	if err != nil || len(rows) != w.count("table.readership tbody tr")+1 {
		w.t.Errorf("the CSV file has %d rows: %v", len(rows), err)
	}
	sum := sha256.Sum256(w.download("JSON, as published"))
	w.sees(hex.EncodeToString(sum[:]))
	if b := w.download("Parquet"); !strings.HasPrefix(string(b), "PAR1") {
		w.t.Error("the Parquet file is none")
	}
}

// A pointer over a chart shows value and interval of the day below it. What that needs is loaded then, and no
// more of it than a page may have.
func TestChartFollowsThePointer(t *testing.T) {
	w := open(t, analystsSites(t), look{Scripts: true, Width: desk})
	w.visit("/sites/example")
	w.watched.reset()
	w.hoverUntil("#visits-chart", "that the chart tells its values", `/\d \(.*\d–.*\d\)/.test(document.querySelector('#visits-chart .u-legend')?.textContent || '')`)
	w.obey("hover over the chart")
	w.accessible()
	w.picture("chart")
}
