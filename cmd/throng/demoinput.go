package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"throng"
	"throng/ingest"
	"throng/internal/config"
	"throng/internal/loadgen"
)

// input is what the flags ask for.
func (c demoCommand) input(a *app, dir string) (*input, error) {
	if len(c.Logs) > 0 {
		return logsInput(dir, c.Logs)
	}
	return c.madeInput(a, dir)
}

// smallPages is the number of pages of the small site. They are the largest ones of the model, so
// that some are published.
const smallPages = 12

// madeInput is one busy day, yesterday, of a site with known readership.
func (c demoCommand) madeInput(a *app, dir string) (*input, error) {
	pages, err := readership(c.Readership, 10_000)
	if err != nil {
		return nil, err
	}
	if c.Small {
		slices.SortFunc(pages, func(a, b loadgen.Page) int { return cmp.Compare(b.Devices, a.Devices) })
		pages = smaller(pages[:min(smallPages, len(pages))])
	}
	day := throng.DayOf(a.clock.Now()) - 1
	log, err := loadgen.New(loadgen.Options{Readership: pages, Start: day.Start(), End: day.End(), Key: throng.LeafKey})
	if err != nil {
		return nil, err
	}
	cfg := demoConfig(dir, "archives", "The archives", config.Source{Name: "demo", Stdin: true, Format: "combined_signals"})
	cfg.Sites[0].PublicRoutes, cfg.Sites[0].CaseSensitive = true, true
	if cfg.Sites[0].RoutesFile, err = writeRoutes(dir, log.Routes()); err != nil {
		return nil, err
	}
	given := false
	return &input{
		cfg: cfg, first: day, lines: log.Lines(),
		next: func() (throng.Day, []ingest.Feed, bool) {
			if given {
				return 0, nil, false
			}
			given = true
			return day, []ingest.Feed{{Name: "demo", Site: "archives", Format: "combined_signals", Stream: log.Reader()}}, true
		},
		summary: func(d *demo) error { return d.summarize(day, log) },
	}, nil
}

// smaller keeps what is read by enough devices to be published, and no more visits than needed.
func smaller(pages []loadgen.Page) []loadgen.Page {
	for i := range pages {
		pages[i].Devices = min(pages[i].Devices, 7_000+1_000*uint64(len(pages)-i))
		pages[i].Visits = min(pages[i].Visits, 2*pages[i].Devices)
	}
	return pages
}

// writeRoutes writes the public route list of the demo's site.
func writeRoutes(dir string, routes []string) (string, error) {
	if err := layout(dir).create(); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "routes.txt")
	if err := os.WriteFile(path, []byte(strings.Join(routes, "\n")+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write routes: %w", err)
	}
	return path, nil
}

// logsInput is the reader's own logs, day by day over all files.
func logsInput(dir string, paths []string) (*input, error) {
	in := &input{first: math.MaxInt32}
	var feeds []*dayFeed
	var sources []config.Source
	for i, path := range paths {
		f, first, ok, err := openDayFeed(path)
		if err != nil {
			in.close()
			return nil, err
		}
		in.closers = append(in.closers, f.f)
		if !ok {
			in.close()
			return nil, fmt.Errorf("read log %s: no line has a time", path)
		}
		in.first = min(in.first, first)
		f.ahead, f.next = true, first
		f.name = feedName(path, i)
		feeds = append(feeds, f)
		sources = append(sources, config.Source{Name: f.name, Path: path, Format: f.format})
	}
	in.cfg = demoConfig(dir, "logs", "Your logs", sources...)
	in.next = func() (throng.Day, []ingest.Feed, bool) { return nextDay(feeds) }
	in.summary = (*demo).summarizeLogs
	return in, nil
}

// nextDay is the earliest day that a feed has still to give, with the feeds that do.
func nextDay(feeds []*dayFeed) (day throng.Day, out []ingest.Feed, ok bool) {
	for _, f := range feeds {
		if f.ahead && (!ok || f.next < day) {
			day, ok = f.next, true
		}
	}
	for _, f := range feeds {
		if f.ahead && f.next == day {
			f.start(day)
			out = append(out, ingest.Feed{Name: f.name, Site: "logs", Format: f.format, Stream: f})
		}
	}
	return day, out, ok
}
