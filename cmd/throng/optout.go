package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"throng/anonymize/optout"
	"throng/internal/clickhouse"
	"throng/internal/config"
)

type optOutCommand struct {
	Add    optOutAdd    `cmd:"" help:"Put identifiers on the list; the first time, make the list and its key."`
	Remove optOutRemove `cmd:"" help:"Take identifiers off the list."`
	Check  optOutCheck  `cmd:"" help:"Say of each identifier whether it is on the list; exit with 1 when one is not."`
	Status optOutStatus `cmd:"" help:"Say how many are on the list, and under which key."`
}

func (optOutCommand) Help() string {
	return "The opt-out list holds the accounts and cookies of people who asked by name not to have their data sold or shared.\n" +
		"Identifiers are read from standard input, one a line, and never stored: the list has keyed hashes. Whatever ships\n" +
		"logs takes a change over within optout.check_every.\n\n" +
		"Example:\n  echo alice | throng optout add --dir /var/lib/throng"
}

// optOutFiles is embedded in the commands on the list.
type optOutFiles struct {
	located
	List string `placeholder:"F" help:"The list, where it is not the configured one."`
}

func (o optOutFiles) files(a *app) (optout.Files, error) {
	d, err := o.layout(a)
	if err != nil {
		return optout.Files{}, err
	}
	var cfg config.OptOut
	if o.Config != "" {
		c, err := (configured{o.Config}).load(a)
		if err != nil {
			return optout.Files{}, err
		}
		cfg = c.OptOut
	}
	cfg.ListFile = cmp.Or(o.List, cfg.ListFile)
	return d.optOut(cfg), nil
}

// optOutNames is embedded in the commands that read identifiers.
type optOutNames struct {
	optOutFiles
	Kind string `enum:"account,cookie" default:"account" help:"What the identifiers are: account (of HTTP authentication) or cookie (values of the cookie that optout.cookie names)."`
}

func (o optOutNames) kind() optout.Kind {
	k, _ := optout.ParseKind(o.Kind) // kong has checked it
	return k
}

// maxIdentifier is the longest identifier that is read.
const maxIdentifier = 64 << 10

// eachLine calls use for each line of in that is not empty. The error does not hold the line.
func eachLine(in io.Reader, use func(n int, identifier []byte) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxIdentifier)
	n := 0
	for lines.Scan() {
		n++
		id := bytes.TrimSuffix(lines.Bytes(), []byte{'\r'})
		if len(id) == 0 {
			continue
		}
		if err := use(n, id); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read identifiers: line %d: %w", n+1, err)
	}
	return nil
}

// names calls use for each identifier on standard input.
func (o optOutNames) names(a *app) func(use func([]byte)) error {
	return func(use func([]byte)) error {
		return eachLine(a.in, func(_ int, id []byte) error { use(id); return nil })
	}
}

// change replaces the list by what apply makes of it and of the identifiers that names reads.
func (o optOutNames) change(a *app, names func(func([]byte)) error, apply func(*optout.List, *optout.Change) (*optout.List, error)) error {
	f, err := o.files(a)
	if err != nil {
		return err
	}
	return f.Update(func(before *optout.List) (*optout.List, error) {
		c := optout.NewChange(before.Key(), o.kind())
		if err := names(c.Name); err != nil {
			return nil, err
		}
		after, err := apply(before, c)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(a.err, "throng: %d %ss are on the list, %d before\n", after.Len(o.kind()), o.kind(), before.Len(o.kind()))
		return after, nil
	})
}

type optOutAdd struct {
	optOutNames
	Replace bool   `help:"Take everybody else of this kind off the list: for the whole of another program's table."`
	Table   string `placeholder:"DATABASE.TABLE.COLUMN" help:"Read the identifiers from a table or view of the configured ClickHouse server, not from standard input. Needs --config."`
}

