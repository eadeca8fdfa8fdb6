package access

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// bucketSeconds is how many seconds' worth of requests may come at once. A bucket that was not used for
	// so long is full, and one that was never there is too: so it can be forgotten.
	bucketSeconds = 10
	// maxNetworks bounds the memory; networks beyond it share one bucket.
	maxNetworks = 1 << 16
)

// limiter has a bucket for each network. It forgets in generations: what was not used in the last one is
// gone with it.
type limiter struct {
	perSecond int

	mu        sync.Mutex
	now, last map[netip.Prefix]*rate.Limiter // guarded by mu
	turned    time.Time                      // when now became last; guarded by mu
	overflow  *rate.Limiter
}

func newLimiter(perSecond int) *limiter {
	l := &limiter{perSecond: perSecond, now: map[netip.Prefix]*rate.Limiter{}}
	l.overflow = l.bucket()
	return l
}

func (l *limiter) bucket() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(l.perSecond), l.perSecond*bucketSeconds)
}

// allow takes a request of a network out of its bucket.
func (l *limiter) allow(network netip.Prefix, at time.Time) bool {
	return l.of(network, at).AllowN(at, 1)
}

func (l *limiter) of(network netip.Prefix, at time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if age := at.Sub(l.turned); age >= bucketSeconds*time.Second {
		l.last, l.now, l.turned = l.now, map[netip.Prefix]*rate.Limiter{}, at
		if age >= 2*bucketSeconds*time.Second {
			l.last = nil
		}
	}
	b := l.now[network]
	if b == nil {
		if b = l.last[network]; b == nil {
			if len(l.now) >= maxNetworks {
				return l.overflow
			}
			b = l.bucket()
		}
		l.now[network] = b
	}
	return b
}

// networkOf is the network of the reader; ok is false for one that is not limited: of this machine, where
// no proxy is trusted to say for whom it asks.
func networkOf(r *http.Request, proxies int) (network netip.Prefix, ok bool) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	addr := from.Addr()
	if err != nil || proxies == 0 && addr.IsLoopback() {
		return netip.Prefix{}, false
	}
	if proxies > 0 {
		if told, ok := forwarded(r.Header, proxies); ok {
			addr = told
		}
	}
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	network, err = addr.Prefix(bits)
	return network, err == nil
}

// forwarded is the n-th address from the right in X-Forwarded-For: those to its left are what the client
// says.
func forwarded(h http.Header, n int) (netip.Addr, bool) {
	list := strings.Split(strings.Join(h.Values("X-Forwarded-For"), ","), ",")
	if len(list) < n {
		return netip.Addr{}, false
	}
	text := strings.TrimSpace(list[len(list)-n])
	if addr, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return addr, true
	}
	from, err := netip.ParseAddrPort(text)
	return from.Addr(), err == nil
}
