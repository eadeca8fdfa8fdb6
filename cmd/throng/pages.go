package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/netutil"

	"throng"
	"throng/aggregate"
	"throng/anonymize"
	"throng/dashboards"
	"throng/dashboards/access"
	"throng/retention/hold"
)

type dashboardCommand struct{ configured }

func (dashboardCommand) Help() string {
	return "Serves the releases of the state directory, read only, on listen.public. It opens neither the broker nor the store.\n" +
		"Metrics and health are on listen.admin; where another stage of the machine has that address, set THRONG_LISTEN_ADMIN.\n\n" +
		"Example:\n  throng dashboards --config throng.yaml"
}

func (c dashboardCommand) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error {
		pages, warm, err := n.public()
		if err != nil {
			return err
		}
		l, admin, err := n.listen()
		if err != nil {
			return err
		}
		n.log.Info("serving", slog.String("pages", "http://"+l.Addr().String()), slog.String("metrics", "http://"+admin.Addr().String()+"/metrics"))
		seen := newPageMetrics()
		health := adminPages(metrics(measured{pages: seen}), n.cfg.Listen.Pprof, checkPages(l.Addr()), n.checkReleases())
		return runStages(ctx, stage{"dashboards", serveHTTP(l, seen.around(pages))}, warm, stage{"metrics", serveHTTP(admin, health)})
	})
}

// public are the dashboards as readers reach them, and the stage that reads releases into memory before
// somebody asks.
func (n *node) public() (http.Handler, stage, error) {
	pages, err := n.pages()
	if err != nil {
		return nil, stage{}, err
	}
	if warning := warnOfPolicy(pages.WellKnown(), n.clock.Now()); warning != "" {
		n.log.Warn("look at the Do Not Track policy", slog.String("what", warning))
	}
	o := access.Options{Pages: pages, Rate: n.cfg.Listen.Rate, TrustedProxies: n.cfg.Listen.TrustedProxies, Clock: n.clock}
	if path := n.cfg.Listen.TokensFile; path != "" {
		if o.Tokens, err = readTokens(path); err != nil {
			return nil, stage{}, fmt.Errorf("listen.tokens_file: %w", err)
		}
	}
	guarded, err := access.New(o)
	return guarded, stage{"read releases", pages.Warm}, err
}

func readTokens(path string) (*access.Tokens, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only: its error tells nothing
	return access.ReadTokens(f)
}

// listenPublic opens the public address, for as many connections at a time as are configured.
func (n *node) listenPublic() (net.Listener, error) {
	l, err := net.Listen("tcp", n.cfg.Listen.Public)
	if err != nil {
		return nil, fmt.Errorf("listen.public: %w", err)
	}
	return netutil.LimitListener(l, n.cfg.Listen.Connections), nil
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
	told, err := wellKnown(c.WellKnown)
	if err != nil {
		return nil, err
	}
	return dashboards.New(dashboards.Options{
		WellKnown: told, Transparency: n.transparency(),
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

// transparency is what the auditor's pages read of the state directory and the configuration.
func (n *node) transparency() dashboards.Transparency {
	t := n.cfg.Transparency
	out := dashboards.Transparency{
		Address: cmp.Or(t.Address, "http://"+n.cfg.Listen.Public+"/"), Contact: t.Contact, Versions: n.dir.methodVersions, Deletions: n.dir.deletions, Holds: n.holds,
	}
	for _, in := range t.Incidents {
		day := throng.DayOf(configuredDay(in.Day))
		out.Incidents = append(out.Incidents, dashboards.Incident{Day: day, Title: in.Title, Text: in.Text})
	}
	return out
}

// holds is what is published of the holds.
func (n *node) holds(context.Context) (throng.HoldSummary, error) {
	list, err := hold.ReadFile(n.dir.holds())
	return list.Summary(n.clock.Now()), err
}
