package dashboards

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"throng"
)

// difference is what changed from one estimate to another, with its own 95 % interval. Their noise is
// independent, so that the squares of the distances to the ends add up (Zou and Donner 2008).
type difference struct {
	Value, Low, High int64
	Change           float64 // of 1, of the first value
	Relative         bool    // Change is a number: the first value is above 0
}

func differenceOf(a, b throng.Estimate) difference {
	d := difference{Value: b.Value - a.Value}
	d.Low = d.Value - int64(math.Ceil(math.Hypot(float64(b.Value-b.Low), float64(a.High-a.Value))))
	d.High = d.Value + int64(math.Ceil(math.Hypot(float64(b.High-b.Value), float64(a.Value-a.Low))))
	if d.Relative = a.Value > 0; d.Relative {
		d.Change = float64(d.Value) / float64(a.Value)
	}
	return d
}

// Real tells whether the difference is more than noise: its interval does not hold 0.
func (d *difference) Real() bool { return d.Low > 0 || d.High < 0 }

// Verdict says it in words.
func (d *difference) Verdict() string {
	switch {
	case !d.Real():
		return "no more than noise"
	case d.Value > 0:
		return "more"
	}
	return "fewer"
}

// Text is the difference with its sign; Range its interval; Percent the change.
func (d *difference) Text() string { return signed(d.Value) }

func (d *difference) Range() string { return signed(d.Low) + " to " + signed(d.High) }

func (d *difference) Percent() string {
	if !d.Relative {
		return ""
	}
	if d.Change < 0 {
		return minus + percent(-d.Change)
	}
	return "+" + percent(d.Change)
}

func signed(n int64) string {
	if n > 0 {
		return "+" + count(n)
	}
	return count(n)
}

// comparable is the period to compare p with: the same weekday of the week before, or the span or month
// before; zero where there is none.
func (h history) comparable(p throng.Period) throng.Period {
	if p.Kind() != throng.DayPeriod {
		previous, _ := h.around(p)
		return previous
	}
	if before := (p.First() - 7).Period(); slices.Contains(h, before) {
		return before
	}
	return throng.Period{}
}

func compareURL(site, table, a, b string) string {
	form := url.Values{"a": {a}, "b": {b}}
	if table != throng.PathTable {
		form.Set("table", table)
	}
	return "/sites/" + url.PathEscape(site) + "/compare?" + form.Encode()
}

// compareView is the page of two periods side by side.
type compareView struct {
	frame
	Site       *site
	Table      string
	Name       string
	A, B       side
	Total      difference
	Weekdays   int // of two weeks, how many are compared; 0 where other periods are
	Rows       []compareRow
	Both, Real int // rows that both periods have; those that differ by more than noise
	ByChance   int // of Both, how many would seem to differ if nothing had changed
	Pager      pager
	Query      string
	Sort       string
	Columns    []column
	Periods    []choices // for the form; what is selected is decided in the page
	Caution    []string
	Aligned    link // the same comparison with the weekday that fits
	Weeks      link // that of the last two whole weeks
	Marks      []string
	URL        string
	JSON       string
}

type compareRow struct {
	Key, URL string
	Group    bool
	measures [2]throng.Measure
	A, B     cell
	// Difference is nil where one of the two is blank: then nothing can be said.
	Difference *difference
	// Weekdays is on how many of the weekdays of two weeks both have the row.
	Weekdays int
}

// side is one of the two periods of a comparison: a released one, or a week of released days.
type side struct {
	Value, Short, Title, URL string
	Visits                   throng.Estimate
	Watermark                string
}

func sideOf(site, table string, s *sheet) side {
	p := s.Period
	return side{p.String(), namedPeriod(p), periodTitle(p), releaseURL(site, table, p), s.Brief.Visits, s.Brief.Watermark}
}

// pairing is a comparison that was asked for.
type pairing struct {
	table string
	a, b  throng.Period
	weeks []week // the two, in place of a and b, where weeks are compared
	sel   selection
}

// sorts of the rows of a comparison, largest first.
const byDifference = "difference"

