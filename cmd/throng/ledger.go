package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"throng/aggregate/ledger"
)

type ledgerCommand struct {
	Show   ledgerShow   `cmd:"" help:"Show what was spent, entry by entry."`
	Verify ledgerVerify `cmd:"" help:"Check the chain, the order of entries and the budget; exit with 1 when anything is wrong."`
}

func (ledgerCommand) Help() string {
	return "The ledger is DIR/ledger/ledger.jsonl; an entry is one line of JSON.\n\n" +
		"Example:\n  throng ledger verify --dir /var/lib/throng"
}

type ledgerShow struct {
	located
	JSON bool `help:"Write JSON, one entry a line."`
}

func (c ledgerShow) Run(a *app) error {
	d, err := c.layout(a)
	if err != nil {
		return err
	}
	entries, err := d.entries()
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(a.out)
		for _, e := range entries {
			if err := out.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENTRY\tKIND\tRELEASE\tEPSILON\tDELTA\tHASH")
	for _, e := range entries {
		fmt.Fprintln(w, row(e))
	}
	return w.Flush()
}

func row(e ledger.Entry) string {
	release, epsilon, delta := "", "", ""
	if e.Release != nil {
		release = e.Release.String()
	}
	if e.Parameters != nil {
		epsilon, delta = fmt.Sprint(e.Parameters.Epsilon), fmt.Sprint(e.Parameters.Delta)
	}
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s", e.Seq, e.Kind, release, epsilon, delta, e.Hash)
}

type ledgerVerify struct{ located }

func (c ledgerVerify) Run(a *app) error {
	d, err := c.layout(a)
	if err != nil {
		return err
	}
	entries, err := d.entries()
	if err != nil {
		return err
	}
	last := entries[len(entries)-1]
	fmt.Fprintf(a.out, "ok: %d entries; the last hash is %s: compare it with one that was published before, since a ledger cannot show by itself that its end was cut off\n",
		len(entries), last.Hash)
	return nil
}
