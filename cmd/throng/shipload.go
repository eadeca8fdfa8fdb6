package main

import (
	"context"
	"fmt"
	"net"

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
		"Metrics are served on listen.admin, unless --once is given; on a terminal the state of each source is shown.\n\n" +
		"Example:\n  THRONG_BROKER_ADDRS=kafka:9092 throng ship --config throng.yaml"
}

func (c shipCommand) Run(a *app, ctx context.Context) error {
	out := newScreen(a.err)
	shown := *a
	shown.err = out
	return c.untilTold(ctx, &shown, func(n *node) error { return c.ship(&shown, ctx, n, out) })
}

func (c shipCommand) ship(a *app, ctx context.Context, n *node, out *screen) error {
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
	feeds, err := n.feeds(ctx, a.in, b)
	if err != nil {
		return err
	}
	o, err := n.shipOptions(feeds, b, ratchet)
	if err != nil {
		return err
	}
	o.Once = c.Once
	s, err := ingest.NewShipper(o)
	if err != nil {
		return err
	}
	stages := append([]stage{{"ship", s.Run}, {"keys", n.advance(ratchet)}}, n.watches...)
	if !c.Once {
		admin, err := n.listenAdmin()
		if err != nil {
			return err
		}
		stages = append(stages, stage{"metrics", serveHTTP(admin, adminPages(metrics(measured{ship: s}), n.cfg.Listen.Pprof, checkBroker(b), checkKeys(ratchet, n.clock)))})
	}
	status := shipStatus{clock: n.clock, ship: s, feeds: feeds}
	stop := out.show(status.rows)
	err = runStages(ctx, stages...)
	stop()
	fmt.Fprintln(out, shipLine(s.Progress()))
	return err
}

type loadCommand struct {
	configured
	Metrics string `placeholder:"ADDR" help:"Serve metrics and health on this address, host:port. They are not served without it, since many loaders share a machine."`
}

func (loadCommand) Help() string {
	return "Takes blocks from the broker into the store, each exactly once, whatever is killed when. Any number of loaders\n" +
		"share the work.\n\n" +
		"Example:\n  throng load --config throng.yaml"
}

func (c loadCommand) Run(a *app, ctx context.Context) error {
	if _, _, err := net.SplitHostPort(c.Metrics); c.Metrics != "" && err != nil {
		return usageError{fmt.Errorf("--metrics: %q is not host:port, such as 127.0.0.1:9091", c.Metrics)}
	}
	return c.untilTold(ctx, a, func(n *node) error { return c.load(ctx, n) })
}

func (c loadCommand) load(ctx context.Context, n *node) error {
	b, s, err := n.openEngines(ctx)
	if err != nil {
		return err
	}
	if err := n.observe(ctx); err != nil {
		return err
	}
	l, err := n.loader(b, s)
	if err != nil {
		return err
	}
	if c.Metrics == "" {
		return runStages(ctx, stage{"load", l.Run})
	}
	n.cfg.Listen.Admin = c.Metrics
	return n.withMetrics(ctx, measured{load: l, broker: b, seen: n.seen}, stage{"load", l.Run}, append(checkStore(s), checkBroker(b))...)
}