func parsePairing(form url.Values, past history) (pairing, error) {
	p := pairing{table: or(form.Get("table"), throng.PathTable)}
	var err error
	if p.weeks, err = parseWeeks(form, past); err != nil {
		return p, err
	}
	if p.b, err = throng.ParsePeriod(form.Get("b")); err != nil {
		p.b, _ = past.latest()
	}
	if p.a, err = throng.ParsePeriod(form.Get("a")); err != nil {
		p.a = past.comparable(p.b)
	}
	if p.sel, err = parseSelection(form); err != nil {
		return p, err
	}
	if order := strings.TrimPrefix(form.Get("sort"), "-"); order != byPath {
		p.sel.Sort, p.sel.Descending = byDifference, true
	}
	switch {
	case p.weeks != nil:
	case p.a == (throng.Period{}):
		return p, &refusal{http.StatusNotFound, "There is no earlier period to compare with yet. Choose two periods: a=2026-11-14&b=2026-11-21."}
	case p.a.Kind() != p.b.Kind():
		return p, &refusal{http.StatusBadRequest, "Only periods of one kind can be compared: two days, two spans or two months."}
	case p.a == p.b:
		return p, &refusal{http.StatusBadRequest, "These are the same period. Choose two different ones."}
	}
	return p, nil
}

// comparison is two releases with their rows side by side, in the order that was asked for.
type comparison struct {
	asked    pairing
	past     history
	a, b     side
	weekdays int // that are compared, of weeks
	rows     []compareRow
	cautions []string
	marks    []string
}

func (h *Handler) compared(r *http.Request, s *site) (c *comparison, err error) {
	form := r.URL.Query()
	c = &comparison{}
	if c.past, err = h.catalog.past(r.Context(), s.ID, or(form.Get("table"), throng.PathTable)); err != nil {
		return nil, err
	}
	if c.asked, err = parsePairing(form, c.past); err != nil {
		return nil, err
	}
	if c.asked.weeks != nil {
		err = h.fillWeeks(r.Context(), s, c)
	} else {
		err = h.fillPeriods(r.Context(), s, c)
	}
	if err == nil && c.asked.sel.Sort == byDifference {
		slices.SortStableFunc(c.rows, func(a, b compareRow) int { return cmp.Compare(size(b.Difference), size(a.Difference)) })
	}
	return c, err
}

// fillPeriods compares two releases.
func (h *Handler) fillPeriods(ctx context.Context, s *site, c *comparison) error {
	id := throng.ReleaseID{Site: s.ID, Table: c.asked.table, Period: c.asked.a}
	a, err := h.catalog.sheet(ctx, id)
	if err != nil {
		return err
	}
	id.Period = c.asked.b
	b, err := h.catalog.sheet(ctx, id)
	if err != nil {
		return err
	}
	c.a, c.b = sideOf(s.ID, c.asked.table, a), sideOf(s.ID, c.asked.table, b)
	c.rows = paired(a, b, c.asked.sel.matcher(a.lower && b.lower))
	c.cautions, c.marks = cautions(a, b), append(s.marksIn(c.asked.a), s.marksIn(c.asked.b)...)
	return nil
}

// paired are the rows of two releases by key, both in order.
func paired(a, b *sheet, match func(string) bool) []compareRow {
	var rows []compareRow
	x, y := a.Rows, b.Rows
	for len(x) > 0 || len(y) > 0 {
		key := ""
		switch {
		case len(y) == 0 || len(x) > 0 && x[0].Key <= y[0].Key:
			key = x[0].Key
		default:
			key = y[0].Key
		}
		inA, inB := leading(x, key), leading(y, key)
		x, y = x[len(inA):], y[len(inB):]
		if match(key) {
			rows = append(rows, compareRowOf(key, measure(inA, columns["visits"], true), measure(inB, columns["visits"], true)))
		}
	}
	return rows
}

// leading are the first rows with that key.
func leading(rows []throng.Row, key string) []throng.Row {
	n := 0
	for n < len(rows) && rows[n].Key == key {
		n++
	}
	return rows[:n]
}

func compareRowOf(key string, a, b throng.Measure) compareRow {
	row := compareRow{Key: key, Group: throng.IsOther(key), measures: [2]throng.Measure{a, b}}
	x, okX := a.Estimate()
	y, okY := b.Estimate()
	if okX && okY {
		d := differenceOf(x, y)
		row.Difference = &d
	}
	return row
}

