package dashboards

import (
	"embed"
	"net/http"
	"net/url"
	"strconv"

	"throng"
)

// apiBase is where the read API begins. What is under it is described by api/openapi.json, and a test
// compares the two.
const apiBase = "/api/v1"

//go:embed api
var apiFiles embed.FS

// Limits of the rows of one answer.
const (
	apiRows    = 100
	maxAPIRows = 1000
)

func (h *Handler) apiRoutes() {
	for pattern, answer := range map[string]func(*http.Request) (any, error){
		"/sites":                         h.apiSites,
		"/sites/{site}":                  h.apiSite,
		"/sites/{site}/releases":         h.apiReleases,
		"/sites/{site}/history":          h.apiHistory,
		"/sites/{site}/compare":          h.apiCompare,
		"/sites/{site}/{table}/{period}": h.apiRelease,
	} {
		h.mux.HandleFunc(apiBase+pattern, h.apiAnswer(answer))
	}
	h.mux.HandleFunc(apiBase+"/", h.apiAnswer(func(*http.Request) (any, error) { return nil, errNothing }))
	h.mux.Handle(apiBase+"/{$}", http.RedirectHandler(apiBase+"/openapi.json", http.StatusSeeOther))
	h.mux.HandleFunc(apiBase+"/openapi.json", h.answer(func(*http.Request) (*response, error) {
		body, err := apiFiles.ReadFile("api/openapi.json")
		return &response{kind: "application/json", body: body}, err
	}))
	h.mux.HandleFunc("/data", h.answer(h.showData))
}

// apiAnswer answers in JSON, errors too.
func (h *Handler) apiAnswer(a func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var v any
		var err error = &refusal{http.StatusMethodNotAllowed, "This can only be read."}
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			v, err = a(r)
		} else {
			w.Header().Set("Allow", "GET, HEAD")
		}
		res := &response{kind: "application/json"}
		if err != nil {
			told := h.told(r, err)
			v, res.status, res.cache = apiError{told.status, told.message}, told.status, "no-store"
		}
		if res.body, err = encode(v); err != nil {
			h.refuse(w, r, err)
			return
		}
		res.write(w, r)
	}
}

type apiError struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

type apiSiteName struct {
	ID    string   `json:"id"`
	Title string   `json:"title"`
	Hosts []string `json:"hosts"`
	// Signals says that the site's log has the opt-out signals.
	Signals bool      `json:"signals"`
	Marks   []apiMark `json:"marks"`
}

type apiMark struct {
	Date throng.Day `json:"date"`
	Text string     `json:"text"`
}

func nameOf(s *site) apiSiteName {
	out := apiSiteName{ID: s.ID, Title: s.Title, Hosts: append([]string{}, s.Hosts...), Signals: s.Signals, Marks: []apiMark{}}
	for _, m := range s.Marks {
		out.Marks = append(out.Marks, apiMark{m.Day, m.Text})
	}
	return out
}

func (h *Handler) apiSites(*http.Request) (any, error) {
	sites := []apiSiteName{}
	for _, s := range h.sites {
		sites = append(sites, nameOf(s))
	}
	return struct {
		Sites []apiSiteName `json:"sites"`
	}{sites}, nil
}

// apiShare is a share of 1 with its interval, or the reason why there is none.
type apiShare struct {
	Value  *float64      `json:"value,omitempty"`
	Low    *float64      `json:"low,omitempty"`
	High   *float64      `json:"high,omitempty"`
	Reason throng.Reason `json:"reason,omitempty"`
}

func (s share) api() apiShare {
	if !s.OK {
		return apiShare{Reason: throng.BelowGate}
	}
	return apiShare{Value: &s.Value, Low: &s.Low, High: &s.High}
}

// apiPeriod is a period of a site's path table.
type apiPeriod struct {
	Period         throng.Period       `json:"period"`
	Visits         throng.Measure      `json:"visits"`
	OptedOutShare  apiShare            `json:"opted_out_share"`
	PagesShare     apiShare            `json:"pages_share"`
	ClippedPercent throng.Measure      `json:"clipped_percent"`
	BotPercent     throng.Measure      `json:"bot_percent"`
	Rows           int                 `json:"rows"`
	Completeness   throng.Completeness `json:"completeness"`
	Watermark      string              `json:"watermark,omitempty"`
}

