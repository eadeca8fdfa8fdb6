package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"text/tabwriter"
	"time"

	"throng"
	"throng/retention/hold"
)

type holdCommand struct {
	Create  holdCreate  `cmd:"" help:"Copy a few events, to keep them past their time."`
	List    holdList    `cmd:"" help:"List the holds; the register's chain is checked."`
	Show    holdShow    `cmd:"" help:"Show what a hold was matched by, and its copies."`
	Extend  holdExtend  `cmd:"" help:"Give a hold a later last day, or review it."`
	Release holdRelease `cmd:"" help:"End a hold before its last day."`
}

func (holdCommand) Help() string {
	return "A hold keeps copies of a few events for one of the exceptions of the Do Not Track policy: security, fraud, debugging,\n" +
		"transaction, consent. It is the only way to keep an event longer than ten days. How many holds there are and why is\n" +
		"published. What a match may say, how long a hold may last and what becomes of it: docs/holds.md.\n\n" +
		"Order holds on the machine where retention runs: its state directory has the register. With the embedded store,\n" +
		"create, show and extend need the state directory for themselves: stop `throng serve` first.\n\n" +
		"Example:\n  throng hold create --config throng.yaml --reason security --ticket SEC-123 --until 2026-12-20 \\\n" +
		"    --match 'site=www from=2026-11-22T08:00:00Z to=2026-11-22T09:00:00Z network=198.51.100.0/24 path=/login'"
}

// who is embedded in the commands that change something.
type who struct {
	By string `placeholder:"NAME" help:"Who does it. Defaults to the name of the system's user."`
}

func (w who) name() (string, error) {
	if w.By != "" {
		return w.By, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", usageError{errors.New("--by: the system does not know who you are; give your name")}
	}
	return u.Username, nil
}

// why is embedded in the commands that keep something.
type why struct {
	Reason string     `required:"" enum:"security,fraud,debugging,transaction,consent" help:"The exception: ${enum}."`
	Ticket string     `required:"" placeholder:"ID" help:"Where the reason is written down, such as SEC-123. Stays in the register."`
	Review throng.Day `placeholder:"DAY" help:"The day by whose end somebody has to look at the hold again; 30 days from now at most. Defaults to 14 days from now."`
}

// orders opens the register, and the store where it is needed.
func (n *node) orders(store hold.Store) (*hold.Orders, error) {
	r, err := hold.OpenRegister(n.dir.holds())
	if err != nil {
		return nil, err
	}
	n.onClose(r.Close)
	return hold.New(hold.Options{Register: r, Store: store, Clock: n.clock})
}

// held reads which copies a hold in force keeps.
func (n *node) held() (func(throng.Item) bool, error) {
	list, err := hold.ReadFile(n.dir.holds())
	return list.Keeps(n.clock.Now()), err
}

func (n *node) buckets() hold.Buckets {
	p := n.cfg.Privacy
	return hold.Buckets{V4: p.IPv4Bits, V6: p.IPv6Bits, OptedOutV4: p.OptedOutIPv4Bits, OptedOutV6: p.OptedOutIPv6Bits}
}

type holdCreate struct {
	configured
	why
	who
	Match string     `required:"" placeholder:"TERMS" help:"FIELD=VALUE terms with blanks between: site, from, to (a day at most) and one or more of network, path, method, status, referrer, client, os, country, bot. With - they are read from standard input, so that no shell or process list has them."`
	Until throng.Day `required:"" placeholder:"DAY" help:"The last day on which the copies exist, such as 2026-12-20; 90 days from now at most."`
}

func (holdCreate) Help() string {
	return "Values are those of stored events, not of log lines: `throng anonymize` shows them. Blanks within a value are written as\n" +
		"underscores (client=Chrome_Mobile). A match that takes 5,000 events or more is refused.\n\n" +
		example("throng hold create --config throng.yaml --reason debugging --ticket WEB-7 --until 2026-12-01 \\\n"+
			"    --match 'site=www from=2026-11-22T08:00:00Z to=2026-11-22T08:05:00Z status=500'")
}

// maxMatch is the longest match that is read from standard input.
const maxMatch = 4 << 10

func (c holdCreate) Run(a *app, ctx context.Context) error {
	by, err := c.name()
	if err != nil {
		return err
	}
	if c.Match == "-" {
		terms, err := io.ReadAll(io.LimitReader(a.in, maxMatch))
		if err != nil {
			return fmt.Errorf("read match: %w", err)
		}
		c.Match = string(terms)
	}
	return c.run(a, func(n *node) error {
		m, err := hold.ParseMatch(c.Match, n.buckets())
		if err != nil {
			return usageError{fmt.Errorf("--match: %w", err)}
		}
		s, err := n.openStore(ctx)
		if err != nil {
			return err
		}
		o, err := n.orders(s)
		if err != nil {
			return err
		}
		h, err := o.Create(ctx, hold.Order{Reason: throng.HoldReason(c.Reason), Ticket: c.Ticket, By: by, Match: m, Until: c.Until, Review: c.Review})
		if err != nil {
			return err
		}
		return sayHold(a, h)
	})
}

