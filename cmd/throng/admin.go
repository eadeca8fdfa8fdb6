package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"throng"
	"throng/aggregate/ledger"
	"throng/anonymize/keys"
	"throng/internal/broker"
	"throng/internal/clickhouse"
)

// check looks whether a part is in order that a process needs for its work.
type check struct {
	part string
	look func(context.Context) error
}

// checkWithin bounds all checks of one request: who asks waits no longer than a scraper does.
const checkWithin = 5 * time.Second

// adminPages are metrics, health and, where it is asked for, profiles: for the operator's own network.
func adminPages(reg *prometheus.Registry, profiles bool, checks ...check) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { showReady(w, r, checks) })
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// showReady has a line for each part; the status is 503 where one is not in order.
func showReady(w http.ResponseWriter, r *http.Request, checks []check) {
	ctx, cancel := context.WithTimeout(r.Context(), checkWithin)
	defer cancel()
	var lines strings.Builder
	status := http.StatusOK
	for _, c := range checks {
		state := "ok"
		if err := c.look(ctx); err != nil {
			status, state = http.StatusServiceUnavailable, strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Fprintf(&lines, "%-8s %s\n", c.part, state)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprint(w, lines.String())
}

func checkBroker(b *broker.Client) check { return check{"broker", b.Ping} }

// checkStore looks whether the store answers, and whether its tables are those of this program.
func checkStore(s *clickhouse.Store) []check {
	return []check{{"store", s.Ping}, {"schema", s.CheckSchema}}
}

// checkKeys looks whether the key in force is that of the span that runs.
func checkKeys(r *keys.Ratchet, clock throng.Clock) check {
	return check{"keys", func(context.Context) error {
		if !r.Status().Next.After(clock.Now()) {
			return errors.New("the key in force is that of a span that is over: see in the log why it was not replaced")
		}
		return nil
	}}
}

// checkPages looks whether the public listener answers, as a reader would find it.
func checkPages(public net.Addr) check {
	return check{"pages", func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+reachable(public)+"/healthz", nil)
		if err != nil {
			return err
		}
		r.Close = true
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return fmt.Errorf("ask listen.public: %w", err)
		}
		if err := res.Body.Close(); err != nil {
			return fmt.Errorf("ask listen.public: %w", err)
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("ask listen.public: the answer is %s", res.Status)
		}
		return nil
	}}
}

// reachable is the address at which this machine reaches a listener of its own, which can be on all of them.
func reachable(listener net.Addr) string {
	host, port, err := net.SplitHostPort(listener.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return listener.String()
}

// checkReleases looks whether the releases can be listed, and whether there is a ledger beside them that ends
// where it was left; before the first release there is neither.
func (n *node) checkReleases() check {
	return check{"releases", func(ctx context.Context) error {
		ids, err := n.dir.files().List(ctx)
		if err != nil || len(ids) == 0 {
			return err
		}
		_, err = ledger.Check(n.dir.ledger())
		return err
	}}
}

// checkLedger looks whether the ledger is there and ends where it was left.
func checkLedger(dir string) check {
	return check{"ledger", func(context.Context) error {
		_, err := ledger.Check(dir)
		return err
	}}
}
