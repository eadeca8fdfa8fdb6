package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"throng"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/internal/broker"
	"throng/internal/clickhouse"
	"throng/internal/durable"
	"throng/retention"
)

type serveCommand struct{ configured }

func (serveCommand) Help() string {
	return "Ships the configured sources, loads, closes days, deletes what is due and serves the dashboards, all in this\n" +
		"process, with the embedded broker and store unless the configuration names others. SIGTERM stops it within ten\n" +
		"seconds; it goes on where it was at the next start.\n\n" +
		"Example:\n  throng serve --config throng.yaml"
}

func (c serveCommand) Run(a *app, ctx context.Context) error {
	return c.untilTold(ctx, a, func(n *node) error {
		lock, err := durable.LockFile(n.dir.lock())
		if err != nil {
			return err
		}
		n.onClose(lock.Unlock)
		return n.serve(ctx, a)
	})
}

// serve opens the parts and runs them. They stop in this order: listeners, sources, which flush, the
// loader, which commits, the closer and the keeper; then the stores and the broker are closed.
func (n *node) serve(ctx context.Context, a *app) error {
	public, admin, err := n.listen()
	if err != nil {
		return err
	}
	b, s, err := n.openEngines(ctx)
	if err != nil {
		return err
	}
	ratchet, err := n.openKeys()
	if err != nil {
		return err
	}
	feeds, err := n.feeds(ctx, a.in, b)
	if err != nil {
		return err
	}
	shipper, err := n.shipper(feeds, b, ratchet)
	if err != nil {
		return err
	}
	if err := n.observe(ctx); err != nil {
		return err
	}
	loader, err := n.loader(b, s)
	if err != nil {
		return err
	}
	keeper, err := n.sweptKeeper(ctx, b, s)
	if err != nil {
		return err
	}
	if err := n.recordMethod(ctx); err != nil {
		return err
	}
	closer, err := n.closer(b, s)
	if err != nil {
		return err
	}
	pages, warm, err := n.public()
	if err != nil {
		return err
	}
	n.log.Info("serving", slog.String("pages", "http://"+public.Addr().String()), slog.String("metrics", "http://"+admin.Addr().String()+"/metrics"))
	seen := newPageMetrics()
	reg := metrics(measured{ship: shipper, load: loader, broker: b, closer: closer, keeper: n.keeperMetrics(keeper), seen: n.seen, ledger: n.dir.ledger(), pages: seen})
	checks := append([]check{checkPages(public.Addr()), n.checkReleases(), checkBroker(b), checkKeys(ratchet, n.clock), checkLedger(n.dir.ledger())}, checkStore(s)...)
	return runStages(ctx, append([]stage{
		{"dashboards", serveHTTP(public, seen.around(pages))},
		warm,
		{"metrics", serveHTTP(admin, withPlaces(adminPages(reg, n.cfg.Listen.Pprof, checks...), keeper, n.clock))},
		{"ship", untilStopped(shipper.Run)},
		{"load", loader.Run},
		{"close", closer.Run},
		{"retention", keeper.Run},
		{"keys", n.advance(ratchet)},
	}, n.watches...)...)
}

// sweptKeeper is a keeper that has swept once: whatever keeps days from being closed, such as a damaged
// ledger, what is due is deleted whenever the process is started. What may go away is tried again by the
// keeper when it runs.
func (n *node) sweptKeeper(ctx context.Context, b *broker.Client, s *clickhouse.Store) (*retention.Keeper, error) {
	keeper, err := n.keeper(ctx, b, s)
	if err != nil {
		return nil, err
	}
	if _, err := keeper.Sweep(ctx); err != nil && !throng.IsRetryable(err) {
		return nil, err
	}
	return keeper, nil
}

// untilStopped lets a stage whose work is done wait for its end: standard input can be over while the
// rest goes on.
func untilStopped(run func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := run(ctx); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}
}

// listen opens the configured addresses first, so that a taken port is found before anything else is.
func (n *node) listen() (public, admin net.Listener, err error) {
	if public, err = n.listenPublic(); err != nil {
		return nil, nil, err
	}
	if admin, err = n.listenAdmin(); err != nil {
		return nil, nil, errors.Join(err, public.Close())
	}
	return public, admin, nil
}

// withMetrics runs a stage that is a process of its own, and serves its metrics and whether what it needs is in
// order.
func (n *node) withMetrics(ctx context.Context, m measured, s stage, needs ...check) error {
	admin, err := n.listenAdmin()
	if err != nil {
		return err
	}
	return runStages(ctx, s, stage{"metrics", serveHTTP(admin, adminPages(metrics(m), n.cfg.Listen.Pprof, needs...))})
}

func (n *node) listenAdmin() (net.Listener, error) {
	l, err := net.Listen("tcp", n.cfg.Listen.Admin)
	if err != nil {
		return nil, fmt.Errorf("listen.admin: %w; each process of a machine needs an address of its own (THRONG_LISTEN_ADMIN)", err)
	}
	return l, nil
}

// stopServing bounds the time that open requests get when a listener stops.
const stopServing = 2 * time.Second

// newServer has limits for pages. What net/http itself would log is not logged: it names the address of
// whoever sent the request.
func newServer(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
}

// serveHTTP serves pages on a listener until the context ends.
func serveHTTP(l net.Listener, h http.Handler) func(context.Context) error {
	return serve(l, newServer(h))
}

// serve serves a listener until the context ends.
func serve(l net.Listener, srv *http.Server) func(context.Context) error {
	return func(ctx context.Context) error {
		done := make(chan error, 1)
		go func() { done <- srv.Serve(l) }()
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopServing)
		defer cancel()
		if err := srv.Shutdown(bounded); err != nil {
			return srv.Close()
		}
		return nil
	}
}

// shipper reads the configured sources.
func (n *node) shipper(feeds []ingest.Feed, b ingest.Broker, ratchet *keys.Ratchet) (*ingest.Shipper, error) {
	o, err := n.shipOptions(feeds, b, ratchet)
	if err != nil {
		return nil, err
	}
	return ingest.NewShipper(o)
}
