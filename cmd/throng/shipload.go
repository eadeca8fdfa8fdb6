package main

import (
	"context"
	"fmt"

	"throng/ingest"
	"throng/internal/durable"
)

type shipCommand struct {
	configured
	Once bool `help:"Read the files to their present end, then stop."`
}

func (shipCommand) Help() string {
	return "Follows the configured sources, anonymizes each line in memory and sends blocks of events to the broker. Any number\n" +
		"of machines can ship; each has a state directory of its own and the same epoch keys (`throng keys export`).\n\n" +
		"Example:\n  THRONG_BROKER_ADDRS=kafka:9092 throng ship --config throng.yaml"
}

func (c shipCommand) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error { return c.ship(a, ctx, n) })
}

func (c shipCommand) ship(a *app, ctx context.Context, n *node) error {
	lock, err := durable.LockFile(n.dir.path("ship/lock"))
	if err != nil {
		return err
	}
	n.onClose(lock.Unlock)
	b, err := n.openBroker(ctx)
	if err != nil {
		return err
	}
	ratchet, err := n.openKeys()
	if err != nil {
		return err
	}
	o, err := n.shipOptions(n.feeds(a.in), b, ratchet)
	if err != nil {
		return err
	}
	o.Once = c.Once
	s, err := ingest.NewShipper(o)
	if err != nil {
		return err
	}
	bar := showProgress(a.err, func() (float64, string) { return -1, shipLine(s.Progress()) })
	defer bar.finish()
	return runStages(ctx, stage{"ship", s.Run}, stage{"keys", n.advance(ratchet)})
}

// shipLine is ship's progress in one line.
func shipLine(p ingest.Progress) string {
	return fmt.Sprintf("%s lines read, %s refused, %s late, %s sent, %s bytes behind",
		thousands(p.Lines), thousands(p.Rejected), thousands(p.Late), thousands(p.Acked), thousands(uint64(max(p.Lag, 0))))
}

type loadCommand struct{ configured }

func (loadCommand) Help() string {
	return "Takes blocks from the broker into the store, each exactly once, whatever is killed when. Any number of loaders\n" +
		"share the work.\n\n" +
		"Example:\n  throng load --config throng.yaml"
}

func (c loadCommand) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error { return n.load(ctx) })
}

func (n *node) load(ctx context.Context) error {
	b, s, err := n.openEngines(ctx)
	if err != nil {
		return err
	}
	l, err := n.loader(b, s)
	if err != nil {
		return err
	}
	return runStages(ctx, stage{"load", l.Run})
}
