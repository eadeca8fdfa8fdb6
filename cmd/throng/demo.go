package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"throng"
	"throng/aggregate"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/internal/broker"
	"throng/internal/clickhouse"
	"throng/internal/config"
	"throng/retention"
)

type demoCommand struct {
	Dir        string   `placeholder:"D" help:"Keep the state here instead of in a temporary directory that is deleted in the end. It has to be new."`
	Logs       []string `placeholder:"FILE" help:"Your own logs instead of made ones, day by day."`
	Files      []string `arg:"" optional:"" hidden:""`
	Readership string   `placeholder:"CSV" help:"The readership table to replay (page,pageviews,visits,active_visitors). Defaults to a built-in model."`
	Small      bool     `help:"A small site; ends within 20 seconds."`
	NoServe    bool     `help:"End after the summary."`
	Listen     string   `default:"127.0.0.1:8080" help:"Where to serve; a taken port gives the next free one."`
	Verbose    bool     `help:"Show the program's own log."`
}

func (demoCommand) Help() string {
	return "Replays a busy day of one site, with known truth, through everything that Throng is: ship, broker, store, close, release,\n" +
		"retention and dashboards. With --logs it does the same with your logs, day by day; nothing under 5,000 devices is shown.\n\n" +
		"Example:\n  throng demo --logs /var/log/nginx/access.log --dir /tmp/throng-demo"
}

// demo is a run of the demo: all of Throng in one process, under a clock that is moved.
type demo struct {
	*node
	out     io.Writer
	moved   *movedClock
	broker  *broker.Client
	store   *clickhouse.Store
	ratchet *keys.Ratchet
	loader  *ingest.Loader
	closer  *aggregate.Closer
	keeper  *retention.Keeper
	total   ingest.Tally
}

func (c demoCommand) Run(a *app, ctx context.Context) error {
	c.Logs = append(c.Logs, c.Files...)
	dir, remove, err := c.directory()
	if err != nil {
		return err
	}
	return errors.Join(c.run(a, ctx, dir), remove())
}

// directory is a new state directory and what removes it in the end.
func (c demoCommand) directory() (dir string, remove func() error, err error) {
	if c.Dir == "" {
		dir, err = os.MkdirTemp("", "throng-demo-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	if entries, err := os.ReadDir(c.Dir); err == nil && len(entries) > 0 {
		return "", nil, usageError{fmt.Errorf("demo: %s is not empty; the demo needs a directory of its own", c.Dir)}
	}
	return c.Dir, func() error { return nil }, nil
}

func (c demoCommand) run(a *app, ctx context.Context, dir string) error {
	in, err := c.input(a, dir)
	if err != nil {
		return err
	}
	defer in.close()
	if err := in.cfg.Check(); err != nil {
		return usageError{err}
	}
	logTo := io.Discard
	if c.Verbose {
		logTo = a.err
	}
	clock := &movedClock{}
	clock.Set(in.first.Start())
	n, err := newNode(in.cfg, clock, logTo)
	if err != nil {
		return err
	}
	d := &demo{node: n, out: a.out, moved: clock}
	return errors.Join(func() error {
		if err := d.open(ctx); err != nil {
			return err
		}
		if err := d.replay(ctx, a.err, in); err != nil || c.NoServe {
			return err
		}
		return d.show(ctx, c.Listen)
	}(), n.close())
}

// open starts the parts, in the order of node.serve.
func (d *demo) open(ctx context.Context) (err error) {
	if d.broker, err = d.openBroker(ctx); err != nil {
		return err
	}
	if d.store, err = d.openStore(ctx); err != nil {
		return err
	}
	if d.ratchet, err = d.openKeys(); err != nil {
		return err
	}
	if d.loader, err = d.node.loader(d.broker, d.store); err != nil {
		return err
	}
	if d.closer, err = d.node.closer(d.broker, d.store); err != nil {
		return err
	}
	if err = d.recordMethod(ctx); err != nil {
		return err
	}
	d.keeper, err = d.node.keeper(ctx, d.broker, d.store)
	return err
}

// input is what a demo replays.
type input struct {
	cfg   *config.Config
	first throng.Day
	// lines is how many lines are to come; 0 is unknown.
	lines uint64
	// next gives the next day with its feeds; ok is false when there are no more.
	next func() (day throng.Day, feeds []ingest.Feed, ok bool)
	// summary prints what can be said of the whole in the end.
	summary func(*demo) error
	closers []io.Closer
}

func (in *input) close() {
	for _, c := range in.closers {
		_ = c.Close() // opened for reading only
	}
}

// replay runs every day through ship, load, close and retention, and prints the summary.
func (d *demo) replay(ctx context.Context, stderr io.Writer, in *input) error {
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan error, 1)
	go func() { loaded <- d.loader.Run(loading) }()
	err := d.days(ctx, stderr, in)
	stop()
	if err := errors.Join(err, <-loaded); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return errors.New("demo: interrupted")
	}
	return in.summary(d)
}