func sayHold(a *app, h hold.Hold) error {
	_, err := fmt.Fprintf(a.out, "hold %d keeps its copies until the end of %s (UTC) at the latest; review it by the end of %s\n", h.Number, h.Until, h.Review)
	return err
}

type holdExtend struct {
	configured
	why
	who
	Hold  uint32     `arg:"" help:"The hold's number."`
	Until throng.Day `placeholder:"DAY" help:"The new last day; 90 days after the order at most. Defaults to the present one, for a review."`
}

func (holdExtend) Help() string {
	return "Each extension needs a ticket that the hold did not have before: the reason that it was ordered for is used up.\n\n" +
		example("throng hold extend 3 --config throng.yaml --reason security --ticket SEC-140 --until 2027-01-10")
}

func (c holdExtend) Run(a *app, ctx context.Context) error {
	by, err := c.name()
	if err != nil {
		return err
	}
	return c.run(a, func(n *node) error {
		s, err := n.openStore(ctx)
		if err != nil {
			return err
		}
		o, err := n.orders(s)
		if err != nil {
			return err
		}
		h, err := o.Extend(ctx, c.Hold, hold.Extension{Reason: throng.HoldReason(c.Reason), Ticket: c.Ticket, By: by, Until: c.Until, Review: c.Review})
		if err != nil {
			return err
		}
		return sayHold(a, h)
	})
}

type holdRelease struct {
	configured
	who
	Hold uint32 `arg:"" help:"The hold's number."`
}

func (holdRelease) Help() string {
	return "The copies go with the next sweep: within retention.check_every while `throng serve` runs, or now by\n" +
		"`throng retention apply`, which leave a receipt.\n\n" + example("throng hold release 3 --config throng.yaml")
}

func (c holdRelease) Run(a *app) error {
	by, err := c.name()
	if err != nil {
		return err
	}
	return c.run(a, func(n *node) error {
		o, err := n.orders(nil)
		if err != nil {
			return err
		}
		h, err := o.Release(c.Hold, by)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.out, "hold %d is released; the next sweep deletes its copies\n", h.Number)
		return err
	})
}

type holdShow struct {
	configured
	Hold uint32 `arg:"" help:"The hold's number."`
}

func (holdShow) Help() string {
	return "Prints the match on standard error, after comparing it with what the register was told, and the copies as JSON lines.\n\n" +
		example("throng hold show 3 --config throng.yaml > hold-3.ndjson")
}

func (c holdShow) Run(a *app, ctx context.Context) error {
	return c.run(a, func(n *node) error {
		list, err := hold.ReadFile(n.dir.holds())
		if err != nil {
			return err
		}
		h, err := list.Find(c.Hold)
		if err != nil {
			return err
		}
		s, err := n.openStore(ctx)
		if err != nil {
			return err
		}
		out, said := json.NewEncoder(a.out), false
		err = s.EachHeld(ctx, h.Copy(), func(e throng.HeldEvent, terms, salt string) error {
			if hold.Commitment(salt, terms) != h.Match {
				return fmt.Errorf("the match beside the copies of hold %d is not the one in the register: one of them was changed", h.Number)
			}
			if !said {
				said = true
				fmt.Fprintf(a.err, "throng: hold %d, as the register was told: %s\n", h.Number, terms)
			}
			return out.Encode(e)
		})
		if err == nil && !said {
			err = fmt.Errorf("hold %d is %s and has no copies", h.Number, holdState(h, n.clock.Now()))
		}
		return err
	})
}

type holdList struct {
	located
	at
	JSON    bool `help:"Write JSON."`
	Summary bool `help:"Write what is published of the holds, as JSON."`
}

func (holdList) Help() string {
	return "Needs nothing but the register, so it runs beside `throng serve`.\n\n" + example("throng hold list --dir /var/lib/throng")
}

func (c holdList) Run(a *app) error {
	now, err := c.time(a.clock)
	if err != nil {
		return err
	}
	d, err := c.layout(a)
	if err != nil {
		return err
	}
	list, err := hold.ReadFile(d.holds())
	switch {
	case err != nil:
		return err
	case c.Summary:
		return json.NewEncoder(a.out).Encode(list.Summary(now))
	case c.JSON:
		return json.NewEncoder(a.out).Encode(list.Holds)
	}
	if len(list.Holds) == 0 {
		fmt.Fprintln(a.err, "no hold was ever ordered")
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "HOLD\tREASON\tTICKET\tBY\tORDERED\tEXTENDED\tREVIEW\tUNTIL\tSTATE")
	for _, h := range list.Holds {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", h.Number, h.Reason, h.Ticket, h.By, throng.DayOf(h.Ordered), h.Extensions, h.Review, h.Until, holdState(h, now))
	}
	return w.Flush()
}

func holdState(h hold.Hold, now time.Time) string {
	switch {
	case !h.Released.IsZero():
		return "released"
	case !h.InForce(now):
		return "over"
	case h.Due(now):
		return "in force, review overdue"
	}
	return "in force"
}
