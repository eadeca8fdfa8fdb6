package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"throng/internal/clickhouse"
)

type migrateCommand struct {
	Run    migrateRun    `cmd:"" default:"withargs" help:"Take the steps that are missing."`
	Status migrateStatus `cmd:"" help:"Show which steps were taken; exit with 1 when one is missing."`
}

func (migrateCommand) Help() string {
	return "Each program that loads or closes takes missing steps at its start, as the user of the configuration; where that user may not\n" +
		"(deploy/clickhouse/users.xml), run this before the programs. Steps go forward only and do no harm when they are taken twice.\n" +
		"A program refuses a schema that a newer one has made: docs/operations.md says how to upgrade, and how to go back.\n\n" +
		"Example:\n  throng migrate status --config throng.yaml"
}

type migrateRun struct {
	configured
	User         string `placeholder:"NAME" help:"A user who may make and change tables. Defaults to store.user."`
	PasswordFile string `placeholder:"F" help:"A file with the user's password on its first line. Needs --user."`
}

func (migrateRun) Help() string {
	return example("throng migrate run --config /etc/throng/throng.yaml --user migrate --password-file /etc/throng/migrate.password")
}

func (c migrateRun) Run(a *app, ctx context.Context) error {
	if c.PasswordFile != "" && c.User == "" {
		return usageError{errors.New("--password-file needs --user")}
	}
	return c.run(a, func(n *node) error {
		if c.User != "" && n.cfg.Store.Embedded() {
			return usageError{errors.New("the store is embedded and has no users; set store.addr or store.shards")}
		}
		if c.User != "" {
			n.cfg.Store.User, n.cfg.Store.PasswordFile = c.User, c.PasswordFile
		}
		s, err := n.connectStore(ctx)
		if err != nil {
			return err
		}
		var steps []clickhouse.Step
		err = n.await(ctx, "store", func() (err error) {
			if err = s.Migrate(ctx); err == nil {
				steps, err = s.Steps(ctx)
			}
			return err
		})
		if err == nil {
			_, err = fmt.Fprintf(a.out, "ok: %d steps\n", len(steps))
		}
		return err
	})
}

type migrateStatus struct {
	configured
	JSON bool `help:"Write JSON, one step a line."`
}

func (migrateStatus) Help() string { return example("throng migrate status --config throng.yaml") }

func (c migrateStatus) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error {
		s, err := n.connectStore(ctx)
		if err != nil {
			return err
		}
		var steps []clickhouse.Step
		err = n.await(ctx, "store", func() (err error) {
			steps, err = s.Steps(ctx)
			return err
		})
		if err != nil {
			return err
		}
		for _, step := range steps {
			if err := c.print(a, step); err != nil {
				return err
			}
		}
		missing := len(steps) - countDone(steps)
		if missing > 0 {
			return fmt.Errorf("migrate: %d steps are missing: `throng migrate run`, or the start of a program that loads, takes them", missing)
		}
		return nil
	})
}

func (c migrateStatus) print(a *app, step clickhouse.Step) error {
	if c.JSON {
		return json.NewEncoder(a.out).Encode(step)
	}
	state := "missing"
	if step.Done {
		state = "done"
	}
	_, err := fmt.Fprintf(a.out, "%4d  %-7s  %s\n", step.Version, state, step.Name)
	return err
}

func countDone(steps []clickhouse.Step) int {
	return len(slices.DeleteFunc(slices.Clone(steps), func(s clickhouse.Step) bool { return !s.Done }))
}
