package dashboards

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"throng"
)

// Numbers of periods that a page shows at once.
const (
	periodsPerChart = 62
	mostRead        = 10
	readersCharted  = 3
)

// siteView is the page of a site: how it was read over time.
type siteView struct {
	frame
	Site    *site
	Kind    kindView
	Latest  throng.Period
	URL     string // of the latest table
	Brief   *brief
	Change  *difference // of visits against the comparable period before; nil is none
	Before  throng.Period
	Compare string
	K       int64
	Charts  []chart
	Marks   []placedMark
	Rows    []siteRow // latest first
	Top     []rowView
	Tables  []link
	Sites   []choice
}

// kindView says which kind of periods a page shows, and leads to others.
type kindView struct {
	Kinds           []choice // of days, spans and months; Value is the address
	Name            string
	Earlier, Later  string
	From, Until     string
	NoDevices, Sums bool
}

// siteRow is a period of the site's table.
type siteRow struct {
	Period   throng.Period
	URL      string
	Visits   cell
	OptedOut cell
	Apart    cell
	Clipped  cell
	Bots     cell
	Rows     int
	State    string
}

// siteOverview answers with the page of a site, or says that there is nothing yet.
func (h *Handler) siteOverview(r *http.Request) (*response, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	ids, err := h.catalog.list(r.Context())
	if err != nil {
		return nil, err
	}
	past := historyOf(ids, s.ID, throng.PathTable)
	if _, ok := past.latest(); !ok {
		return h.page("pending", pendingView{h.frame(s.Title), s, h.method})
	}
	view := &siteView{frame: h.frame(s.Title), Site: s, K: h.method.Parameters.K}
	kind, until := kindOf(r.URL.Query(), past)
	w := past.window(kind, until, periodsPerChart)
	if len(w.Periods) == 0 {
		return nil, errNothing
	}
	view.Kind = kindsOf("/sites/"+url.PathEscape(s.ID), url.Values{}, past, kind, w)
	if err := h.fillSite(r.Context(), view, past, w.Periods); err != nil {
		return nil, err
	}
	for _, other := range h.sites {
		view.Sites = append(view.Sites, choice{"/sites/" + other.ID, other.Title, other == s})
	}
	view.Tables = tablesBeside(ids, s.ID, throng.PathTable, view.Latest)
	return h.page("site", view)
}

// fillSite reads what is kept of each period, and the whole of the latest.
func (h *Handler) fillSite(ctx context.Context, v *siteView, past history, periods []throng.Period) error {
	briefs := make([]*brief, len(periods))
	for i, p := range periods {
		var err error
		if briefs[i], err = h.catalog.brief(ctx, throng.ReleaseID{Site: v.Site.ID, Table: throng.PathTable, Period: p}); err != nil {
			// One damaged file does not hide the others; the page has a gap that says so.
			h.log.LogAttrs(ctx, slog.LevelError, "cannot show release", slog.String("error", err.Error()))
			briefs[i] = &brief{Broken: true, Clipped: throng.Blank(damaged), Bots: botsView{Percent: throng.Blank(damaged)}}
		}
		v.Watermark = or(v.Watermark, briefs[i].Watermark)
	}
	last := len(briefs) - 1
	for last > 0 && briefs[last].Broken {
		last--
	}
	v.Latest, v.Brief = periods[last], briefs[last]
	v.URL = releaseURL(v.Site.ID, throng.PathTable, v.Latest)
	for i, p := range periods {
		v.Rows = append([]siteRow{siteRowOf(v.Site.ID, p, briefs[i])}, v.Rows...)
	}
	v.Marks = placeMarks(v.Site.Marks, periods)
	v.Charts = []chart{
		visitsChart(periods, briefs),
		{ID: "optedout", Title: "Opted-out share of visits", Percent: true, Periods: periods,
			Series: []series{{"Opted-out share", pointsOf(briefs, func(b *brief) point { return b.OptedOut.point() })}}},
	}
	if before := past.comparable(v.Latest); before != (throng.Period{}) {
		b, err := h.catalog.brief(ctx, throng.ReleaseID{Site: v.Site.ID, Table: throng.PathTable, Period: before})
		if err != nil {
			return err
		}
		d := differenceOf(b.Visits, v.Brief.Visits)
		v.Change, v.Before, v.Compare = &d, before, compareURL(v.Site.ID, throng.PathTable, before.String(), v.Latest.String())
	}
	if err := h.fillMostRead(ctx, v, periods); err != nil {
		return err
	}
	for i := range v.Charts {
		v.Charts[i].Marks = v.Marks
	}
	return nil
}

func visitsChart(periods []throng.Period, briefs []*brief) chart {
	return chart{ID: "visits", Title: "Visits in published rows", Periods: periods,
		Series: []series{{"Visits", pointsOf(briefs, func(b *brief) point { return pointOf(b.visits()) })}}}
}

