package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"throng"
	"throng/anonymize"
	"throng/ingest/accesslog"
	"throng/internal/config"
)

type routesCommand struct {
	Suggest suggestCommand `cmd:"" help:"Propose a route list from logs."`
}

func (routesCommand) Help() string {
	return "Example:\n  throng routes suggest --config throng.yaml /var/log/nginx/access.log*"
}

type suggestCommand struct {
	Config string `short:"c" placeholder:"F" help:"The configuration file: sites, hosts, k. Without it, one site and the defaults."`
	Site   string `placeholder:"ID" help:"The site whose routes are wanted. Defaults to the first one of the configuration."`
	lineOptions
	Devices int      `placeholder:"N" help:"How many distinct devices must have asked for what is proposed. Defaults to k, 5000 unless the configuration says more; less only on a terminal."`
	RawOK   bool     `help:"Write to a file or pipe although --devices is less than k. The output can then tell of few people."`
	Logs    []string `arg:"" placeholder:"LOG" help:"Logs, compressed by gzip or not; - is standard input."`
}

func (suggestCommand) Help() string {
	return "Reads logs and proposes routes and templates, one a line: what at least k distinct devices asked for, without\n" +
		"those who opted out. Segments that identify are never shown. Nothing is stored. Read the proposal before you use\n" +
		"it as a site's routes_file (docs/paths.md).\n\n" +
		"Example:\n  throng routes suggest --config throng.yaml /var/log/nginx/access.log* >blog.routes"
}

func (c suggestCommand) Run(a *app) error {
	cfg, site, err := c.site(a)
	if err != nil {
		return err
	}
	k := int(cfg.Privacy.Of(site).K)
	c.Devices = cmp.Or(c.Devices, k)
	if c.Devices < k && !c.RawOK && !isTerminal(a.out) {
		return usageError{fmt.Errorf("routes suggest: --devices %d is less than k = %d, and the output is no terminal: "+
			"it could tell of few people; leave --devices out, or --raw-ok writes it all the same", c.Devices, k)}
	}
	learner, err := anonymize.NewLearner(anonymize.LearnOptions{Devices: c.Devices, CaseSensitive: site.CaseSensitive})
	if err != nil {
		return usageError{err}
	}
	anon := &anyTime{cfg: cfg, site: site.ID}
	if c.Config != "" { // who opted out by name is in its list
		n := &node{cfg: cfg, dir: layout(cfg.Dir), clock: a.clock, log: newLogger(cfg.Log, a.err)}
		if anon.watched, err = n.openWatched(); err != nil {
			return err
		}
	}
	in := suggestion{learner: learner, anon: anon, site: site.ID}
	for _, name := range c.Logs {
		if err := in.read(a, name, c.lineOptions); err != nil {
			return err
		}
	}
	return in.write(a, c.Devices)
}

// site is the configuration in effect, without routes, and the site that is asked for.
func (c suggestCommand) site(a *app) (*config.Config, config.Site, error) {
	cfg := config.Default()
	cfg.Sites = []config.Site{{ID: cmp.Or(c.Site, "site")}}
	if c.Config != "" {
		var err error
		if cfg, err = (configured{c.Config}).load(a); err != nil {
			return nil, config.Site{}, err
		}
	}
	for i := range cfg.Sites {
		cfg.Sites[i].RoutesFile = "" // which may be what the proposal is for
	}
	for _, s := range cfg.Sites {
		if s.ID == c.Site || c.Site == "" {
			return cfg, s, nil
		}
	}
	return nil, config.Site{}, usageError{fmt.Errorf("routes suggest: the configuration has no site %q", c.Site)}
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// suggestion is what is learned from logs.
type suggestion struct {
	learner *anonymize.Learner
	anon    *anyTime
	site    string

	lines, refused int
}

// read learns from a log. Lines that are none are passed over, since a log may hold some.
func (s *suggestion) read(a *app, name string, o lineOptions) (err error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return usageError{fmt.Errorf("read log: %w", err)}
		}
		defer f.Close()
		in = f
	}
	if in, err = plainLog(in); err != nil {
		return fmt.Errorf("read log %s: %w", name, err)
	}
	lr, err := newLineReader(in, o)
	if err != nil {
		return fmt.Errorf("read log %s: %w", name, err)
	}
	if err := s.learn(lr); err != nil {
		return fmt.Errorf("read log %s: %w", name, err)
	}
	return nil
}

// plainLog gives a log without compression.
func plainLog(in io.Reader) (io.Reader, error) {
	b := bufio.NewReader(in)
	if magic, err := b.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		return gzip.NewReader(b)
	}
	return b, nil
}

func (s *suggestion) learn(lr *lineReader) error {
	var rec accesslog.Record
	var ev throng.Event
	for {
		line, _, err := lr.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.lines++
		if lr.parser.Parse(line, &rec) != nil {
			s.refused++
			continue
		}
		outcome, err := s.anon.anonymize(&rec, &ev)
		if err != nil {
			return err
		}
		if outcome == anonymize.Accepted && ev.Site == s.site {
			s.learner.Add(&rec, &ev)
		}
	}
}

// write prints the proposal. It says nothing of what is not in it, not even how much that is.
func (s *suggestion) write(a *app, devices int) error {
	routes := s.learner.Routes()
	out := bufio.NewWriter(a.out)
	fmt.Fprintf(out, "# Proposed by `throng routes suggest`: at least %d devices asked for each line. Read it before you use it.\n", devices)
	for _, route := range routes {
		fmt.Fprintln(out, route)
	}
	fmt.Fprintf(a.err, "%d lines read, %d of them no access log; %d routes proposed\n", s.lines, s.refused, len(routes))
	if s.learner.Full() {
		fmt.Fprintln(a.err, "there are more pages than are remembered: give the logs of fewer days, or of one site, to see them all")
	}
	if len(routes) == 0 {
		fmt.Fprintf(a.err, "nothing was asked for by %d devices: give the logs of more days\n", devices)
	}
	return out.Flush()
}