func (optOutAdd) Help() string {
	return "Identifiers come from standard input, one a line, or from a column of a table (--table).\n\n" +
		example("throng optout add --replace --table crm.opt_outs.account --config throng.yaml")
}

func (c optOutAdd) Run(a *app, ctx context.Context) error {
	names := c.names(a)
	if c.Table != "" {
		var err error
		if names, err = c.table(a, ctx); err != nil {
			return err
		}
	}
	return c.change(a, names, func(l *optout.List, ch *optout.Change) (*optout.List, error) {
		if !c.Replace {
			return l.Add(ch), nil
		}
		if ch.Len() == 0 { // what was to write them has failed, more likely than not
			return nil, errors.New("no identifier was read, so none is replaced; `throng optout remove` takes people off the list")
		}
		return l.Replace(ch), nil
	})
}

// table calls use for each value of the table's column. Values that are empty name nobody.
func (c optOutAdd) table(a *app, ctx context.Context) (func(use func([]byte)) error, error) {
	parts := strings.Split(c.Table, ".")
	if len(parts) != 3 || c.Config == "" {
		return nil, usageError{errors.New("--table wants DATABASE.TABLE.COLUMN, and --config, which names the server")}
	}
	cfg, err := (configured{c.Config}).load(a)
	if err != nil {
		return nil, err
	}
	if cfg.Store.Embedded() {
		return nil, usageError{errors.New("--table reads from the server that store.addr names, and the store is embedded; pipe the identifiers to standard input")}
	}
	return func(use func([]byte)) error {
		o, err := serverOptions(cfg.Store)
		if err != nil {
			return err
		}
		s, err := clickhouse.Open(ctx, o)
		if err != nil {
			return err
		}
		err = s.EachText(ctx, parts[0], parts[1], parts[2], func(id string) error {
			if id != "" {
				use([]byte(id))
			}
			return nil
		})
		return errors.Join(err, s.Close())
	}, nil
}

type optOutRemove struct{ optOutNames }

func (optOutRemove) Help() string {
	return example("echo 7f3a9c | throng optout remove --kind cookie --dir /var/lib/throng")
}

func (c optOutRemove) Run(a *app) error {
	return c.change(a, c.names(a), func(l *optout.List, ch *optout.Change) (*optout.List, error) { return l.Remove(ch), nil })
}

type optOutCheck struct{ optOutNames }

func (optOutCheck) Help() string {
	return "Prints the number of each line and \"listed\" or \"not listed\", and never the identifier.\n\n" +
		example("echo alice | throng optout check --dir /var/lib/throng")
}

func (c optOutCheck) Run(a *app) error {
	f, err := c.files(a)
	if err != nil {
		return err
	}
	list, err := f.Load()
	if err != nil {
		return err
	}
	missing := 0
	err = eachLine(a.in, func(n int, id []byte) error {
		word := "listed"
		if !list.Has(c.kind(), id) {
			word = "not listed"
			missing++
		}
		_, err := fmt.Fprintf(a.out, "line %d: %s\n", n, word)
		return err
	})
	if err == nil && missing > 0 {
		err = fmt.Errorf("%d identifiers are not on the list", missing)
	}
	return err
}

type optOutStatus struct {
	optOutFiles
	JSON bool `help:"Write JSON."`
}

func (optOutStatus) Help() string { return example("throng optout status --config throng.yaml") }

func (c optOutStatus) Run(a *app) error {
	f, err := c.files(a)
	if err != nil {
		return err
	}
	list, err := f.Load()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(a.out).Encode(map[string]any{
			"list": f.List, "accounts": list.Len(optout.Account), "cookies": list.Len(optout.Cookie), "key": list.Key().ID(),
		})
	}
	_, err = fmt.Fprintf(a.out, "list      %s\naccounts  %d\ncookies   %d\nkey       %s\n",
		f.List, list.Len(optout.Account), list.Len(optout.Cookie), list.Key().ID())
	return err
}
