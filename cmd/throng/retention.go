package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"throng"
	"throng/internal/broker"
	"throng/internal/clickhouse"
	"throng/internal/config"
	"throng/retention"
)

type retentionCommand struct {
	Plan     retentionPlan     `cmd:"" help:"Say what would be deleted now."`
	Apply    retentionApply    `cmd:"" help:"Delete what is due, verify it and leave receipts."`
	Verify   retentionVerify   `cmd:"" help:"Ask every store for its oldest record; exit with 1 when anything is past its time."`
	Receipts retentionReceipts `cmd:"" help:"Show the receipts of deletions and check their chain."`
}

func (retentionCommand) Help() string {
	return "With the embedded store and broker these commands need the state directory for themselves: stop `throng serve`,\n" +
		"which does the same every hour, first.\n\n" +
		"Example:\n  throng retention verify --config throng.yaml --now 2026-12-24T00:00:00Z"
}

// keeper keeps the store and the topics inside the configured limits.
func (n *node) keeper(b *broker.Client, s *clickhouse.Store) (*retention.Keeper, error) {
	r, err := retention.OpenReceipts(n.dir.receipts())
	if err != nil {
		return nil, err
	}
	n.onClose(r.Close)
	return retention.New(retention.Options{
		Stores: map[string]retention.Store{clickhouse.StoreName: s, broker.Store: b},
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

// keep opens a keeper for one command.
func (c configured) keep(a *app, ctx context.Context, use func(*node, *retention.Keeper) error) error {
	return c.run(a, func(n *node) error {
		b, s, err := n.openEngines(ctx)
		if err != nil {
			return err
		}
		k, err := n.keeper(b, s)
		if err != nil {
			return err
		}
		return use(n, k)
	})
}

type retentionPlan struct {
	configured
	at
	JSON bool `help:"Write JSON."`
}

func (c retentionPlan) Run(a *app, ctx context.Context) error {
	now, err := c.time(a.clock)
	if err != nil {
		return err
	}
	return c.keep(a, ctx, func(_ *node, k *retention.Keeper) error {
		plan, err := k.Plan(ctx, now)
		if err != nil {
			return err
		}
		if c.JSON {
			return json.NewEncoder(a.out).Encode(plan)
		}
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "STORE\tITEM\tCLASS\tREASON\tDEADLINE\tROWS\tBYTES")
		for _, d := range plan {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\n", d.Item.Store, d.Item.Name, d.Item.Class, d.Reason, d.Deadline.UTC().Format(time.RFC3339), d.Item.Rows, d.Item.Bytes)
		}
		return w.Flush()
	})
}

type retentionApply struct {
	configured
	Loop bool `help:"Go on, every retention.check_every, until stopped; metrics are served on listen.admin."`
	JSON bool `help:"Write JSON."`
}

func (c retentionApply) Run(a *app, ctx context.Context) error {
	return c.keep(a, ctx, func(n *node, k *retention.Keeper) error {
		if c.Loop {
			return n.withMetrics(ctx, measured{keeper: n.keeperMetrics(k)}, stage{"retention", k.Run})
		}
		report, err := k.Sweep(ctx)
		if err != nil {
			return err
		}
		return showReport(a, report, c.JSON)
	})
}

type retentionVerify struct {
	configured
	at
	JSON bool `help:"Write JSON."`
}

func (c retentionVerify) Run(a *app, ctx context.Context) error {
	now, err := c.time(a.clock)
	if err != nil {
		return err
	}
	return c.keep(a, ctx, func(_ *node, k *retention.Keeper) error {
		report, err := k.Verify(ctx, now)
		if err != nil {
			return err
		}
		return showReport(a, report, c.JSON)
	})
}

// showReport prints a report; violations are an error.
func showReport(a *app, r retention.Report, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(a.out).Encode(r); err != nil {
			return err
		}
	} else if err := printReport(a, r); err != nil {
		return err
	}
	if n := len(r.Violations); n > 0 {
		return fmt.Errorf("%d items are past their time", n)
	}
	return nil
}

func printReport(a *app, r retention.Report) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, d := range r.Deleted {
		fmt.Fprintf(w, "%s\t%s %s\t%d rows\n", d.Step, d.Item.Store, d.Item.Name, d.Item.Rows)
	}
	fmt.Fprintln(w, "STORE\tCLASS\tITEMS\tOLDEST\tLIMIT")
	for _, h := range r.Holdings {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", h.Store, h.Class, h.Items, time.Duration(h.Age).Round(time.Minute), time.Duration(h.Limit))
	}
	for _, v := range r.Violations {
		fmt.Fprintf(w, "PAST ITS TIME\t%s %s\t%s\t%s\t%s\n", v.Item.Store, v.Item.Name, v.Why, time.Duration(v.Age).Round(time.Minute), time.Duration(v.Limit))
	}
	return w.Flush()
}

type retentionReceipts struct{ located }

func (c retentionReceipts) Run(a *app) error {
	d, err := c.layout(a)
	if err != nil {
		return err
	}
	f, err := os.Open(d.receipts())
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintln(a.out, "no receipts yet")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read receipts: %w", err)
	}
	defer f.Close()
	receipts, err := retention.ReadReceipts(f)
	if err != nil {
		return err
	}
	out := json.NewEncoder(a.out)
	for _, r := range receipts {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
