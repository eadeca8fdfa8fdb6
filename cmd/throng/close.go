package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/ledger"
	"throng/ingest"
	"throng/ingest/block"
	"throng/internal/broker"
	"throng/internal/clickhouse"
	"throng/internal/config"
	"throng/internal/durable"
)

type closeCommand struct {
	configured
	Once bool `help:"Close what is due now, say what waits for what, and stop."`
}

func (closeCommand) Help() string {
	return "Closes each day once every source has read past it (or the lateness limit has run out) and all is loaded: bounds\n" +
		"contributions, charges the ledger, draws, writes the release, drops the unit tokens. Then it closes the spans (days 1-8,\n" +
		"9-16, 17-24, 25-end) and sums the months that are over. One process at a time; its metrics are served on listen.admin.\n" +
		"With --once the exit code is 1 when a day is past its lateness limit and could not be closed.\n\n" +
		"Example:\n  throng close --config throng.yaml"
}

func (c closeCommand) Run(a *app, ctx context.Context) error {
	if c.Once {
		return c.run(a, func(n *node) error { return c.close(a, ctx, n) })
	}
	return c.untilTold(ctx, a, func(n *node) error { return c.close(a, ctx, n) })
}

func (c closeCommand) close(a *app, ctx context.Context, n *node) error {
	b, s, err := n.openEngines(ctx)
	if err != nil {
		return err
	}
	if err := n.observe(ctx); err != nil {
		return err
	}
	closer, err := n.closer(b, s)
	if err != nil {
		return err
	}
	if err := n.recordMethod(ctx); err != nil {
		return err
	}
	if len(n.cfg.Sources) == 0 {
		n.log.Warn("sources is empty: a day can be closed before a source has sent its first line; list the sources of every machine")
	}
	if !c.Once {
		return n.withMetrics(ctx, measured{closer: closer, seen: n.seen, ledger: n.dir.ledger()}, stage{"close", closer.Run},
			append(checkStore(s), checkBroker(b), checkLedger(n.dir.ledger()))...)
	}
	closed, waiting, err := closer.Tick(ctx)
	for _, period := range closed {
		fmt.Fprintf(a.out, "%s closed\n", period)
	}
	for _, w := range waiting {
		fmt.Fprintln(a.out, sayWaiting(w))
	}
	if err == nil {
		err = overdue(waiting)
	}
	return err
}

// overdue is the error of days that should have been closed.
func overdue(waiting []aggregate.Waiting) error {
	if !slices.ContainsFunc(waiting, func(w aggregate.Waiting) bool { return w.Overdue }) {
		return nil
	}
	return errors.New("close: a day is past its lateness limit and not closed: look at what it waits for, above; once its deadline is past it will have no release")
}

// sayWaiting says what a day waits for, and until when it may.
func sayWaiting(w aggregate.Waiting) string {
	switch w.Reason {
	case aggregate.NotOver:
		return fmt.Sprintf("%s waits: it is not over", w.Day)
	case aggregate.FeedsBehind:
		return fmt.Sprintf("%s waits for sources that have not read past it: %s", w.Day, strings.Join(w.Feeds, ", "))
	case aggregate.Loading:
		return fmt.Sprintf("%s waits for loaders: see that `throng load` runs; its deadline is %s", w.Day, w.Deadline.Format(time.RFC3339))
	case aggregate.Lost:
		return fmt.Sprintf("%s is lost: it was not closed by %s, when its unit tokens had to go; it will have no release", w.Day, w.Deadline.Format(time.RFC3339))
	}
	return fmt.Sprintf("%s failed and is tried again; its deadline is %s", w.Day, w.Deadline.Format(time.RFC3339))
}

// closer closes the configured sites' days.
func (n *node) closer(b *broker.Client, s *clickhouse.Store) (*aggregate.Closer, error) {
	l, err := n.openLedger()
	if err != nil {
		return nil, err
	}
	o := aggregate.Options{
		Store: s, Broker: b, Ledger: l, Clock: n.clock, Logger: n.log, Releases: n.dir.releases(),
		Group:         ingest.LoadGroup,
		ClosingMarker: func(d throng.Day) []byte { return block.Closing(nil, d) },
		K:             n.cfg.Privacy.K, Epsilon: n.cfg.Privacy.Epsilon, Delta: n.cfg.Privacy.Delta,
		Settle: n.cfg.Release.Settle.Std(), Lateness: n.cfg.Release.Lateness.Std(),
		Tables: map[string][]string{}, Routes: map[string][]string{}, Stricter: map[string]aggregate.Budget{},
	}
	if n.seen != nil {
		o.Observe = n.seen.close
	}
	for _, site := range n.cfg.Sites {
		o.Sites = append(o.Sites, site.ID)
		o.Tables[site.ID], o.Stricter[site.ID] = site.Tables, budgetOf(n.cfg, site)
		if o.Routes[site.ID], err = readRoutes(site); err != nil {
			return nil, err
		}
	}
	for _, src := range n.cfg.Sources {
		o.Feeds = append(o.Feeds, src.Name)
	}
	return aggregate.New(o)
}

// budgetOf is what a device of a site may cost.
func budgetOf(cfg *config.Config, s config.Site) aggregate.Budget {
	p := cfg.Privacy.Of(s)
	return aggregate.Budget{K: p.K, Epsilon: p.Epsilon, Delta: p.Delta}
}

// openLedger opens the ledger, and creates it in a state directory that never had one: the file
// `genesis` says that it had. A ledger that is missing afterwards stops the program.
func (n *node) openLedger() (*ledger.Ledger, error) {
	genesis := n.dir.path("genesis")
	_, err := os.Stat(genesis)
	var l *ledger.Ledger
	switch {
	case err == nil:
		l, err = ledger.Open(n.dir.ledger())
	case errors.Is(err, fs.ErrNotExist):
		if l, err = ledger.Create(n.dir.ledger()); errors.Is(err, fs.ErrExist) {
			l, err = ledger.Open(n.dir.ledger())
		}
		if err == nil {
			err = durable.WriteFile(genesis, []byte(n.clock.Now().UTC().Format(time.RFC3339)+" the ledger was created\n"))
		}
	}
	if l != nil {
		n.onClose(l.Close)
	}
	return l, err
}