// apiWindow says which periods an answer has and how to ask for those beside them.
type apiWindow struct {
	By      string `json:"by"`
	Earlier string `json:"earlier,omitempty"`
	Later   string `json:"later,omitempty"`
}

func apiWindowOf(k kindView) apiWindow {
	w := apiWindow{By: k.Name}
	if k.Earlier != "" {
		w.Earlier = apiBase + k.Earlier
	}
	if k.Later != "" {
		w.Later = apiBase + k.Later
	}
	return w
}

func (h *Handler) apiSite(r *http.Request) (any, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	past, err := h.catalog.past(r.Context(), s.ID, throng.PathTable)
	if err != nil {
		return nil, err
	}
	kind, until := kindOf(r.URL.Query(), past)
	w := past.window(kind, until, periodsPerChart)
	periods := []apiPeriod{}
	for _, p := range w.Periods {
		b, err := h.catalog.brief(r.Context(), throng.ReleaseID{Site: s.ID, Table: throng.PathTable, Period: p})
		if err != nil {
			return nil, err
		}
		periods = append(periods, apiPeriod{p, b.visits(), b.OptedOut.api(), b.Apart.api(), b.Clipped, b.Bots.Percent, b.Shown(), b.Complete, b.Watermark})
	}
	return struct {
		Site apiSiteName `json:"site"`
		apiWindow
		Periods []apiPeriod `json:"periods"`
	}{nameOf(s), apiWindowOf(kindsOf("/sites/"+url.PathEscape(s.ID), url.Values{}, past, kind, w)), periods}, nil
}

type apiReleaseName struct {
	throng.ReleaseID
	By      string `json:"by"`
	JSON    string `json:"json"`
	CSV     string `json:"csv"`
	Parquet string `json:"parquet"`
}

func (h *Handler) apiReleases(r *http.Request) (any, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	form := r.URL.Query()
	past, err := h.catalog.past(r.Context(), s.ID, or(form.Get("table"), throng.PathTable))
	if err != nil {
		return nil, err
	}
	out := []apiReleaseName{}
	for _, k := range kindNames {
		if by := form.Get("by"); by != "" && by != k.word {
			continue
		}
		for _, p := range past.of(k.kind) {
			id := throng.ReleaseID{Site: s.ID, Table: or(form.Get("table"), throng.PathTable), Period: p}
			at := releaseURL(id.Site, id.Table, p)
			out = append(out, apiReleaseName{id, k.word, at + ".json", at + ".csv", at + ".parquet"})
		}
	}
	return struct {
		Releases []apiReleaseName `json:"releases"`
	}{out}, nil
}

// apiTable is some rows of a release with what they were made with.
type apiTable struct {
	throng.ReleaseID
	SHA256       string              `json:"sha256"`
	Tree         int                 `json:"tree"`
	Parameters   throng.Parameters   `json:"parameters"`
	Completeness throng.Completeness `json:"completeness"`
	TotalRows    int                 `json:"total_rows"`
	Rows         []throng.Row        `json:"rows"`
	Next         string              `json:"next,omitempty"`
	OptedOut     []throng.OptedOut   `json:"opted_out"`
}

func (h *Handler) apiRelease(r *http.Request) (any, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	id, ok := parseID(s.ID, r.PathValue("table"), r.PathValue("period"))
	if !ok {
		return nil, errNothing
	}
	sel, err := parseSelection(r.URL.Query())
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	of, err := h.catalog.sheet(r.Context(), id)
	if err != nil {
		return nil, err
	}
	rows := sel.rows(of, nil)
	from := min((sel.Page-1)*limit, rows.len())
	out := apiTable{ReleaseID: id, SHA256: of.SHA256, Tree: of.Tree, Parameters: of.Parameters, Completeness: of.Complete, OptedOut: of.OptedOut,
		TotalRows: rows.len(), Rows: append([]throng.Row{}, rows.slice(from, min(from+limit, rows.len()))...)}
	if from+limit < rows.len() {
		sel.Page++
		out.Next = apiBase + sel.url(releaseURL(s.ID, id.Table, id.Period))
		if limit != apiRows {
			out.Next += "&limit=" + strconv.Itoa(limit)
		}
	}
	return out, nil
}

