package dashboards

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	pathpkg "path"
	"strings"
	"time"

	"throng"
	"throng/dashboards/wellknown"
)

// Handler serves the dashboards. It answers GET and HEAD only.
type Handler struct {
	releases  Releases
	catalog   *catalog
	sites     []*site
	method    methodView
	ledger    func(context.Context) ([]byte, error) // nil where it is not published
	versions  MethodVersions                        // nil where none are kept
	audit     Transparency
	wellKnown *wellknown.Handler // nil where there is none
	mux       *http.ServeMux
	pages     pages
	assets    map[string]asset
	log       *slog.Logger
	clock     throng.Clock
}

// site is a Site with its route list made ready.
type site struct {
	Site
	// Listed is the length of the public route list, routes the rows that it makes: sorted, each once.
	Listed int
	routes []string
}

// asset is a static file; packed is its body as gzip, made once.
type asset struct {
	kind, version string
	packed        []byte
}

//go:embed static
var static embed.FS

// New makes a handler. It refuses options that would make a page say something untrue or nothing.
func New(o Options) (*Handler, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	pages, err := parsePages()
	if err != nil {
		return nil, fmt.Errorf("parse page templates: %w", err)
	}
	h := &Handler{releases: o.Releases, catalog: newCatalog(o.Releases, o.Clock), pages: pages, ledger: o.Ledger, versions: o.Transparency.Versions, audit: o.Transparency, wellKnown: o.WellKnown, log: o.Logger, clock: o.Clock, mux: http.NewServeMux()}
	for _, s := range o.Sites {
		if len(s.Parameters.Draws) == 0 {
			s.Parameters = o.Method.Parameters
		}
		h.sites = append(h.sites, newSite(s))
	}
	h.method = newMethodView(o.Method, h.sites)
	h.assets = map[string]asset{"style.css": {kind: "text/css; charset=utf-8"}, "icon.svg": {kind: "image/svg+xml"},
		"charts.js": {kind: "text/javascript; charset=utf-8"}, "uplot.js": {kind: "text/javascript; charset=utf-8"}, "uplot.css": {kind: "text/css; charset=utf-8"}}
	for name, a := range h.assets {
		body, err := static.ReadFile("static/" + name)
		if err != nil {
			return nil, fmt.Errorf("read static file: %w", err)
		}
		a.version = digest(body)[:16]
		if a.packed, err = packed(body); err != nil {
			return nil, fmt.Errorf("compress static file: %w", err)
		}
		h.assets[name] = a
	}
	h.routes()
	h.apiRoutes()
	return h, nil
}

// Warm reads the releases into memory, latest first, until two years of months with 100,000 rows are in it;
// until then the first look at a table takes as long as its file takes to read. It returns when it is done,
// or with ctx's error.
func (h *Handler) Warm(ctx context.Context) error { return h.catalog.warm(ctx) }

func (h *Handler) routes() {
	for pattern, answer := range map[string]answer{
		"/{$}":                           h.overview,
		"/sites/{$}":                     h.choose,
		"/sites/{site}":                  h.siteOverview,
		"/sites/{site}/history":          h.history,
		"/sites/{site}/compare":          h.compare,
		"/sites/{site}/{table}/{period}": h.release,
		signalPath:                       h.showSignal,
		"/" + throng.MethodVersionsName + "/{file}":          h.showVersion,
		"/" + throng.HoldsName:                               h.showHolds,
		"/" + throng.ManifestName:                            h.showManifest,
		"/" + throng.MethodName:                              h.showStatement,
		"/" + throng.LedgerName:                              h.showLedger,
		"/" + throng.ReleasesName + "/{site}/{table}/{file}": h.showFile,
		"/static/{name}":                                     h.asset,
		"/favicon.ico":                                       h.favicon,
		"/healthz":                                           h.health,
		"/":                                                  h.nothing,
	} {
		h.mux.HandleFunc(pattern, h.answer(answer))
	}
	for _, p := range auditPages {
		h.mux.HandleFunc(p.path, h.answer(h.show(p)))
		if p.long {
			h.mux.HandleFunc(p.path+"/{page}", h.answer(h.show(p)))
		}
	}
	if h.wellKnown != nil {
		h.mux.Handle("/.well-known/", h.wellKnown)
	}
}

// An answer makes the response to a GET request.
type answer func(*http.Request) (*response, error)

// response is a complete body with what the headers need.
type response struct {
	status   int    // 0 is 200
	kind     string // media type; "" is an HTML page
	cache    string // Cache-Control; "" lets the reader keep it and ask each time whether it is still right
	file     string // name to save it under; "" is none
	vary     string // Vary; "" is none
	encoding string // Content-Encoding of the body; "" is none
	location string // where to go instead; the body is empty then
	body     []byte
}

// refusal is an error that the reader caused and is told about.
type refusal struct {
	status  int
	message string
}

func (e *refusal) Error() string { return e.message }

