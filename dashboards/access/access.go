package access

import (
	"errors"
	"net/http"
	"strings"

	"throng"
)

// Pages are what readers want.
type Pages interface {
	http.Handler
	// ForEveryone tells whether a path is open to readers without a token.
	ForEveryone(path string) bool
	// Refuse answers with a page that says why.
	Refuse(w http.ResponseWriter, r *http.Request, status int, message string)
}

// Options configure a [New].
type Options struct {
	// Pages are what stands behind. Required.
	Pages Pages
	// Tokens are asked for where a path is not for everyone. Defaults to none: then everything is.
	Tokens *Tokens
	// Rate is how many requests a second a network (IPv4 /24, IPv6 /48) may send in the long run, from 1; ten
	// seconds' worth may come at once. Required.
	Rate int
	// TrustedProxies is how many proxies a request passes. With N, the reader's address is the N-th from the
	// right in X-Forwarded-For; with 0 it is the connection's, and those of this machine are not limited.
	TrustedProxies int
	// Clock tells how fast requests come. Required.
	Clock throng.Clock
}

// New puts limits before pages.
func New(o Options) (http.Handler, error) {
	if o.Pages == nil || o.Rate < 1 || o.TrustedProxies < 0 || o.Clock == nil {
		return nil, errors.New("check access options: Pages, Rate from 1 and Clock are required")
	}
	return &gate{o, newLimiter(o.Rate)}, nil
}

type gate struct {
	Options
	limit *limiter
}

// ServeHTTP lets a request through, or says why not.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if network, limited := networkOf(r, g.TrustedProxies); limited && !g.limit.allow(network, g.Clock.Now()) {
		w.Header().Set("Retry-After", "1")
		g.Pages.Refuse(w, r, http.StatusTooManyRequests, "Your network asks for more pages a second than this server gives. Wait a moment, then go on.")
		return
	}
	if g.Tokens == nil || g.Pages.ForEveryone(r.URL.Path) {
		g.Pages.ServeHTTP(w, r)
		return
	}
	w.Header().Add("Vary", "Authorization")
	if !g.Tokens.admit(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="Throng: any name, and your token as the password", charset="UTF-8"`)
		g.Pages.Refuse(w, r, http.StatusUnauthorized, "These pages are for analysts who have a token. What was published, and how to check it, is open to everyone.")
		return
	}
	g.Pages.ServeHTTP(&private{ResponseWriter: w}, r)
}

// private keeps shared caches from giving an answer to readers without a token.
type private struct {
	http.ResponseWriter
	begun bool
}

func (p *private) WriteHeader(status int) {
	if !p.begun {
		p.begun = true
		h := p.Header()
		h.Set("Cache-Control", strings.Replace(h.Get("Cache-Control"), "public", "private", 1))
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *private) Write(b []byte) (int, error) {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	return p.ResponseWriter.Write(b)
}
