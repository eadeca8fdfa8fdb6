package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"throng"
	"throng/aggregate/ledger"
	"throng/dashboards"
)

type releaseCommand struct {
	List   releaseList   `cmd:"" help:"List what was published."`
	Show   releaseShow   `cmd:"" help:"Print the stored bytes of a release."`
	Export releaseExport `cmd:"" help:"Write a release as CSV, JSON or Parquet."`
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
	return dashboards.NewFiles(os.DirFS(d.releases()), &publications{dir: d})
}

// publications looks the SHA-256 of a release up in the ledger.
type publications struct {
	dir layout

	mu     sync.Mutex
	length int64                       // of the ledger that sums are of; guarded by mu
	sums   map[throng.ReleaseID]string // guarded by mu
}

// SHA256 reads the ledger anew where it has grown, which it does by some entries a day.
func (p *publications) SHA256(_ context.Context, id throng.ReleaseID) (string, error) {
	info, err := os.Stat(p.dir.path("ledger/" + ledger.FileName))
	if err != nil {
		return "", fmt.Errorf("read ledger: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sums == nil || info.Size() != p.length {
		if err := p.read(info.Size()); err != nil {
			return "", err
		}
	}
	if sum, ok := p.sums[id]; ok {
		return sum, nil
	}
	return "", fmt.Errorf("release %s: the ledger does not know it", id)
}

// read is called with mu held. What is appended meanwhile is read at the next call.
func (p *publications) read(length int64) error {
	entries, err := p.dir.entries()
	if err != nil {
		return err
	}
	p.length, p.sums = length, map[throng.ReleaseID]string{}
	for _, e := range entries {
		if e.Kind == ledger.Publication || e.Kind == ledger.Sum {
			p.sums[*e.Release] = e.SHA256
		}
	}
	return nil
}

func (d layout) entries() ([]ledger.Entry, error) {
	f, err := os.Open(d.path("ledger/" + ledger.FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read ledger: no day was closed yet: %w", err)
	}
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
		return nil, fmt.Errorf("no day was closed yet: %w", err)
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
	if len(ids) == 0 {
		fmt.Fprintln(a.err, "no releases yet: the first is made when a day is closed")
		return nil
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
	Format string `enum:"csv,json,parquet" default:"csv" help:"csv, json or parquet."`
}

func (c releaseExport) Run(a *app, ctx context.Context) error {
	if c.Format == "json" {
		return releaseShow{c.named}.Run(a, ctx)
	}
	r, err := c.get(a, ctx)
	if err != nil {
		return err
	}
	if c.Format == "parquet" {
		return dashboards.WriteParquet(a.out, r)
	}
	return dashboards.WriteCSV(a.out, r.Release)
}
