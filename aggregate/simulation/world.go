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
		K: o.K, Epsilon: o.Epsilon, Delta: o.Delta, Watermark: o.Watermark,
	})
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return w, nil
}

// Close ends the world; its files stay.
func (w *World) Close() error { return w.books.Close() }

// EndDay moves the clock past the day and closes it.
func (w *World) EndDay(ctx context.Context, d throng.Day) error {
	w.clock.now = d.End().Add(36 * time.Hour)
	_, err := w.CloseDay(ctx, d)
	return err
}

// Release reads a release; ok is false where there is none.
func (w *World) Release(id throng.ReleaseID) (r *throng.Release, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(id.Path())))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err == nil {
		r = &throng.Release{}
		err = json.Unmarshal(b, r)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read release: %w", err)
	}
	return r, true, nil
}
