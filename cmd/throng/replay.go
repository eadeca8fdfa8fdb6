package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"throng"
	"throng/ingest"
	"throng/internal/broker"
	"throng/internal/config"
)

type replayCommand struct {
	configured
	Source string `required:"" placeholder:"NAME" help:"The source, one of files."`
	From   string `placeholder:"DAY" help:"The first UTC day, YYYY-MM-DD. Defaults to the first that is known."`
	To     string `placeholder:"DAY" help:"The last UTC day. Defaults to the last that is known."`
	DryRun bool   `help:"Show the difference, and change nothing."`
	JSON   bool   `help:"Write the days as JSON, one a line."`
}

func (replayCommand) Help() string {
	return "Compares which ranges of a source's files were sent with the blocks that the store has recorded, and has the next `throng ship`\n" +
		"read those again that the store lacks, because a topic was lost before it was loaded, or the store was made anew. What the\n" +
		"store has is not read again, so that no line is counted twice; days that are closed stay as they are.\n\n" +
		"Stop `throng ship` or `throng serve` on this machine; let the loaders finish what is in the broker.\n\n" +
		example("throng replay --config throng.yaml --source web --from 2026-11-21 --dry-run")
}

func (c replayCommand) days() (from, to throng.Day, err error) {
	from, to = 0, 1<<30
	if c.From != "" {
		if from, err = throng.ParseDay(c.From); err != nil {
			return 0, 0, usageError{fmt.Errorf("--from: %w", err)}
		}
	}
	if c.To != "" {
		if to, err = throng.ParseDay(c.To); err != nil {
			return 0, 0, usageError{fmt.Errorf("--to: %w", err)}
		}
	}
	return from, to, nil
}

func (c replayCommand) Run(a *app, ctx context.Context) error {
	from, to, err := c.days()
	if err != nil {
		return err
	}
	return c.run(a, func(n *node) error {
		if !slices.ContainsFunc(n.cfg.Sources, func(s config.Source) bool { return s.Name == c.Source }) {
			return usageError{fmt.Errorf("replay: the configuration has no source %q", c.Source)}
		}
		if err := n.lockShip(); err != nil {
			return err
		}
		b, s, err := n.openEngines(ctx)
		if err != nil {
			return err
		}
		if err := checkLoaded(ctx, b); err != nil {
			return err
		}
		recorded, err := s.Blocks(ctx, c.Source)
		if err != nil {
			return err
		}
		r, err := n.rereader().Replay(c.Source, recorded, from, to)
		if err != nil {
			return err
		}
		if err := c.print(a.out, r); err != nil || c.DryRun || r.Lines() == 0 {
			return err
		}
		if err := r.Reopen(); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "start `throng ship` or `throng serve`: it reads these ranges again\n")
		return nil
	})
}

// checkLoaded refuses while a block is under way: it would be counted beside what is read again.
func checkLoaded(ctx context.Context, b *broker.Client) error {
	waiting, err := backlog(ctx, b)
	for _, topic := range slices.Sorted(maps.Keys(waiting)) {
		if n := waiting[topic]; n > 0 {
			return fmt.Errorf("replay: %d blocks of topic %s are not loaded yet: let `throng load` finish first, since they would be counted beside what is read again", n, topic)
		}
	}
	return err
}

func (c replayCommand) print(w io.Writer, r *ingest.Replay) error {
	if c.JSON {
		out := json.NewEncoder(w)
		for _, d := range r.Days {
			if err := out.Encode(d); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DAY\tIN THE STORE\tMISSING\tREAD AGAIN")
	for _, d := range r.Days {
		again := fmt.Sprintf("%d lines", d.Missing)
		switch {
		case d.Closed:
			again = "no: the day is closed"
		case d.Missing == 0:
			again = "nothing is missing"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", d.Day, d.Stored, d.Missing, again)
	}
	err := t.Flush()
	for outcome, n := range r.Files {
		_, more := fmt.Fprintf(w, "%d files of which ranges are missing cannot be read again: %s\n", n, outcome)
		err = errors.Join(err, more)
	}
	return err
}
