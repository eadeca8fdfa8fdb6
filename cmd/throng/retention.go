package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"throng"
	"throng/internal/broker"
	"throng/internal/clickhouse"
	"throng/internal/config"
	"throng/internal/durable"
	"throng/retention"
)

type retentionCommand struct {
	Inventory retentionInventory `cmd:"" help:"List every place where data is, as the stores tell it."`
	Plan      retentionPlan      `cmd:"" help:"Say what would be deleted now."`
	Apply     retentionApply     `cmd:"" help:"Delete what is due, verify it and leave receipts."`
	Verify    retentionVerify    `cmd:"" help:"Ask every store for its oldest record; exit with 1 when anything is past its time."`
	Receipts  retentionReceipts  `cmd:"" help:"Show the receipts of deletions and check their chain."`
}

func (retentionCommand) Help() string {
	return "docs/retention.md is the operator's page. `inventory`, `plan` and `verify` only read: with the embedded store and broker\n" +
		"they ask the `throng serve` that has them open, by listen.admin, and open them where none runs. `apply` does once what\n" +
		"`throng serve` does every hour; with the embedded engines it needs the state directory for itself.\n\n" +
		"Exit code of verify: 0 everything is in time, 1 something is past its time, 3 a store could not be asked.\n\n" +
		"Example:\n  throng retention verify --config throng.yaml --now 2026-12-24T00:00:00Z"
}

// keeper keeps all that there is inside the configured limits.
func (n *node) keeper(ctx context.Context, b *broker.Client, s *clickhouse.Store) (*retention.Keeper, error) {
	r, err := retention.OpenReceipts(n.dir.receipts())
	if err != nil {
		return nil, err
	}
	n.onClose(r.Close)
	return n.keeperWith(ctx, b, s, r)
}

// keeperWith is a keeper that writes receipts, or one that only reads.
func (n *node) keeperWith(ctx context.Context, b *broker.Client, s *clickhouse.Store, r *retention.Receipts) (*retention.Keeper, error) {
	stores, err := n.stores(ctx, b, s)
	if err != nil {
		return nil, err
	}
	return retention.New(retention.Options{
		Stores: stores,
		Limits: limits(n.cfg.Retention), Terms: n.dir.limits(),
		Closed: n.closed, Held: n.held, Receipts: r, Every: n.cfg.Retention.CheckEvery.Std(), Clock: n.clock, Log: n.log,
	})
}

func limits(c config.Retention) retention.Limits {
	return retention.Limits{
		OptedOut: c.OptedOut.Std(), Standard: c.Standard.Std(), OpenUnits: c.OpenUnits.Std(), FoldedUnits: c.FoldedUnits.Std(),
		EventsTopic: c.EventsTopic.Std(), RawTopic: c.RawTopic.Std(), Quarantine: c.Quarantine.Std(), ServerLogs: c.ServerLogs.MaxAge.Std(),
	}
}

// closed tells whether every site has its release of the day or span, so that nothing reads the period's
// unit tokens again.
func (n *node) closed(p throng.Period) bool {
	for _, s := range n.cfg.Sites {
		id := throng.ReleaseID{Site: s.ID, Table: throng.PathTable, Period: p}
		if _, err := os.Stat(n.dir.path("releases/" + id.String() + ".json")); err != nil {
			return false
		}
	}
	return true
}

// at is embedded in commands that can be asked about another time.
type at struct {
	Now string `placeholder:"TIME" help:"The time to judge by, as 2006-01-02T15:04:05Z. Defaults to now."`
}

func (t at) time(clock throng.Clock) (time.Time, error) {
	if t.Now == "" {
		return clock.Now(), nil
	}
	now, err := time.Parse(time.RFC3339, t.Now)
	if err != nil {
		return time.Time{}, usageError{fmt.Errorf("--now: want a time such as 2006-01-02T15:04:05Z")}
	}
	return now, nil
}

