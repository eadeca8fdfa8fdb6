package dashboards

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"throng"
)

// historyView is the page of one row, or of all rows below a prefix, over time.
type historyView struct {
	frame
	Site   *site
	Table  string
	Name   string // of the table
	Key    string
	Prefix bool
	Group  bool
	Kind   kindView
	Charts []chart
	Marks  []placedMark
	Rows   []historyRow // latest first
	Absent *absent      // where no period has a number
	K      int64
	Shown  int // periods with a number
	Tree   string
	JSON   string
}

type historyRow struct {
	Period          throng.Period
	URL             string
	Visits, Devices cell
	Rows            int
	Mark            string
}

func historyURL(site, table, key string) string {
	form := url.Values{"key": {key}}
	if table != throng.PathTable {
		form.Set("table", table)
	}
	return "/sites/" + url.PathEscape(site) + "/history?" + form.Encode()
}

// subject is what a history is about: a row's key, or all rows whose key begins with it.
type subject struct {
	key    string
	prefix bool
}

func exactly(key string) subject { return subject{key: key} }

// in finds the rows of the subject in a release.
func (s subject) in(of *sheet) []throng.Row {
	rows := of.below(s.key)
	if s.prefix {
		return rows
	}
	n := 0
	for n < len(rows) && rows[n].Key == s.key {
		n++
	}
	return rows[:n]
}

// measure is the number of the rows in one column. Visits are added up; devices are not, so that several
// rows have none.
func measure(rows []throng.Row, column func(throng.Row) throng.Measure, adds bool) throng.Measure {
	switch {
	case len(rows) == 0:
		return throng.Blank(throng.BelowGate)
	case len(rows) == 1:
		return column(rows[0])
	case adds:
		return throng.Published(sum(rows, column))
	}
	return throng.Blank(notAdded)
}

// points are a column of the subject in each period; a release that cannot be shown is a gap.
func (h *Handler) points(ctx context.Context, table throng.ReleaseID, periods []throng.Period, of subject, column func(throng.Row) throng.Measure) []point {
	var points []point
	for _, p := range periods {
		table.Period = p
		if s := h.orDamaged(ctx, table); s != nil {
			points = append(points, pointOf(measure(of.in(s), column, false)))
		} else {
			points = append(points, point{})
		}
	}
	return points
}

// orDamaged is a release, or nil where it cannot be shown: one damaged file does not hide the periods beside
// it. The log has the fault.
func (h *Handler) orDamaged(ctx context.Context, id throng.ReleaseID) *sheet {
	s, err := h.catalog.sheet(ctx, id)
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "cannot show release", slog.String("error", err.Error()))
		return nil
	}
	return s
}

// parseSubject reads what a history is about.
func parseSubject(form url.Values) (subject, error) {
	of := subject{key: form.Get("key")}
	if prefix := form.Get("prefix"); prefix != "" {
		of = subject{key: strings.TrimSuffix(prefix, "/") + "/", prefix: true}
	}
	of.key = strings.ToValidUTF8(of.key, "\uFFFD")
	switch {
	case of.key == "":
		return of, &refusal{http.StatusBadRequest, "Say what the history is of: key=/a/path, or prefix=/a/."}
	case len(of.key) > throng.MaxPathBytes:
		return of, &refusal{http.StatusBadRequest, fmt.Sprintf("The key is longer than any path: at most %d bytes.", throng.MaxPathBytes)}
	}
	return of, nil
}

// askedHistory is a history that was asked for.
type askedHistory struct {
	subject subject
	table   string
	window  window
	kinds   kindView
}

