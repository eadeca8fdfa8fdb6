package dashboards

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"throng"
)

// tableView is the page of one release.
type tableView struct {
	frame
	Site     *site
	Release  *Stored
	URL      string
	Passing  passing
	Figures  *figures
	OptedOut []optedOutView // by section and site; empty where it was not drawn
	Clipped  *cell          // nil where it was not drawn
	Notes    []string

	Previous, Next link
	Sites          []choice
	Periods        []choices
	Tables         []link // the other tables of the period

	Query   string
	Sort    string
	Routes  bool
	Listed  bool   // the site's route list can be shown with it
	Toggle  string // the same view with or without the route list
	Columns []column
	Rows    []rowView
	Absent  *absent
	Pager   pager
}

// choice is an option of a form; choices are a group of them.
type choice struct {
	Value, Name string
	Selected    bool
}

type choices struct {
	Name string
	Of   []choice
}

// column is the head of one column. Aria is its aria-sort value; "" where it is not sorted by it.
type column struct{ Class, Name, URL, Aria string }

type rowView struct {
	Key             string
	Group           bool
	Rest            bool   // of a table that is not of paths: all that could not be shown by itself
	Folds           bool   // a group that takes what could not be shown by itself
	Prefix          string // of a group
	Holder          string // of a span: the days' group that this row was taken out of
	Visits, Devices cell
	Share           float64
	Bar             string // width in percent of the longest
}

// cell is a measure made ready to be read.
type cell struct {
	Value, Margin, Range string
	Reason               throng.Reason // "" where there is a number
}

func cellOf(m throng.Measure) cell {
	e, ok := m.Estimate()
	if !ok {
		return cell{Reason: m.Reason()}
	}
	c := cell{Value: count(e.Value), Range: between(e)}
	if half, ok := margin(e); ok {
		c.Margin = count(half)
	}
	return c
}

// release answers for a release: its page, or with .csv or .json after the period its file.
func (h *Handler) release(r *http.Request) (*response, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	name, format, _ := strings.Cut(r.PathValue("period"), ".")
	id, ok := parseID(s.ID, r.PathValue("table"), name)
	if !ok {
		return nil, errNothing
	}
	stored, err := h.releases.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	switch format {
	case "":
		if strings.HasSuffix(r.PathValue("period"), ".") {
			return nil, errNothing
		}
		return h.table(r, s, stored)
	case "csv":
		return csvFile(stored)
	case "json":
		return jsonFile(stored), nil
	}
	return nil, errNothing
}

func (h *Handler) table(r *http.Request, s *site, stored *Stored) (*response, error) {
	sel, err := parseSelection(r.URL.Query())
	if err != nil {
		return nil, err
	}
	ids, err := h.releases.List(r.Context())
	if err != nil {
		return nil, err
	}
	view := &tableView{
		frame:    h.frame(s.Title + ", " + periodTitle(stored.Period)),
		Site:     s,
		Release:  stored,
		URL:      releaseURL(s.ID, stored.Table, stored.Period),
		Passing:  h.passing(stored.Parameters),
		Figures:  figuresOf(stored.Release),
		OptedOut: optedOutOf(stored.Release),
		Clipped:  clippedOf(stored.Release),
		Notes:    notes(stored.Release),
	}
	view.Watermark = stored.Parameters.Watermark
	view.place(h.sites, historyOf(ids, s.ID, stored.Table))
	view.besides(ids)
	view.fill(sel)
	return h.page("table", view)
}

// place says where one can go from here.
func (v *tableView) place(sites []*site, past history) {
	previous, next := past.around(v.Release.Period)
	for p, to := range map[throng.Period]*link{previous: &v.Previous, next: &v.Next} {
		if p != (throng.Period{}) {
			*to = link{periodTitle(p), releaseURL(v.Site.ID, v.Release.Table, p)}
		}
	}
	for _, s := range sites {
		v.Sites = append(v.Sites, choice{s.ID, s.Title, s == v.Site})
	}
	for kind, name := range map[throng.PeriodKind]string{throng.DayPeriod: "Days", throng.SpanPeriod: "Spans", throng.MonthPeriod: "Months"} {
		group := choices{Name: name}
		for _, p := range past.of(kind) {
			group.Of = append(group.Of, choice{p.String(), p.String(), p == v.Release.Period})
		}
		if group.Of != nil {
			v.Periods = append(v.Periods, group)
		}
	}
	slices.SortFunc(v.Periods, func(a, b choices) int { return strings.Compare(a.Name, b.Name) })
}

// besides leads to the other tables of the same site and period.
func (v *tableView) besides(ids []throng.ReleaseID) {
	for _, id := range ids {
		if id.Site == v.Site.ID && id.Period == v.Release.Period && id.Table != v.Release.Table {
			v.Tables = append(v.Tables, link{or(tableNames[id.Table], id.Table), releaseURL(id.Site, id.Table, id.Period)})
		}
	}
	slices.SortFunc(v.Tables, func(a, b link) int { return strings.Compare(a.Name, b.Name) })
}

// tableNames are the heads of the first columns.
var tableNames = map[string]string{
	throng.PathTable: "Path", throng.ClientTable: "Browser", throng.CountryTable: "Country", throng.HourTable: "Hour (UTC)",
	throng.OSTable: "System", throng.ReferrerTable: "Referrer", throng.StatusTable: "Status",
}

