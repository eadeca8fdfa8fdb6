package wellknown

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// maxAge is how long caches may keep a tracking status: a change to more tracking has to be announced
// at least that long, and a day, before (section 7.4.4).
const maxAge = "max-age=86400"

// Options configure a [Handler]. What is left out is answered with 404.
type Options struct {
	// Policy is EFF's Do Not Track policy. Defaults to none.
	Policy *Policy
	// Status is the site-wide tracking status. Defaults to none.
	Status *Status
	// OptedOut is its value in the answer to DNT: 1. Defaults to that of Status.
	OptedOut Value
	// Requests are the values of single requests by their status-id; their other properties are those of
	// Status, which is required with them. Defaults to none.
	Requests map[string]Value
	// GPC is the support resource of Global Privacy Control. Defaults to none.
	GPC *GPC
}

// Handler serves the well-known resources below /.well-known/. It answers GET and HEAD.
type Handler struct {
	mux    *http.ServeMux
	policy *Policy
}

// New makes a handler. It refuses a status that the specification forbids.
func New(o Options) (*Handler, error) {
	h := &Handler{mux: http.NewServeMux(), policy: o.Policy}
	if o.Policy != nil {
		h.mux.HandleFunc("GET "+PolicyPath, fixed("text/plain; charset=utf-8", "max-age=3600", o.Policy.text))
	}
	if o.GPC != nil {
		if o.GPC.Updated.IsZero() {
			return nil, errors.New("check well-known resources: gpc has no date of its last update")
		}
		body, err := encode(o.GPC.file())
		if err != nil {
			return nil, err
		}
		h.mux.HandleFunc("GET "+GPCPath, fixed("application/json", "max-age=3600", body))
	}
	return h, h.statuses(o)
}

// Policy is what is served as EFF's policy; nil is none.
func (h *Handler) Policy() *Policy { return h.policy }

// ServeHTTP answers a request. Anything that is not served is 404.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) statuses(o Options) error {
	if o.Status == nil {
		if len(o.Requests) > 0 || o.OptedOut != "" {
			return errors.New("check well-known resources: there is a tracking status of some requests and none of the site")
		}
		return nil
	}
	all, err := o.Status.encode(o.Status.Tracking, siteWide)
	if err != nil {
		return err
	}
	optedOut, cache := all, "public, "+maxAge
	if o.OptedOut != "" && o.OptedOut != o.Status.Tracking {
		cache = maxAge
		if optedOut, err = o.Status.encode(o.OptedOut, siteWide); err != nil {
			return err
		}
	}
	everyone, out := fixed(StatusType, cache, all), fixed(StatusType, cache, optedOut)
	h.mux.HandleFunc("GET "+StatusPath+"{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "DNT") // also where the answers are alike, so that they can come to differ
		if SignalsOf(r.Header).DNTOut {
			out(w, r)
			return
		}
		everyone(w, r)
	})
	for id, value := range o.Requests {
		if !statusID.MatchString(id) || strings.HasPrefix(id, "/") || strings.HasSuffix(id, "/") || strings.Contains(id, "//") {
			return fmt.Errorf("check well-known resources: %q cannot name a tracking status", id)
		}
		body, err := o.Status.encode(value, ofRequest)
		if err != nil {
			return fmt.Errorf("status %s: %w", id, err)
		}
		h.mux.HandleFunc("GET "+StatusPath+id, fixed(StatusType, "public, "+maxAge, body))
	}
	return nil
}

// encode gives the status with another value.
func (s Status) encode(v Value, at place) ([]byte, error) {
	s.Tracking = v
	if err := s.check(at); err != nil {
		return nil, fmt.Errorf("check well-known resources: %w", err)
	}
	return encode(s)
}

func encode(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}

// fixed answers with one body.
func fixed(kind, cache string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Type", kind)
		head.Set("Cache-Control", cache)
		head.Set("Content-Length", fmt.Sprint(len(body)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(body) // fails only when the reader has gone
		}
	}
}

// Overdue tells whether the policy should have been asserted again by now, and Soon whether that falls
// due within a month.
func (p *Policy) Overdue(now time.Time) bool { return !now.Before(p.Due()) }

// Soon is described with [Policy.Overdue].
func (p *Policy) Soon(now time.Time) bool { return !now.Before(p.Due().AddDate(0, -1, 0)) }
