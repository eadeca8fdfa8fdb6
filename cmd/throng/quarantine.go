package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"throng"
	"throng/ingest"
	"throng/ingest/accesslog"
	"throng/internal/broker"
	"throng/internal/config"
	"throng/internal/durable"
)

type quarantineCommand struct {
	List    quarantineList    `cmd:"" help:"Count refused lines by source and reason, and say what would become of them now."`
	Redrive quarantineRedrive `cmd:"" help:"Count those that can be read now, each once."`
}

func (quarantineCommand) Help() string {
	return "A refused line is noted as where it stands and why, never as its text, and the first 1,000 of each block only. So it is\n" +
		"read again in its file, as long as that exists; what came from the network or standard input is gone.\n\n" +
		"Example:\n  throng quarantine redrive --config throng.yaml --dry-run"
}

type quarantineList struct {
	configured
	JSON bool `help:"Write JSON, one count a line."`
}

func (quarantineList) Help() string { return example("throng quarantine list --config throng.yaml") }

func (c quarantineList) Run(a *app) error {
	return c.run(a, func(n *node) error {
		r, err := n.rereader().Redrive()
		if err != nil {
			return err
		}
		if c.JSON {
			out := json.NewEncoder(a.out)
			for _, x := range r.Refusals {
				if err := out.Encode(x); err != nil {
					return err
				}
			}
			return nil
		}
		return printRefusals(a.out, r)
	})
}

// rereader reads the configured files again.
func (n *node) rereader() *ingest.Rereader {
	return &ingest.Rereader{
		Dir: n.dir.ship(), Quarantine: n.dir.quarantine(), Feeds: fileFeeds(n.cfg), Clock: n.clock, Lateness: n.cfg.Release.Lateness.Std(),
		Closed: func(d throng.Day) bool { return n.closed(d.Period()) },
	}
}

// fileFeeds are the configured sources that are files.
func fileFeeds(cfg *config.Config) (feeds []ingest.Feed) {
	for _, s := range cfg.Sources {
		if files := s.Files(); len(files) > 0 {
			feeds = append(feeds, ingest.Feed{Name: s.Name, Site: s.Site, Format: accesslog.Keys(s.Keys).With(s.Format), TrustedProxies: s.TrustedProxies, Globs: files})
		}
	}
	return feeds
}

func printRefusals(w io.Writer, r *ingest.Redrive) error {
	if r.Pending {
		_, err := fmt.Fprintf(w, "an earlier redrive of %d lines did not end: `throng quarantine redrive` finishes it\n", r.Lines())
		return err
	}
	if len(r.Refusals) == 0 {
		_, err := fmt.Fprintln(w, "no line is in quarantine")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SOURCE\tREFUSED BECAUSE\tLINES\tREAD AGAIN NOW")
	for _, x := range r.Refusals {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", x.Feed, x.Reason, x.Lines, x.Outcome)
	}
	return t.Flush()
}

type quarantineRedrive struct {
	configured
	DryRun bool `help:"Say what would be done, and do nothing."`
}

func (quarantineRedrive) Help() string {
	return "Mend the configuration first (see `throng parse --explain`), stop `throng ship` or `throng serve` on this machine, redrive, and\n" +
		"start it again. Lines of days that are closed stay uncounted. It can be killed and run again; no line is counted twice.\n\n" +
		example("throng quarantine redrive --config throng.yaml --dry-run")
}

func (c quarantineRedrive) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error {
		if err := n.lockShip(); err != nil {
			return err
		}
		r, err := n.rereader().Redrive()
		if err != nil {
			return err
		}
		if err := printRefusals(a.out, r); err != nil {
			return err
		}
		if c.DryRun || r.Lines() == 0 {
			fmt.Fprintf(a.out, "%d lines would be counted\n", r.Lines())
			return nil
		}
		b, err := n.openBroker(ctx)
		if err != nil {
			return err
		}
		if err := n.redrive(ctx, b, r); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%d lines delivered; loaders count them\n", r.Lines())
		return nil
	})
}

// lockShip keeps shippers of this state directory out.
func (n *node) lockShip() error {
	for _, path := range []string{n.dir.lock(), n.dir.path("ship/lock")} {
		lock, err := durable.LockFile(path)
		if errors.Is(err, durable.ErrLocked) {
			return fmt.Errorf("%w: stop `throng serve` or `throng ship` on this machine first", err)
		}
		if err != nil {
			return err
		}
		n.onClose(lock.Unlock)
	}
	return nil
}

// redrive delivers lines through shippers of their own. What is refused again is counted and not noted: its position
// would be that in what was delivered.
func (n *node) redrive(ctx context.Context, b *broker.Client, r *ingest.Redrive) error {
	ratchet, err := n.openKeys()
	if err != nil {
		return err
	}
	notes, err := os.MkdirTemp(n.dir.tmp(), "redrive-")
	if err != nil {
		return err
	}
	err = r.Run(ctx, func(f ingest.Feed) (*ingest.Shipper, error) {
		o, err := n.shipOptions([]ingest.Feed{f}, b, ratchet)
		if err != nil {
			return nil, err
		}
		o.Quarantine = notes
		return ingest.NewShipper(o)
	})
	return errors.Join(err, os.RemoveAll(notes))
}