// fill puts the selected rows on the page.
func (v *tableView) fill(sel selection) {
	var routes []string
	if v.Listed = v.Site.Listed > 0 && v.Release.Table == throng.PathTable && v.Release.Period.Kind() != throng.SpanPeriod; v.Listed {
		routes = v.Site.routes
	}
	found := sel.rows(v.Release.Rows, routes)
	v.Pager = newPager(&sel, v.URL, len(found))
	v.Query, v.Sort, v.Routes = sel.Query, sel.order(), sel.Routes
	toggled := sel
	toggled.Routes, toggled.Page = !sel.Routes, 1
	v.Toggle = toggled.url(v.URL)
	v.heads(sel)
	for _, row := range found[v.Pager.first:v.Pager.last] {
		v.Rows = append(v.Rows, v.row(row))
	}
	if a, ok := absentPath(v.Release.Release, sel.Query, v.URL); ok && v.Release.Table == throng.PathTable {
		v.Absent = &a
	}
}

func (v *tableView) heads(sel selection) {
	v.Columns = []column{{Class: byPath, Name: or(tableNames[v.Release.Table], v.Release.Table)}, {Class: "visits", Name: "Visits"}, {Class: "devices", Name: "Devices"}}
	for i := range v.Columns {
		c := &v.Columns[i]
		c.URL = sel.sortedBy(c.Class).url(v.URL)
		switch {
		case sel.Sort == c.Class && sel.Descending:
			c.Aria = "descending"
		case sel.Sort == c.Class:
			c.Aria = "ascending"
		}
	}
}

func (v *tableView) row(r throng.Row) rowView {
	out := rowView{Key: r.Key, Visits: cellOf(r.Visits), Devices: cellOf(r.Devices), Holder: r.Holder}
	if v.Release.Table != throng.PathTable {
		out.Rest = r.Key == throng.Other
	} else if throng.IsOther(r.Key) {
		out.Group, out.Folds, out.Prefix = true, foldsInto(r.Key), strings.TrimSuffix(r.Key, throng.Other)
	}
	if e, ok := r.Visits.Estimate(); ok && v.Figures.Visits.Value > 0 {
		out.Share = float64(e.Value) / float64(v.Figures.Visits.Value)
		out.Bar = strconv.FormatFloat(100*float64(max(e.Value, 0))/float64(max(v.Figures.Most, 1)), 'f', 1, 64)
	}
	return out
}

// passing is what a cell needed in a release; a month draws nothing, so there it is what its days need.
func (h *Handler) passing(p throng.Parameters) passing {
	if len(p.Draws) == 0 {
		p.Draws = h.method.Parameters.Draws
	}
	return passingOf(p)
}

// notes say what kind of table a release is, and how much of the period's log it holds, as coarsely as
// the release does.
func notes(r *throng.Release) []string {
	notes, c := kindNotes(r), r.Complete
	if len(c.MissingSources) > 0 {
		notes = append(notes, "Not all of the log had arrived when the period was closed. Missing: "+strings.Join(c.MissingSources, ", ")+". Numbers may be too low.")
	}
	if text := map[throng.Share]string{
		throng.ShareSome:     "Some lines, at most 1 %, came after the period was closed and are not counted.",
		throng.ShareAbove1Pc: "More than 1 % of the lines came after the period was closed. They are not counted, and numbers are too low.",
	}[c.Late]; text != "" {
		notes = append(notes, text)
	}
	if text := map[throng.Share]string{
		throng.ShareSome:     "Some lines of the log, at most 1 %, could not be read and are not counted.",
		throng.ShareAbove1Pc: "More than 1 % of the lines of the log could not be read. They are not counted, and numbers may be too low.",
	}[c.Rejected]; text != "" {
		notes = append(notes, text)
	}
	return notes
}

func kindNotes(r *throng.Release) []string {
	var notes []string
	switch r.Period.Kind() {
	case throng.SpanPeriod:
		notes = append(notes, "This table holds only what the days of the span could not show by themselves, counted over all of its days. It adds to their tables.")
	case throng.MonthPeriod:
		notes = append(notes, "Visits are sums of "+count(int64(len(r.Sources)))+" published tables: the month's days, and its spans, whose rows were taken out of the groups that held them. Nothing was counted again, and devices of several days do not add up.")
	}
	if n := len(r.Complete.MissingDays); n > 0 {
		notes = append(notes, "Not in these numbers: "+plural(int64(n), "day")+" of which there is no table, or of which nothing was left to count.")
	}
	if r.Withheld != "" {
		notes = append(notes, "This table was drawn and is not shown: beside another table of the same day it would tell about too small a group.")
	}
	return notes
}

// pager leads through the rows, a page at a time.
type pager struct {
	Page, Pages, Rows int
	First, Last       int // numbers of the shown rows, from 1; both 0 where there are none
	Previous, Next    string
	first, last       int
}

// newPager takes a page past the last one as the last one.
func newPager(sel *selection, base string, rows int) pager {
	pages := max(1, (rows+rowsPerPage-1)/rowsPerPage)
	sel.Page = min(sel.Page, pages)
	p := pager{Page: sel.Page, Pages: pages, Rows: rows, first: (sel.Page - 1) * rowsPerPage}
	p.last = min(p.first+rowsPerPage, rows)
	p.First, p.Last = min(p.first+1, rows), p.last
	at := *sel
	if at.Page = sel.Page - 1; at.Page >= 1 {
		p.Previous = at.url(base)
	}
	if at.Page = sel.Page + 1; at.Page <= pages {
		p.Next = at.url(base)
	}
	return p
}