var errNothing = &refusal{http.StatusNotFound, "There is nothing at this address. The day may not be closed yet, or the address may be mistyped."}

// policy allows the page its own style sheet, script, pictures and forms, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP answers a request. Its log line names the pattern, never the address that was asked.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := h.clock.Now()
	guard(w.Header())
	seen := &statusRecorder{ResponseWriter: w}
	h.mux.ServeHTTP(seen, r)
	h.log.LogAttrs(r.Context(), slog.LevelInfo, "answered request",
		slog.String("pattern", r.Pattern), slog.Int("status", seen.status), slog.Duration("took", h.clock.Now().Sub(start)))
}

// Refuse answers with the error page, for whoever stands before the handler.
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	guard(w.Header())
	h.refuse(w, r, &refusal{status, message})
}

// ForEveryone tells whether a path holds what was published or what visitors are told: these are open
// where the analysts' pages are not. Anything new is the analysts' until it is named here.
func (h *Handler) ForEveryone(asked string) bool {
	path := pathpkg.Clean(asked) // what the mux would redirect it to
	if path == methodPath || path == signalPath || path == "/healthz" || path == "/favicon.ico" || path == "/"+throng.ManifestName || path == "/"+throng.HoldsName || path == "/"+throng.MethodName || path == transparencyPath {
		return true
	}
	for _, under := range []string{transparencyPath, "/.well-known", "/static", "/" + throng.ReleasesName, "/" + throng.MethodVersionsName, "/ledger"} {
		if strings.HasPrefix(path, under+"/") {
			return true
		}
	}
	return false
}

// guard sets the header fields that every answer has.
func guard(head http.Header) {
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Tk", string(wellknown.NotTracking)) // of these pages, whatever the site's own are
}

// statusRecorder remembers the status for the log.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (h *Handler) answer(a answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			h.refuse(w, r, &refusal{http.StatusMethodNotAllowed, "These pages can only be read."})
			return
		}
		res, err := a(r)
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		res.write(w, r)
	}
}

// told is what a reader is told of an error: of a fault only that there is one; the log has it.
func (h *Handler) told(r *http.Request, err error) *refusal {
	var told *refusal
	switch {
	case errors.As(err, &told):
	case errors.Is(err, fs.ErrNotExist):
		told = errNothing
	default:
		h.log.LogAttrs(r.Context(), slog.LevelError, "cannot answer request",
			slog.String("pattern", r.Pattern), slog.String("error", err.Error()))
		told = &refusal{http.StatusInternalServerError, "This page cannot be shown. The fault is on our side, it is in the operator's log, and no number was made up in its place."}
		if errors.Is(err, ErrAltered) {
			told.message = "This release is not shown: its file is not the one that was entered in the privacy ledger when it was published. The fault is in the operator's log."
		}
	}
	return told
}

// refuse shows the error page.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	told := h.told(r, err)
	page, err := h.page("error", errorView{h.frame(http.StatusText(told.status)), told.status, told.message})
	if err != nil {
		http.Error(w, told.message, told.status)
		return
	}
	page.status, page.cache = told.status, "no-store"
	page.write(w, r)
}

type errorView struct {
	frame
	Status  int
	Message string
}

func (res *response) write(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", or(res.cache, "no-cache"))
	if res.vary != "" {
		head.Set("Vary", res.vary)
	}
	if res.encoding != "" {
		head.Set("Content-Encoding", res.encoding)
	}
	if res.location != "" {
		http.Redirect(w, r, res.location, http.StatusSeeOther)
		return
	}
	head.Set("Content-Type", or(res.kind, "text/html; charset=utf-8"))
	if res.file != "" {
		head.Set("Content-Disposition", `attachment; filename="`+res.file+`"`)
	}
	if res.status != 0 {
		w.WriteHeader(res.status)
		_, _ = w.Write(res.body) // fails only when the reader has gone
		return
	}
	head.Set("ETag", `"`+digest(res.body)[:32]+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(res.body))
}

func (h *Handler) asset(r *http.Request) (*response, error) {
	name := r.PathValue("name")
	a, ok := h.assets[name]
	if !ok {
		return nil, errNothing
	}
	res := &response{kind: a.kind, vary: "Accept-Encoding", cache: "public, max-age=31536000, immutable"}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		res.body, res.encoding = a.packed, "gzip"
		return res, nil
	}
	var err error
	res.body, err = static.ReadFile("static/" + name)
	return res, err
}

func packed(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

// favicon is for the browser's own view of a file, such as the manifest, which can name no icon.
func (h *Handler) favicon(*http.Request) (*response, error) {
	body, err := static.ReadFile("static/icon.svg")
	return &response{kind: h.assets["icon.svg"].kind, body: body, cache: "public, max-age=86400"}, err
}

func (h *Handler) health(*http.Request) (*response, error) {
	return &response{kind: "text/plain; charset=utf-8", body: []byte("ok\n"), cache: "no-store"}, nil
}

func (h *Handler) nothing(*http.Request) (*response, error) { return nil, errNothing }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