func pointsOf(briefs []*brief, of func(*brief) point) []point {
	var points []point
	for _, b := range briefs {
		points = append(points, of(b))
	}
	return points
}

// fillMostRead lists the most read pages of the latest period, and charts the readers of the first of them:
// readers are counted a page at a time and never added up.
func (h *Handler) fillMostRead(ctx context.Context, v *siteView, periods []throng.Period) error {
	latest, err := h.catalog.sheet(ctx, throng.ReleaseID{Site: v.Site.ID, Table: throng.PathTable, Period: v.Latest})
	if err != nil {
		return err
	}
	table := tableView{Site: v.Site, Release: latest, Figures: &latest.Brief.figures}
	for _, i := range latest.order("-" + defaultSort) {
		if row := latest.Rows[i]; len(v.Top) < mostRead && !throng.IsOther(row.Key) {
			v.Top = append(v.Top, table.row(row))
		} else if len(v.Top) == mostRead {
			break
		}
	}
	readers := chart{ID: "readers", Title: "Readers of the most read pages", Periods: periods, Alone: true}
	for _, row := range v.Top[:min(readersCharted, len(v.Top))] {
		if row.Devices.Reason != "" {
			continue // spans and months may have none
		}
		readers.Series = append(readers.Series, series{row.Key, h.points(ctx, throng.ReleaseID{Site: v.Site.ID, Table: throng.PathTable}, periods, exactly(row.Key), columns["devices"])})
	}
	if len(readers.Series) > 0 {
		v.Charts = append(v.Charts[:1:1], append([]chart{readers}, v.Charts[1:]...)...)
	}
	return nil
}

func siteRowOf(site string, p throng.Period, b *brief) siteRow {
	row := siteRow{Period: p, URL: releaseURL(site, throng.PathTable, p), Rows: b.Shown(), Visits: cellOf(b.visits()),
		OptedOut: b.OptedOut.cell(throng.BelowGate), Apart: b.Apart.cell(throng.BelowGate), Clipped: cellOf(b.Clipped), Bots: b.Bots.Cell(), State: state(b.Complete)}
	if b.Broken {
		row.OptedOut, row.Apart, row.State = cell{Reason: damaged}, cell{Reason: damaged}, "damaged"
	} else if p.Kind() == throng.SpanPeriod {
		row.OptedOut = cell{Reason: throng.NotDrawn}
	}
	return row
}

// state says in a few words how much of a period's log is in its numbers.
func state(c throng.Completeness) string {
	switch {
	case len(c.MissingSources) > 0:
		return "sources missing"
	case len(c.MissingDays) > 0:
		return plural(int64(len(c.MissingDays)), "day") + " missing"
	case c.Late == throng.ShareAbove1Pc || c.Rejected == throng.ShareAbove1Pc:
		return "over 1" + thin + "% of lines not counted"
	case c.Late == throng.ShareSome || c.Rejected == throng.ShareSome:
		return "under 1" + thin + "% of lines not counted"
	}
	return "complete"
}

// kindNames are what the kinds of period are called, shortest first.
var kindNames = []struct {
	kind throng.PeriodKind
	word string
	name string
}{{throng.DayPeriod, "day", "Days"}, {throng.SpanPeriod, "span", "Spans"}, {throng.MonthPeriod, "month", "Months"}}

// kindOf reads which kind of period is asked for, and up to which; without it, that of the latest.
func kindOf(form url.Values, past history) (throng.PeriodKind, throng.Period) {
	until, err := throng.ParsePeriod(form.Get("until"))
	if err == nil {
		return until.Kind(), until
	}
	for _, k := range kindNames {
		if form.Get("by") == k.word && past.of(k.kind) != nil {
			return k.kind, throng.Period{}
		}
	}
	latest, _ := past.latest()
	return latest.Kind(), throng.Period{}
}

func kindsOf(base string, form url.Values, past history, kind throng.PeriodKind, w window) kindView {
	at := func(key, value string) string {
		with := url.Values{key: {value}}
		for k, v := range form {
			with[k] = v
		}
		return base + "?" + with.Encode()
	}
	v := kindView{NoDevices: kind == throng.MonthPeriod, Sums: kind == throng.MonthPeriod}
	for _, k := range kindNames {
		if past.of(k.kind) != nil {
			v.Kinds = append(v.Kinds, choice{at("by", k.word), k.name, k.kind == kind})
		}
		if k.kind == kind {
			v.Name = k.word
		}
	}
	if w.Before != (throng.Period{}) {
		v.Earlier = at("until", w.Before.String())
	}
	if w.After != (throng.Period{}) {
		v.Later = at("until", w.After.String())
	}
	if n := len(w.Periods); n > 0 {
		v.From, v.Until = periodTitle(w.Periods[0]), periodTitle(w.Periods[n-1])
	}
	return v
}
