package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"throng"
	"throng/aggregate"
	"throng/anonymize"
	"throng/dashboards"
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
		return runStages(ctx, stage{"dashboards", serveHTTP(l, pages)}, stage{"read releases", pages.Warm})
	})
}

// pages are the dashboards of the configured sites.
func (n *node) pages() (*dashboards.Handler, error) {
	c := n.cfg
	p, err := aggregate.Calibrate(aggregate.Budget{K: c.Privacy.K, Epsilon: c.Privacy.Epsilon, Delta: c.Privacy.Delta}, "")
	if err != nil {
		return nil, err
	}
	sites, err := n.dashboardSites()
	if err != nil {
		return nil, err
	}
	return dashboards.New(dashboards.Options{
		Releases: n.dir.files(), Sites: sites, Logger: n.log, Clock: n.clock, Ledger: n.dir.ledgerFile,
		Method: dashboards.Method{
			Version: programVersion(), Tree: aggregate.TreeVersion, Parameters: p, Assets: anonymize.AssetSuffixes(),
			Everyone: dashboards.Generalization{IPv4Bits: c.Privacy.IPv4Bits, IPv6Bits: c.Privacy.IPv6Bits, Time: time.Second, MajorStep: 1},
			OptedOut: dashboards.Generalization{IPv4Bits: c.Privacy.OptedOutIPv4Bits, IPv6Bits: c.Privacy.OptedOutIPv6Bits, Time: time.Minute, MajorStep: 10},
			Unit:     dashboards.Unit{IPv6Bits: 64, PerNetwork: throng.MaxUnitsPerNetwork, NetworkIPv4Bits: c.Privacy.IPv4Bits, NetworkIPv6Bits: c.Privacy.IPv6Bits},
			Lateness: c.Release.Lateness.Std(),
			Retention: []dashboards.RetentionClass{
				{Class: throng.ClassOptedOut, Keep: c.Retention.OptedOut.Std()},
				{Class: throng.ClassStandard, Keep: c.Retention.Standard.Std()},
				{Class: throng.ClassOpenUnits, Keep: 24*time.Hour + c.Retention.OpenUnits.Std()},
				{Class: throng.ClassFoldedUnits, Keep: c.Retention.FoldedUnits.Std()},
				{Class: throng.ClassEventsTopic, Keep: 24*time.Hour + c.Retention.EventsTopic.Std()},
			},
		},
	})
}

func (n *node) dashboardSites() ([]dashboards.Site, error) {
	var sites []dashboards.Site
	for _, s := range n.cfg.Sites {
		site := dashboards.Site{ID: s.ID, Title: s.Title, Hosts: s.Hosts}
		var err error
		if site.Parameters, err = aggregate.Calibrate(budgetOf(n.cfg, s), "", s.Tables...); err != nil {
			return nil, err
		}
		if s.PublicRoutes {
			if site.Routes, err = readRoutes(s); err != nil {
				return nil, err
			}
		}
		for _, src := range n.cfg.Sources {
			site.Signals = site.Signals || src.Site == s.ID && carriesSignals(src)
		}
		for _, note := range s.Notes {
			day, err := throng.ParseDay(note.Date)
			if err != nil {
				return nil, err // the configuration was checked: it is a day
			}
			site.Marks = append(site.Marks, dashboards.Mark{Day: day, Text: note.Text})
		}
		sites = append(sites, site)
	}
	return sites, nil
}