func (h *Handler) askedHistory(r *http.Request, s *site) (*askedHistory, error) {
	form := r.URL.Query()
	of, err := parseSubject(form)
	if err != nil {
		return nil, err
	}
	asked := &askedHistory{subject: of, table: or(form.Get("table"), throng.PathTable)}
	past, err := h.catalog.past(r.Context(), s.ID, asked.table)
	if err != nil {
		return nil, err
	}
	kind, until := kindOf(form, past)
	if asked.window = past.window(kind, until, periodsPerChart); len(asked.window.Periods) == 0 {
		return nil, errNothing
	}
	keep := url.Values{}
	for _, name := range []string{"key", "prefix", "table"} {
		if v := form.Get(name); v != "" {
			keep.Set(name, v)
		}
	}
	asked.kinds = kindsOf("/sites/"+url.PathEscape(s.ID)+"/history", keep, past, kind, asked.window)
	return asked, nil
}

func (h *Handler) history(r *http.Request) (*response, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	asked, err := h.askedHistory(r, s)
	if err != nil {
		return nil, err
	}
	key := asked.subject.key
	view := &historyView{frame: h.frame(key + ", " + s.Title), Site: s, Table: asked.table, Name: or(tableNames[asked.table], asked.table), Key: key,
		Prefix: asked.subject.prefix, Group: throng.IsOther(key), K: h.method.Parameters.K, Kind: asked.kinds,
		Marks: placeMarks(s.Marks, asked.window.Periods), JSON: apiBase + r.URL.RequestURI()}
	h.fillHistory(r.Context(), view, asked)
	return h.page("history", view)
}

func (h *Handler) fillHistory(ctx context.Context, v *historyView, asked *askedHistory) {
	visits, devices := series{Name: "Visits"}, series{Name: "Readers"}
	periods := asked.window.Periods
	for _, p := range periods {
		s := h.orDamaged(ctx, throng.ReleaseID{Site: v.Site.ID, Table: v.Table, Period: p})
		if s == nil {
			v.Rows = append([]historyRow{{Period: p, URL: releaseURL(v.Site.ID, v.Table, p), Visits: cell{Reason: damaged}, Devices: cell{Reason: damaged}}}, v.Rows...)
			visits.Points, devices.Points = append(visits.Points, point{}), append(devices.Points, point{})
			continue
		}
		v.Watermark = or(v.Watermark, s.Brief.Watermark)
		row := v.add(p, asked.subject.in(s))
		visits.Points = append(visits.Points, pointOf(row.visits))
		devices.Points = append(devices.Points, pointOf(row.devices))
		if a, ok := absentPath(s.Release, v.Key, releaseURL(v.Site.ID, v.Table, p)); ok && v.Table == throng.PathTable && !v.Prefix {
			v.Absent = &a // in the end that of the latest period
		}
	}
	if v.Shown > 0 {
		v.Absent = nil
	}
	charts := []chart{{ID: "visits", Title: "Visits", Periods: periods, Series: []series{visits}, Marks: v.Marks}}
	if !v.Prefix { // whose devices do not add up
		charts = append(charts, chart{ID: "readers", Title: "Readers (devices)", Periods: periods, Series: []series{devices}, Marks: v.Marks})
	}
	for _, c := range charts {
		if !c.Empty() {
			v.Charts = append(v.Charts, c)
		}
	}
	if v.Prefix {
		v.Tree = selection{In: v.Key, Tree: true, Sort: defaultSort, Descending: true}.url(releaseURL(v.Site.ID, v.Table, periods[len(periods)-1]))
	}
}

// measured are the numbers of a subject in a period.
type measured struct{ visits, devices throng.Measure }

func measuresOf(rows []throng.Row) measured {
	return measured{measure(rows, columns["visits"], true), measure(rows, columns["devices"], false)}
}

// add puts a period on the page, above those that were put there before.
func (v *historyView) add(p throng.Period, rows []throng.Row) measured {
	m := measuresOf(rows)
	row := historyRow{Period: p, URL: releaseURL(v.Site.ID, v.Table, p), Visits: cellOf(m.visits), Devices: cellOf(m.devices), Rows: len(rows)}
	for _, mark := range v.Marks {
		if mark.at == p.First() {
			row.Mark = strings.TrimPrefix(row.Mark+" "+mark.Letter, " ")
		}
	}
	if row.Visits.Reason == "" {
		v.Shown++
	}
	v.Rows = append([]historyRow{row}, v.Rows...)
	return m
}