func limitOf(form url.Values) (int, error) {
	text := form.Get("limit")
	if text == "" {
		return apiRows, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxAPIRows {
		return 0, &refusal{http.StatusBadRequest, "limit: want a number from 1 to " + strconv.Itoa(maxAPIRows) + "."}
	}
	return n, nil
}

type apiPoint struct {
	Period  throng.Period  `json:"period"`
	Visits  throng.Measure `json:"visits"`
	Devices throng.Measure `json:"devices"`
	Rows    int            `json:"rows"`
}

func (h *Handler) apiHistory(r *http.Request) (any, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	asked, err := h.askedHistory(r, s)
	if err != nil {
		return nil, err
	}
	points := []apiPoint{}
	for _, p := range asked.window.Periods {
		of, err := h.catalog.sheet(r.Context(), throng.ReleaseID{Site: s.ID, Table: asked.table, Period: p})
		if err != nil {
			return nil, err
		}
		rows := asked.subject.in(of)
		m := measuresOf(rows)
		points = append(points, apiPoint{p, m.visits, m.devices, len(rows)})
	}
	return struct {
		Site   string `json:"site"`
		Table  string `json:"table"`
		Key    string `json:"key"`
		Prefix bool   `json:"prefix"`
		apiWindow
		Points []apiPoint `json:"points"`
	}{s.ID, asked.table, asked.subject.key, asked.subject.prefix, apiWindowOf(asked.kinds), points}, nil
}

type apiDifference struct {
	Value int64 `json:"value"`
	Low   int64 `json:"low"`
	High  int64 `json:"high"`
	// MoreThanNoise: the interval does not hold 0.
	MoreThanNoise bool `json:"more_than_noise"`
}

type apiPair struct {
	Key        string         `json:"key"`
	A          throng.Measure `json:"a"`
	B          throng.Measure `json:"b"`
	Difference *apiDifference `json:"difference"`
	Weekdays   int            `json:"weekdays,omitempty"`
}

func (d *difference) api() *apiDifference {
	if d == nil {
		return nil
	}
	return &apiDifference{d.Value, d.Low, d.High, d.Real()}
}

func (h *Handler) apiCompare(r *http.Request) (any, error) {
	s, err := h.site(r.PathValue("site"))
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	c, err := h.compared(r, s)
	if err != nil {
		return nil, err
	}
	from := min((c.asked.sel.Page-1)*limit, len(c.rows))
	pairs := []apiPair{}
	for _, row := range c.rows[from:min(from+limit, len(c.rows))] {
		pairs = append(pairs, apiPair{row.Key, row.measures[0], row.measures[1], row.Difference.api(), row.Weekdays})
	}
	total := differenceOf(c.a.Visits, c.b.Visits)
	return struct {
		Site     string         `json:"site"`
		Table    string         `json:"table"`
		A        string         `json:"a"`
		B        string         `json:"b"`
		Weekdays int            `json:"weekdays,omitempty"`
		Total    *apiDifference `json:"total"`
		Cautions []string       `json:"cautions"`
		Rows     int            `json:"total_rows"`
		Pairs    []apiPair      `json:"rows"`
	}{s.ID, c.asked.table, c.a.Value, c.b.Value, c.weekdays, total.api(), append([]string{}, c.cautions...), len(c.rows), pairs}, nil
}

// dataView is the page about files and the API.
type dataView struct {
	frame
	Site      *site
	Latest    throng.Period
	URL, Base string
	Key       string
}

func (h *Handler) showData(r *http.Request) (*response, error) {
	s, err := h.site(or(r.URL.Query().Get("site"), h.sites[0].ID))
	if err != nil {
		return nil, err
	}
	past, err := h.catalog.past(r.Context(), s.ID, throng.PathTable)
	if err != nil {
		return nil, err
	}
	view := dataView{frame: h.frame("Data and API"), Site: s, Base: apiBase, Key: "/"}
	var ok bool
	if view.Latest, ok = past.latest(); ok {
		view.URL = releaseURL(s.ID, throng.PathTable, view.Latest)
		of, err := h.catalog.sheet(r.Context(), throng.ReleaseID{Site: s.ID, Table: throng.PathTable, Period: view.Latest})
		if err != nil {
			return nil, err
		}
		view.Watermark = of.Brief.Watermark
		if top := (selection{Sort: defaultSort, Descending: true}).rows(of, nil); top.len() > 0 {
			view.Key = top.slice(0, 1)[0].Key
		}
	}
	return h.page("data", view)
}
