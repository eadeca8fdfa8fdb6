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
	Release  *sheet
	URL      string
	Passing  passing
	Figures  *figures
	OptedOut []optedOutView // by section and site; empty where it was not drawn
	Clipped  *cell          // nil where it was not drawn
	Bots     *cell          // likewise
	Notes    []string

	Previous, Next link
	Sites          []choice
	Periods        []choices
	Tables         []link // the other tables of the period

	Query   string
	In      string
	Only    string
	Sort    string
	Routes  bool
	Listed  bool   // the site's route list can be shown with it
	Toggle  string // the same view with or without the route list
	AsTree  bool
	Other   string // the same selection as a list, or as a tree
	Whole   string // without search and filter
	Compare string // with the same weekday of the week before, or the period before
	Columns []column
	Rows    []rowView
	Tree    []node
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
	Key, URL        string
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
	if !strings.Contains(r.PathValue("period"), ".") {
		of, err := h.catalog.sheet(r.Context(), id)
		if err != nil {
			return nil, err
		}
		return h.table(r, s, of)
	}
	return h.file(r.Context(), id, format)
}

func (h *Handler) table(r *http.Request, s *site, of *sheet) (*response, error) {
	sel, err := parseSelection(r.URL.Query())
	if err != nil {
		return nil, err
	}
	ids, err := h.catalog.list(r.Context())
	if err != nil {
		return nil, err
	}
	view := &tableView{
		frame:    h.frame(s.Title + ", " + periodTitle(of.Period)),
		Site:     s,
		Release:  of,
		URL:      releaseURL(s.ID, of.Table, of.Period),
		Passing:  h.passing(of.Site, of.Parameters),
		Figures:  &of.Brief.figures,
		OptedOut: optedOutOf(of.Release),
		Clipped:  clippedOf(of.Release),
		Bots:     drawnBots(of),
		Notes:    append(notes(of.Release), s.marksIn(of.Period)...),
	}
	view.Watermark = of.Parameters.Watermark
	past := historyOf(ids, s.ID, of.Table)
	view.place(h.sites, past)
	view.Tables = tablesBeside(ids, s.ID, of.Table, of.Period)
	if before := past.comparable(of.Period); before != (throng.Period{}) {
		view.Compare = compareURL(s.ID, of.Table, before.String(), of.Period.String())
	}
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
	v.Periods = periodChoices(past, v.Release.Period)
}

// periodChoices are the periods of a table for a form, by kind.
func periodChoices(past history, selected throng.Period) []choices {
	var all []choices
	for _, k := range kindNames {
		group := choices{Name: k.name}
		for _, p := range past.of(k.kind) {
			group.Of = append(group.Of, choice{p.String(), p.String(), p == selected})
		}
		if group.Of != nil {
			all = append(all, group)
		}
	}
	return all
}

// tablesBeside lead to the other tables of a site and period.
func tablesBeside(ids []throng.ReleaseID, site, table string, p throng.Period) []link {
	var tables []link
	for _, id := range ids {
		if id.Site == site && id.Period == p && id.Table != table {
			tables = append(tables, link{strings.ToLower(strings.TrimSuffix(or(tableNames[id.Table], id.Table), " (UTC)")), releaseURL(id.Site, id.Table, id.Period)})
		}
	}
	slices.SortFunc(tables, func(a, b link) int { return strings.Compare(a.Name, b.Name) })
	return tables
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
	if v.AsTree = sel.Tree && v.Release.Table == throng.PathTable; v.AsTree {
		sel.Query, sel.Only, sel.Routes = "", "", false
		v.openTree(sel)
	} else {
		found := sel.rows(v.Release, routes)
		v.Pager = newPager(&sel, v.URL, found.len())
		for _, row := range found.slice(v.Pager.first, v.Pager.last) {
			v.Rows = append(v.Rows, v.row(row))
		}
	}
	v.Query, v.In, v.Only, v.Sort, v.Routes = sel.Query, sel.In, sel.Only, sel.order(), sel.Routes
	v.ways(sel)
	v.heads(sel)
	if a, ok := absentPath(v.Release.Release, sel.Query, v.URL); ok && v.Release.Table == throng.PathTable {
		v.Absent = &a
	}
}

// ways lead to other views of the same table.
func (v *tableView) ways(sel selection) {
	sel.Page = 1
	toggled, other := sel, sel
	toggled.Routes, other.Tree, other.Routes = !sel.Routes, !sel.Tree, false
	v.Toggle, v.Other = toggled.url(v.URL), other.url(v.URL)
	v.Whole = selection{Sort: sel.Sort, Descending: sel.Descending, Tree: sel.Tree}.url(v.URL)
}

func (v *tableView) heads(sel selection) {
	v.Columns = []column{{Class: byPath, Name: or(tableNames[v.Release.Table], v.Release.Table)}, {Class: "visits", Name: "Visits"}, {Class: "devices", Name: "Devices"}}
	for i := range v.Columns {
		c := &v.Columns[i]
		if v.AsTree && c.Class == "devices" {
			continue
		}
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
	out := rowView{Key: r.Key, URL: historyURL(v.Site.ID, v.Release.Table, r.Key), Visits: cellOf(r.Visits), Devices: cellOf(r.Devices), Holder: r.Holder}
	if v.Release.Table != throng.PathTable {
		out.Rest = r.Key == throng.Other
	} else if throng.IsOther(r.Key) {
		out.Group, out.Folds, out.Prefix = true, foldsInto(r.Key), strings.TrimSuffix(r.Key, throng.Other)
	}
	if e, ok := r.Visits.Estimate(); ok && v.Figures.Visits.Value > 0 {
		out.Share = float64(e.Value) / float64(v.Figures.Visits.Value)
		out.Bar = barWidth(e.Value, v.Figures.Most)
	}
	return out
}

// barWidth is the width of a bar in percent of the longest.
func barWidth(value, most int64) string {
	return strconv.FormatFloat(100*float64(max(value, 0))/float64(max(most, 1)), 'f', 1, 64)
}

// passing is what a cell needed in a release; a month draws nothing, so there it is what its days need.
func (h *Handler) passing(site string, p throng.Parameters) passing {
	if len(p.Draws) == 0 {
		p.Draws = h.parametersOf(site).Draws
	}
	return passingOf(p)
}

// parametersOf are those of a site's table of pages.
func (h *Handler) parametersOf(id string) throng.Parameters {
	for _, s := range h.sites {
		if s.ID == id {
			return s.Parameters
		}
	}
	return h.method.Parameters
}
