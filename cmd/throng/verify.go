package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"throng/aggregate/verify"
)

// unreadError says that something could not be read, so that nothing is known of it.
type unreadError struct{ error }

func (e unreadError) Unwrap() error { return e.error }

type verifyCommand struct {
	Where string `arg:"" placeholder:"DIR|URL" help:"A directory (a bundle of throng publish, or a state directory), or the address under which manifest.json lies."`
	Head  string `placeholder:"HASH" help:"The ledger's head that you noted at an earlier check; the ledger has to hold it still."`
	JSON  bool   `help:"Write the report as JSON."`
}

func (verifyCommand) Help() string {
	return "Checks everything that was published from the published files alone, without trusting who published them: the files against\n" +
		"manifest and ledger, the ledger's chain, and for every release the noise scales, gate, intervals and budget, worked out anew.\n" +
		"It also says what cannot be proven from outside.\n\n" +
		"Exit code: 0 everything holds, 1 something does not, 2 the command line is wrong, 3 it could not be read.\n\n" +
		"Example:\n  throng verify https://readers.example.org/"
}

// fetchTimeout bounds one file from a web server.
const fetchTimeout = time.Minute

func (c verifyCommand) published() (verify.Published, error) {
	if !strings.Contains(c.Where, "://") {
		info, err := os.Stat(c.Where)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a directory", c.Where)
		}
		return verify.Dir{FS: os.DirFS(c.Where)}, err
	}
	base, err := url.Parse(c.Where)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, usageError{fmt.Errorf("verify: %q is not an address: want https://HOST/ or http://HOST/", c.Where)}
	}
	return verify.Web{Base: base, Client: &http.Client{Timeout: fetchTimeout}}, nil
}

func (c verifyCommand) Run(a *app, ctx context.Context) error {
	files, err := c.published()
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return err
	case err != nil:
		return unreadError{fmt.Errorf("verify: %w", err)}
	}
	report, err := verify.Run(ctx, verify.Options{Files: files, Head: c.Head})
	if err != nil {
		return unreadError{err}
	}
	if c.JSON {
		out := json.NewEncoder(a.out)
		out.SetIndent("", "\t")
		err = out.Encode(report)
	} else {
		err = printVerdict(a.out, c.Where, report)
	}
	if err == nil && !report.Holds() {
		err = fmt.Errorf("verify: %s does not hold what it claims: %d faults", c.Where, faults(report))
	}
	return err
}

func faults(r *verify.Report) (n int) {
	for _, c := range r.Claims {
		n += len(c.Faults)
	}
	return n
}

// shownFaults is how many faults of one claim are printed; --json has them all.
const shownFaults = 10

func printVerdict(w io.Writer, where string, r *verify.Report) error {
	fmt.Fprintf(w, "%s: %d releases, %d ledger entries\n\n", where, r.Releases, r.Entries)
	for _, c := range r.Claims {
		state := "ok   "
		switch {
		case len(c.Faults) > 0:
			state = "FAULT"
		case !c.Holds():
			state = "  -  "
		}
		fmt.Fprintf(w, "%s  %s (%d looked at)\n", state, c.Text, c.Looked)
		for _, f := range c.Faults[:min(len(c.Faults), shownFaults)] {
			fmt.Fprintf(w, "         %s\n", f)
		}
		if more := len(c.Faults) - shownFaults; more > 0 {
			fmt.Fprintf(w, "         and %d more: --json shows all\n", more)
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note   %s\n", n)
	}
	for _, m := range r.Watermarks {
		fmt.Fprintf(w, "note   releases are marked as not safe to publish: %s\n", m)
	}
	if len(r.Losses) > 0 {
		fmt.Fprintf(w, "\nWhat one device can have lost at most that came in every period of a month (zCDP):\n")
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "  SITE\tMONTH\tRELEASES\tRHO\tEPSILON\tDELTA")
		for _, l := range r.Losses {
			fmt.Fprintf(t, "  %s\t%s\t%d\t%.4f\t%.3f\t%.2g\n", l.Site, l.Month, l.Periods, l.Rho, l.Epsilon, l.Delta)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "\nNot provable from published files:\n")
	for _, u := range verify.Unprovable() {
		fmt.Fprintf(w, "  - %s\n", u)
	}
	_, err := fmt.Fprintf(w, "\nLedger head: %s\n", r.Head)
	return err
}