func (h *Handler) compare(r *http.Request) (*response, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	c, err := h.compared(r, s)
	if err != nil {
		return nil, err
	}
	p := c.asked
	v := &compareView{frame: h.frame("Compare " + c.a.Title + " with " + c.b.Title), Site: s, Table: p.table, Name: or(tableNames[p.table], p.table),
		A: c.a, B: c.b, Total: differenceOf(c.a.Visits, c.b.Visits), Weekdays: c.weekdays, URL: compareURL(s.ID, p.table, c.a.Value, c.b.Value),
		Query: p.sel.Query, Sort: p.sel.order(), Marks: c.marks, Caution: c.cautions, Periods: comparePeriods(c.past)}
	v.Watermark, v.JSON = or(c.a.Watermark, c.b.Watermark), apiBase+v.URL
	if fit := c.past.comparable(p.b); p.weeks == nil && fit != (throng.Period{}) && fit != p.a && !sameWeekday(p.a, p.b) {
		v.Aligned = link{periodTitle(fit), compareURL(s.ID, p.table, fit.String(), p.b.String())}
	}
	if weeks := c.past.weeks(); p.weeks == nil && len(weeks) > 1 {
		v.Weeks = link{weeks[1].String() + " and " + weeks[0].String(), compareURL(s.ID, p.table, weeks[1].String(), weeks[0].String())}
	}
	v.judge(c.rows)
	v.fill(p, c.rows)
	return h.page("compare", v)
}

// judge counts what differs. At 95 %, one interval of twenty misses 0 though nothing changed.
func (v *compareView) judge(rows []compareRow) {
	for _, row := range rows {
		if row.Difference == nil {
			continue
		}
		v.Both++
		if row.Difference.Real() {
			v.Real++
		}
	}
	v.ByChance = int(math.Round(.05 * float64(v.Both)))
}

func (v *compareView) fill(p pairing, rows []compareRow) {
	// The selection writes its own defaults, so that the difference stays out of the address.
	sel := p.sel
	if sel.Sort == byDifference {
		sel.Sort = defaultSort
	}
	v.Pager = newPager(&sel, v.URL, len(rows))
	for _, row := range rows[v.Pager.first:v.Pager.last] {
		row.URL = historyURL(v.Site.ID, v.Table, row.Key)
		row.A, row.B = cellOf(row.measures[0]), cellOf(row.measures[1])
		v.Rows = append(v.Rows, row)
	}
	sel.Page = 1
	byKey, bySize := sel, sel
	byKey.Sort, byKey.Descending, bySize.Sort, bySize.Descending = byPath, false, defaultSort, true
	v.Columns = []column{{Class: byPath, Name: v.Name, URL: byKey.url(v.URL)}, {Class: byDifference, Name: "Difference", URL: bySize.url(v.URL)}}
	if p.sel.Sort == byPath {
		v.Columns[0].Aria = "ascending"
	} else {
		v.Columns[1].Aria = "descending"
	}
}

// size orders differences; rows without one come last.
func size(d *difference) int64 {
	if d == nil {
		return -1
	}
	return max(d.Value, -d.Value)
}

// cautions say what makes two periods unlike each other.
func cautions(of, with *sheet) []string {
	var out []string
	a, b := of.Period, with.Period
	if !sameWeekday(a, b) {
		out = append(out, "A "+a.First().Start().Weekday().String()+" is compared with a "+b.First().Start().Weekday().String()+". Readership follows the week, so that part of the difference is the weekday.")
	}
	if days(a) != days(b) {
		out = append(out, "The first period has "+plural(days(a), "day")+", the second "+plural(days(b), "day")+".")
	}
	if a.Kind() == throng.MonthPeriod && weekendDays(a) != weekendDays(b) {
		out = append(out, "The first period has "+plural(weekendDays(a), "day")+" at weekends, the second "+plural(weekendDays(b), "day")+".")
	}
	for _, s := range []*sheet{of, with} {
		if text := state(s.Complete); text != "complete" {
			out = append(out, periodTitle(s.Period)+": "+text+".")
		}
	}
	return out
}

// sameWeekday is true of longer periods: they have all of them.
func sameWeekday(a, b throng.Period) bool {
	return a.Kind() != throng.DayPeriod || a.First().Start().Weekday() == b.First().Start().Weekday()
}

func days(p throng.Period) int64 { return int64(p.Last()-p.First()) + 1 }

func weekendDays(p throng.Period) (n int64) {
	for d := p.First(); d <= p.Last(); d++ {
		if wd := d.Start().Weekday(); wd == 0 || wd == 6 {
			n++
		}
	}
	return n
}
