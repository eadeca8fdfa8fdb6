package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"throng"
	"throng/aggregate/ledger"
	"throng/dashboards"
)

type releaseCommand struct {
	List   releaseList   `cmd:"" help:"List what was published."`
	Show   releaseShow   `cmd:"" help:"Print the stored bytes of a release."`
	Export releaseExport `cmd:"" help:"Write a release as CSV or JSON."`
}

func (releaseCommand) Help() string {
	return "A release is named SITE/TABLE/PERIOD, such as www/path/2026-11-22.\n\n" +
		"Example:\n  throng release export www/path/2026-11-22 --dir /var/lib/throng --format csv > readers.csv"
}

// files are the releases in the state directory, each compared with the ledger on every use.
func (l located) files(a *app) (*dashboards.Files, error) {
	d, err := l.layout(a)
	if err != nil {
		return nil, err
	}
	return d.files(), nil
}

func (d layout) files() *dashboards.Files {
	return dashboards.NewFiles(os.DirFS(d.releases()), publications(d))
}

// publications looks the SHA-256 of a release up in the ledger.
type publications layout

// SHA256 reads the ledger anew: it grows while the dashboards run, at most by some entries a day.
func (d publications) SHA256(_ context.Context, id throng.ReleaseID) (string, error) {
	entries, err := layout(d).entries()
	if err != nil {
		return "", err
	}
	for _, e := range slices.Backward(entries) {
		if (e.Kind == ledger.Publication || e.Kind == ledger.Sum) && *e.Release == id {
			return e.SHA256, nil
		}
	}
	return "", fmt.Errorf("release %s: the ledger does not know it", id)
}

func (d layout) entries() ([]ledger.Entry, error) {
	f, err := os.Open(d.path("ledger/" + ledger.FileName))
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	entries, err := ledger.Read(f)
	return entries, errors.Join(err, f.Close())
}

// ledgerFile is the ledger as it is published: the whole entries, for one may be half written now.
func (d layout) ledgerFile(context.Context) ([]byte, error) {
	b, err := os.ReadFile(d.path("ledger/" + ledger.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read ledger: nothing was reserved yet: %w", err)
	}
	return b[:len(b)/ledger.EntryBytes*ledger.EntryBytes], err
}

type releaseList struct{ located }

func (c releaseList) Run(a *app, ctx context.Context) error {
	files, err := c.files(a)
	if err != nil {
		return err
	}
	ids, err := files.List(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(ids, func(x, y throng.ReleaseID) int { return strings.Compare(x.String(), y.String()) })
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RELEASE\tROWS\tK\tEPSILON\tSHA-256")
	for _, id := range ids {
		r, err := files.Get(ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%g\t%s\n", id, len(r.Rows), r.Parameters.K, r.Parameters.Epsilon, r.SHA256)
	}
	return w.Flush()
}

// named is embedded in commands for one release.
type named struct {
	located
	Release string `arg:"" placeholder:"SITE/TABLE/PERIOD" help:"The release."`
}

func (c named) get(a *app, ctx context.Context) (*dashboards.Stored, error) {
	parts := strings.Split(c.Release, "/")
	if len(parts) != 3 {
		return nil, usageError{fmt.Errorf("release %q: want SITE/TABLE/PERIOD", c.Release)}
	}
	period, err := throng.ParsePeriod(parts[2])
	if err != nil {
		return nil, usageError{err}
	}
	files, err := c.files(a)
	if err != nil {
		return nil, err
	}
	r, err := files.Get(ctx, throng.ReleaseID{Site: parts[0], Table: parts[1], Period: period})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("release %s: there is none; `throng release list` names those there are", c.Release)
	}
	return r, err
}

type releaseShow struct{ named }

func (c releaseShow) Run(a *app, ctx context.Context) error {
	r, err := c.get(a, ctx)
	if err != nil {
		return err
	}
	_, err = a.out.Write(r.Body)
	return err
}

type releaseExport struct {
	named
	Format string `enum:"csv,json" default:"csv" help:"csv or json."`
}

func (c releaseExport) Run(a *app, ctx context.Context) error {
	if c.Format == "json" {
		return releaseShow{c.named}.Run(a, ctx)
	}
	r, err := c.get(a, ctx)
	if err != nil {
		return err
	}
	return dashboards.WriteCSV(a.out, r.Release)
}
