package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"throng"
	"throng/aggregate/ledger"
)

type ledgerCommand struct {
	Show   ledgerShow   `cmd:"" help:"Show what was spent, entry by entry."`
	Verify ledgerVerify `cmd:"" help:"Check the chain, the order of entries, the budget and every release file; exit with 1 when anything is wrong."`
}

func (ledgerCommand) Help() string {
	return "The ledger is DIR/ledger/ledger.jsonl; an entry is one line of JSON.\n\n" +
		"Example:\n  throng ledger verify --dir /var/lib/throng"
}

type ledgerShow struct {
	located
	Site string `placeholder:"ID" help:"Show one site's entries only."`
	JSON bool   `help:"Write JSON, one entry a line."`
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
	if c.Site != "" {
		entries = slices.DeleteFunc(entries, func(e ledger.Entry) bool { return e.Release == nil || e.Release.Site != c.Site })
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
	fmt.Fprintln(w, "ENTRY\tKIND\tRELEASE\tEPSILON\tDELTA\tWEIGHT\tHASH")
	for _, e := range entries {
		fmt.Fprintln(w, row(e))
	}
	return w.Flush()
}

func row(e ledger.Entry) string {
	release, epsilon, delta, weight := "", "", "", ""
	if e.Release != nil {
		release = e.Release.String()
	}
	if e.Parameters != nil {
		epsilon, delta = fmt.Sprint(e.Parameters.Epsilon), fmt.Sprint(e.Parameters.Delta)
		sum := 0.0
		for _, d := range e.Parameters.Draws {
			sum += d.Weight
		}
		weight = fmt.Sprintf("%.2f", sum)
	}
	return fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s\t%s", e.Seq, e.Kind, release, epsilon, delta, weight, e.Hash)
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
	open, err := d.checkPublished(entries)
	if err != nil {
		return err
	}
	for _, id := range open {
		fmt.Fprintf(a.out, "open: %s is reserved and not published yet; `throng close` finishes it under the same reservation\n", id)
	}
	last := entries[len(entries)-1]
	fmt.Fprintf(a.out, "ok: %d entries; the last hash is %s: compare it with one that was published before, since a ledger cannot show by itself that its end was cut off\n",
		len(entries), last.Hash)
	return nil
}

// checkPublished compares every release file with its entry, and gives the releases that are reserved and
// not published.
func (d layout) checkPublished(entries []ledger.Entry) (open []throng.ReleaseID, err error) {
	var errs []error
	for _, e := range entries {
		switch e.Kind {
		case ledger.Reservation:
			open = append(open, *e.Release)
		case ledger.Publication, ledger.Sum:
			open = slices.DeleteFunc(open, func(id throng.ReleaseID) bool { return id == *e.Release })
			errs = append(errs, d.checkRelease(e))
		}
	}
	return open, errors.Join(errs...)
}

func (d layout) checkRelease(e ledger.Entry) error {
	file := filepath.Join(d.releases(), filepath.FromSlash(e.Release.String())+".json")
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("entry %d: %w: restore it from a published copy or the mirror", e.Seq, err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != e.SHA256 {
		return fmt.Errorf("entry %d: %s is not the file that was published: restore it from a published copy or the mirror", e.Seq, file)
	}
	return nil
}