// keep opens a keeper for one command, which also gets what says whether its stores are in order.
func (c configured) keep(a *app, ctx context.Context, use func(*node, *retention.Keeper, []check) error) error {
	return c.run(a, func(n *node) error {
		b, s, err := n.openEngines(ctx)
		if err != nil {
			return err
		}
		k, err := n.keeper(ctx, b, s)
		if err != nil {
			return err
		}
		return use(n, k, append(checkStore(s), checkBroker(b)))
	})
}

// looking is embedded in commands that only read.
type looking struct {
	configured
	JSON bool `help:"Write JSON."`
}

// look lets a keeper that only reads be used: that of the `throng serve` which has the embedded engines
// open, or one of this process.
func (c looking) look(a *app, ctx context.Context, use func(inspector) error) error {
	return c.run(a, func(n *node) error {
		b, s, err := n.openEngines(ctx)
		if errors.Is(err, durable.ErrLocked) {
			return use(remoteInspector{n.cfg.Listen.Admin})
		}
		if err != nil {
			return unreadError{err}
		}
		k, err := n.keeperWith(ctx, b, s, nil)
		if err != nil {
			return err
		}
		return use(k)
	})
}

type retentionInventory struct{ looking }

func (c retentionInventory) Run(a *app, ctx context.Context) error {
	return c.look(a, ctx, func(k inspector) error {
		items, err := k.Inventory(ctx)
		if c.JSON {
			return errors.Join(json.NewEncoder(a.out).Encode(items), unread(err))
		}
		return errors.Join(printItems(a.out, items), unread(err))
	})
}

type retentionPlan struct {
	looking
	at
}

func (c retentionPlan) Run(a *app, ctx context.Context) error {
	now, err := c.time(a.clock)
	if err != nil {
		return err
	}
	return c.look(a, ctx, func(k inspector) error {
		plan, err := k.Plan(ctx, now)
		if c.JSON {
			return errors.Join(json.NewEncoder(a.out).Encode(plan), unread(err))
		}
		return errors.Join(printPlan(a.out, plan), unread(err))
	})
}

type retentionApply struct {
	configured
	Loop bool `help:"Go on, every retention.check_every, until stopped; metrics are served on listen.admin."`
	JSON bool `help:"Write JSON."`
}

func (c retentionApply) Run(a *app, ctx context.Context) error {
	err := c.keep(a, ctx, func(n *node, k *retention.Keeper, needs []check) error {
		if c.Loop {
			return n.withMetrics(ctx, measured{keeper: n.keeperMetrics(k)}, stage{"retention", k.Run}, needs...)
		}
		report, err := k.Sweep(ctx)
		return errors.Join(showReport(a, report, c.JSON), err)
	})
	if errors.Is(err, durable.ErrLocked) {
		err = fmt.Errorf("%w; a running `throng serve` applies retention itself, every retention.check_every", err)
	}
	return err
}

type retentionVerify struct {
	looking
	at
}

func (c retentionVerify) Run(a *app, ctx context.Context) error {
	now, err := c.time(a.clock)
	if err != nil {
		return err
	}
	return c.look(a, ctx, func(k inspector) error {
		report, err := k.Verify(ctx, now)
		if late := showReport(a, report, c.JSON); late != nil {
			return errors.Join(late, err)
		}
		return unread(err)
	})
}

// unread is an error of something that could not be asked, so that nothing is known of it.
func unread(err error) error {
	if err == nil {
		return nil
	}
	return unreadError{err}
}

type retentionReceipts struct{ located }

func (c retentionReceipts) Run(a *app) error {
	d, err := c.layout(a)
	if err != nil {
		return err
	}
	f, err := os.Open(d.receipts())
	if errors.Is(err, fs.ErrNotExist) {
		return sayNoReceipts(a)
	}
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	defer f.Close()
	receipts, err := retention.ReadReceipts(f)
	if err != nil {
		return err
	}
	if len(receipts) == 0 {
		return sayNoReceipts(a)
	}
	out := json.NewEncoder(a.out)
	for _, r := range receipts {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// sayNoReceipts goes to standard error: what is read from standard output are receipts.
func sayNoReceipts(a *app) error {
	_, err := fmt.Fprintln(a.err, "no receipts yet: nothing was due and deleted so far")
	return err
}