func (d *demo) days(ctx context.Context, stderr io.Writer, in *input) error {
	started := time.Now()
	for {
		day, feeds, ok := in.next()
		if !ok || ctx.Err() != nil {
			return nil
		}
		fmt.Fprintf(d.out, "%s: shipping, loading\n", day)
		if err := d.day(ctx, stderr, in, day, feeds); err != nil {
			return fmt.Errorf("%s: %w", day, err)
		}
		fmt.Fprintf(d.out, "%s: closed, published, swept (%.1f s since the start)\n", day, time.Since(started).Seconds())
	}
}

// day moves the clock to the time at which the day is closed at the latest, and does it.
func (d *demo) day(ctx context.Context, stderr io.Writer, in *input, day throng.Day, feeds []ingest.Feed) error {
	d.moved.Set(day.End().Add(d.cfg.Release.Lateness.Std()))
	if err := d.ratchet.Advance(d.moved.Now()); err != nil {
		return err
	}
	s, err := d.shipper(feeds, d.broker, d.ratchet)
	if err != nil {
		return err
	}
	bar := showProgress(stderr, func() (float64, string) { return d.progress(in, s) })
	err = s.Run(ctx)
	bar.finish()
	if err == nil {
		fmt.Fprintln(d.out, "  bounding, gating and drawing")
		err = d.close(ctx, day)
	}
	d.total.Add(s.Tally())
	if err != nil {
		return err
	}
	_, err = d.keeper.Sweep(ctx)
	return err
}

func (d *demo) progress(in *input, s *ingest.Shipper) (share float64, text string) {
	p, l := s.Progress(), d.loader.Progress()
	text = fmt.Sprintf("%s lines read, %s refused, %s rows loaded", thousands(p.Lines), thousands(p.Rejected), thousands(l.Rows))
	if in.lines == 0 {
		return -1, text
	}
	return float64(p.Lines) / float64(in.lines), text
}

// close closes a day as soon as all is loaded.
func (d *demo) close(ctx context.Context, day throng.Day) error {
	for !d.closed(day.Period()) {
		if _, _, err := d.closer.Tick(ctx); err != nil && !throng.IsRetryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// show serves the pages until ctx ends.
func (d *demo) show(ctx context.Context, addr string) error {
	l, err := listenNext(addr)
	if err != nil {
		return err
	}
	d.cfg.Listen.Public = l.Addr().String() // which the pages say
	pages, warm, err := d.public()
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(d.out, "\nServing http://%[1]s/ — press Ctrl-C to stop.\n  tables   http://%[1]s/\n  method   http://%[1]s/method\n  check    http://%[1]s/transparency\n", l.Addr())
	return runStages(ctx, stage{"dashboards", serveHTTP(l, pages)}, warm)
}

// listenNext listens on the address, or on the next free port of the hundred behind it.
func listenNext(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen: %w", err)}
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen: port %q is no number", port)}
	}
	for p := first; ; p++ {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		if err == nil || p == first+100 || first == 0 {
			return l, err
		}
	}
}

// demoConfig is the configuration of a demo with one site.
func demoConfig(dir, site, title string, sources ...config.Source) *config.Config {
	cfg := config.Default()
	cfg.Dir = dir
	cfg.Sites = []config.Site{{ID: site, Title: title}}
	for _, s := range sources {
		defaults := config.DefaultSource()
		s.Site, s.HTTP, s.Kafka = site, defaults.HTTP, defaults.Kafka
		cfg.Sources = append(cfg.Sources, s)
	}
	return cfg
}

// feedName makes a feed's name of a file's: letters, digits, dots, dashes and underscores.
func feedName(path string, i int) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.', r == '-', r == '_':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, filepath.Base(path))
	return fmt.Sprintf("log%d-%.40s", i+1, name)
}
