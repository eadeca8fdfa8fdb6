package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"throng"
	"throng/aggregate"
	"throng/anonymize"
	"throng/dashboards"
	"throng/ingest"
)

type dashboardCommand struct{ configured }

func (dashboardCommand) Help() string {
	return "Serves the releases of the state directory, read only. It opens neither the broker nor the store.\n\n" +
		"Example:\n  throng dashboards --config throng.yaml"
}

func (c dashboardCommand) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error {
		pages, err := n.pages()
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", n.cfg.Listen.Public)
		if err != nil {
			return fmt.Errorf("listen.public: %w", err)
		}
		n.log.Info("serving", slog.String("pages", "http://"+l.Addr().String()))
		return runStages(ctx, stage{"dashboards", serveHTTP(l, pages)})
	})
}

// pages are the dashboards of the configured sites.
func (n *node) pages() (http.Handler, error) {
	c := n.cfg
	p, err := aggregate.Calibrate(c.Privacy.K, c.Privacy.Epsilon, c.Privacy.Delta, "")
	if err != nil {
		return nil, err
	}
	sites, err := n.dashboardSites()
	if err != nil {
		return nil, err
	}
	return dashboards.New(dashboards.Options{
		Releases: n.dir.files(), Sites: sites, Logger: n.log, Clock: n.clock,
		Method: dashboards.Method{
			Version: programVersion(), Tree: aggregate.TreeVersion, Parameters: p, Assets: anonymize.AssetSuffixes(),
			Everyone: dashboards.Generalization{IPv4Bits: c.Privacy.IPv4Bits, IPv6Bits: c.Privacy.IPv6Bits, Time: time.Second, MajorStep: 1},
			OptedOut: dashboards.Generalization{IPv4Bits: c.Privacy.OptedOutIPv4Bits, IPv6Bits: c.Privacy.OptedOutIPv6Bits, Time: time.Minute, MajorStep: 10},
			Unit:     dashboards.Unit{IPv6Bits: 64},
			Lateness: c.Release.Lateness.Std(),
			Retention: []dashboards.RetentionClass{
				{Class: throng.ClassOptedOut, Keep: c.Retention.OptedOut.Std()},
				{Class: throng.ClassStandard, Keep: c.Retention.Standard.Std()},
				{Class: throng.ClassOpenUnits, Keep: 24*time.Hour + c.Retention.OpenUnits.Std()},
				{Class: throng.ClassEventsTopic, Keep: 24*time.Hour + c.Retention.EventsTopic.Std()},
			},
		},
	})
}

func (n *node) dashboardSites() ([]dashboards.Site, error) {
	var sites []dashboards.Site
	for _, s := range n.cfg.Sites {
		site := dashboards.Site{ID: s.ID, Title: s.Title, Hosts: s.Hosts}
		if s.PublicRoutes {
			var err error
			if site.Routes, err = readRoutes(s); err != nil {
				return nil, err
			}
		}
		for _, src := range n.cfg.Sources {
			site.Signals = site.Signals || src.Site == s.ID && carriesSignals(src)
		}
		sites = append(sites, site)
	}
	return sites, nil
}

// adminPages are metrics and health, for the operator's own network.
func (n *node) adminPages(s *ingest.Shipper, l *ingest.Loader, checks ...func(context.Context) error) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	count := func(name, help string, value func() uint64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "throng_" + name + "_total", Help: help}, func() float64 { return float64(value()) }))
	}
	count("ship_lines", "Lines that were read.", func() uint64 { return s.Progress().Lines })
	count("ship_lines_acknowledged", "Lines whose blocks the broker has.", func() uint64 { return s.Progress().Acked })
	count("ship_lines_rejected", "Lines that could not be read.", func() uint64 { return s.Progress().Rejected })
	count("ship_lines_late", "Lines of days that are closed.", func() uint64 { return s.Progress().Late })
	count("load_blocks", "Blocks that were loaded.", func() uint64 { return l.Progress().Blocks })
	count("load_rows", "Rows that were loaded.", func() uint64 { return l.Progress().Rows })
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "throng_ship_lag_bytes", Help: "Bytes of followed files that were not read yet."},
		func() float64 { return float64(s.Progress().Lag) }))

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		var errs []error
		for _, check := range checks {
			errs = append(errs, check(r.Context()))
		}
		if err := errors.Join(errs...); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
