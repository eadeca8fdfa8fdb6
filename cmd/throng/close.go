package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/ledger"
	"throng/ingest"
	"throng/ingest/block"
	"throng/internal/broker"
	"throng/internal/clickhouse"
	"throng/internal/durable"
)

type closeCommand struct {
	configured
	Once bool `help:"Close what is due now, say what waits for what, and stop."`
}

func (closeCommand) Help() string {
	return "Closes each day once every source has read past it (or the lateness limit has run out) and all is loaded: bounds\n" +
		"contributions, charges the ledger, draws, writes the release, drops the unit tokens. One process at a time.\n\n" +
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
	closer, err := n.closer(b, s)
	if err != nil {
		return err
	}
	if !c.Once {
		return closer.Run(ctx)
	}
	closed, waiting, err := closer.Tick(ctx)
	for _, day := range closed {
		fmt.Fprintf(a.out, "%s closed\n", day)
	}
	for _, w := range waiting {
		fmt.Fprintf(a.out, "%s waits: %s %v\n", w.Day, w.Reason, w.Feeds)
	}
	return err
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
	}
	for _, site := range n.cfg.Sites {
		o.Sites = append(o.Sites, site.ID)
	}
	for _, src := range n.cfg.Sources {
		o.Feeds = append(o.Feeds, src.Name)
	}
	return aggregate.New(o)
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
