package dashboards

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"

	"throng"
)

// recentPeriods is how many earlier periods a site's card leads to.
const recentPeriods = 7

type overviewView struct {
	frame
	K     int64
	Sites []siteCard
}

// siteCard is a site on the overview. Figures is nil where nothing was released yet, or where the
// latest release is Broken.
type siteCard struct {
	*site
	Latest  throng.Period
	URL     string
	Figures *figures
	Broken  bool
	// K is the site's.
	K int64
	// Watermark of the latest release.
	Watermark string
	Recent    []link
}

func (h *Handler) overview(r *http.Request) (*response, error) {
	ids, err := h.catalog.list(r.Context())
	if err != nil {
		return nil, err
	}
	view := overviewView{frame: h.frame("Readership"), K: h.method.Parameters.K}
	view.Watermark = h.method.Parameters.Watermark
	for _, s := range h.sites {
		card := h.card(r.Context(), s, historyOf(ids, s.ID, throng.PathTable))
		view.Sites = append(view.Sites, card)
		view.Watermark = or(view.Watermark, card.Watermark)
	}
	return h.page("overview", view)
}

// card shows a broken release as broken instead of failing, so that one site's damaged file does not
// hide the others.
func (h *Handler) card(ctx context.Context, s *site, past history) siteCard {
	card := siteCard{site: s, K: s.Parameters.K}
	latest, ok := past.latest()
	if !ok {
		return card
	}
	card.Latest, card.URL = latest, releaseURL(s.ID, throng.PathTable, latest)
	same := past.of(latest.Kind())
	for _, p := range same[1:min(len(same), recentPeriods+1)] {
		card.Recent = append(card.Recent, link{p.String(), releaseURL(s.ID, throng.PathTable, p)})
	}
	b, err := h.catalog.brief(ctx, throng.ReleaseID{Site: s.ID, Table: throng.PathTable, Period: latest})
	if err != nil {
		h.log.LogAttrs(ctx, slog.LevelError, "cannot show latest release", slog.String("error", err.Error()))
		card.Broken = true
		return card
	}
	card.Figures, card.Watermark = &b.figures, b.Watermark
	return card
}

func releaseURL(site, table string, p throng.Period) string {
	return "/sites/" + url.PathEscape(site) + "/" + url.PathEscape(table) + "/" + p.String()
}

type pendingView struct {
	frame
	Site   *site
	Method methodView
}

// choose answers the form that switches site and period, without which browsers would need a script.
// A period that the other site does not have leads to that site's latest one.
func (h *Handler) choose(r *http.Request) (*response, error) {
	form := r.URL.Query()
	s, err := h.site(form.Get("site"))
	if err != nil {
		return nil, err
	}
	id, ok := parseID(s.ID, or(form.Get("table"), throng.PathTable), form.Get("period"))
	if !ok {
		return &response{location: "/sites/" + url.PathEscape(s.ID)}, nil
	}
	switch _, err := h.catalog.sheet(r.Context(), id); {
	case errors.Is(err, fs.ErrNotExist):
		return &response{location: "/sites/" + url.PathEscape(s.ID)}, nil
	case err != nil:
		return nil, err
	}
	return &response{location: releaseURL(id.Site, id.Table, id.Period)}, nil
}
