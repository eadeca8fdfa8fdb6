package dashboards

import (
	"net/http"
	"slices"

	"throng/dashboards/wellknown"
)

const signalPath = "/privacy/signal"

// signalPage tells visitors what was seen of their signals in this one request.
type signalPage struct {
	frame
	wellknown.Signals
	Contact   string
	Retention []retentionView
	OptedOut  Generalization
	Everyone  Generalization
	// Blind are sites whose log has no signals.
	Blind     []string
	AnySignal bool
}

// showSignal answers from the request alone, keeps nothing of it, and lets nobody else keep it.
func (h *Handler) showSignal(r *http.Request) (*response, error) {
	v := signalPage{frame: h.frame("What your browser says about tracking"), Signals: wellknown.SignalsOf(r.Header), Contact: h.audit.Contact,
		Retention: h.method.Retention, OptedOut: h.method.OptedOut, Everyone: h.method.Everyone}
	for _, s := range h.sites {
		if !s.Signals {
			v.Blind = append(v.Blind, s.Title)
		}
	}
	v.AnySignal = slices.ContainsFunc(h.sites, func(s *site) bool { return s.Signals })
	page, err := h.page("signal", v)
	if err == nil {
		page.cache, page.vary = "no-store", "DNT, Sec-GPC"
	}
	return page, err
}

// WellKnown answers below /.well-known/; nil where nothing does.
func (h *Handler) WellKnown() *wellknown.Handler { return h.wellKnown }
