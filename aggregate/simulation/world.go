package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/ledger"
)

// Options configure a [World].
type Options struct {
	// Dir is the directory of ledger and releases; it must be new. Required.
	Dir string
	// Sites are the sites that get a release every day. Required.
	Sites []string
	// K, Epsilon and Delta are those of [aggregate.Options], and default as they do.
	K              int64
	Epsilon, Delta float64
	// Tables are the further tables of a site. Defaults to none.
	Tables map[string][]string
	// Routes are the listed pages of a site, as in [aggregate.Options]. Defaults to none.
	Routes map[string][]string
	// Watermark is needed where K is under the floor. Defaults to none.
	Watermark string
}

// World is a closer in a made-up world. It is not safe for concurrent use.
type World struct {
	*aggregate.Closer
	Store *Store
	dir   string
	clock *clock
	books *ledger.Ledger
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time                       { return c.now }
func (c *clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// New makes a world. Close gives its ledger back.
func New(o Options) (*World, error) {
	l, err := ledger.Create(filepath.Join(o.Dir, "ledger"))
	if err != nil {
		return nil, err
	}
	w := &World{Store: NewStore(), dir: o.Dir, clock: &clock{}, books: l}
	w.Closer, err = aggregate.New(aggregate.Options{
		Store: w.Store, Broker: broker{}, Ledger: l, Clock: w.clock, Logger: slog.New(slog.DiscardHandler),
		Releases: filepath.Join(o.Dir, throng.ReleasesName), Sites: o.Sites,
		Group: func(topic string) string { return topic }, ClosingMarker: func(throng.Day) []byte { return nil },
		Tables: o.Tables, Routes: o.Routes, K: o.K, Epsilon: o.Epsilon, Delta: o.Delta, Watermark: o.Watermark,
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return w, nil
}

// Close ends the world; its files stay.
func (w *World) Close() error { return w.books.Close() }

// EndDay moves the clock past the day and closes it, and the span and the month that end with it.
func (w *World) EndDay(ctx context.Context, d throng.Day) error {
	w.clock.now = d.End().Add(36 * time.Hour)
	if _, err := w.CloseDay(ctx, d); err != nil {
		return err
	}
	if span := throng.SpanOf(d); span.Last() == d {
		if _, err := w.CloseSpan(ctx, span); err != nil {
			return err
		}
	}
	if month := throng.MonthOf(d); month.Last() == d {
		_, err := w.SumMonth(ctx, month)
		return err
	}
	return nil
}

// Releases reads all releases, sorted by name.
func (w *World) Releases() ([]*throng.Release, error) {
	files, err := filepath.Glob(filepath.Join(w.dir, throng.ReleasesName, "*", "*", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("list releases: %w", err)
	}
	var releases []*throng.Release
	for _, f := range files {
		r, err := readRelease(f)
		if err != nil {
			return nil, err
		}
		releases = append(releases, r)
	}
	return releases, nil
}

// Release reads a release; ok is false where there is none.
func (w *World) Release(id throng.ReleaseID) (r *throng.Release, ok bool, err error) {
	r, err = readRelease(filepath.Join(w.dir, filepath.FromSlash(id.Path())))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return r, err == nil, err
}

func readRelease(path string) (*throng.Release, error) {
	r := &throng.Release{}
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, r)
	}
	if err != nil {
		return nil, fmt.Errorf("read release: %w", err)
	}
	return r, nil
}
