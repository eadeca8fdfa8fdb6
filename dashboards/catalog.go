package dashboards

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"throng"
)

const (
	// maxKeptRows bounds the memory of a catalog: a row takes about 150 bytes, so that two years of months
	// with 100,000 rows fit, in 400 MiB.
	maxKeptRows = 2_600_000
	// listFor is how long a list of the releases is used: a new one appears after so long at the latest.
	listFor = time.Second
)

// catalog keeps releases in memory, made ready for pages. A release never changes, so what was read once
// is right for good; what was used least recently goes first when there is too much.
type catalog struct {
	releases Releases
	clock    throng.Clock
	reading  singleflight.Group // one reader a release, however many ask

	mu     sync.Mutex
	listed []throng.ReleaseID // guarded by mu, as all below; never changed in place
	at     time.Time          // of listed
	kept   map[throng.ReleaseID]*keptSheet
	briefs map[throng.ReleaseID]*brief // of all that were ever read; some hundred bytes each
	rows   int
	turn   uint64
}

type keptSheet struct {
	*sheet
	used uint64 // turn of the last use
}

func newCatalog(releases Releases, clock throng.Clock) *catalog {
	return &catalog{releases: releases, clock: clock, kept: map[throng.ReleaseID]*keptSheet{},
		briefs: map[throng.ReleaseID]*brief{}}
}

// list names all releases, as they were at most a second ago.
func (c *catalog) list(ctx context.Context) ([]throng.ReleaseID, error) {
	now := c.clock.Now()
	c.mu.Lock()
	listed, at := c.listed, c.at
	c.mu.Unlock()
	if listed != nil && now.Sub(at) < listFor {
		return listed, nil
	}
	listed, err := c.releases.List(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listed, c.at = listed, now
	return listed, nil
}

// past is what was released of a site's table.
func (c *catalog) past(ctx context.Context, site, table string) (history, error) {
	ids, err := c.list(ctx)
	return historyOf(ids, site, table), err
}

// sheet gives a release; where there is none the error wraps [io/fs.ErrNotExist].
func (c *catalog) sheet(ctx context.Context, id throng.ReleaseID) (*sheet, error) {
	if s := c.recall(id); s != nil {
		return s, nil
	}
	read, err, _ := c.reading.Do(id.String(), func() (any, error) {
		stored, err := c.releases.Get(context.WithoutCancel(ctx), id) // others wait for it, too
		if err != nil {
			return nil, err
		}
		return c.keep(id, stored), nil
	})
	if err != nil {
		return nil, err
	}
	return read.(*sheet), ctx.Err()
}

// brief gives what is kept of every release.
func (c *catalog) brief(ctx context.Context, id throng.ReleaseID) (*brief, error) {
	c.mu.Lock()
	b := c.briefs[id]
	c.mu.Unlock()
	if b != nil {
		return b, nil
	}
	s, err := c.sheet(ctx, id)
	if err != nil {
		return nil, err
	}
	return &s.Brief, nil
}

// warm reads all releases, latest first, until memory is full of them or ctx ends. A release that cannot be
// read is left to whoever asks for it.
func (c *catalog) warm(ctx context.Context) error {
	ids, err := c.list(ctx)
	if err != nil {
		return err
	}
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b throng.ReleaseID) int { return cmp.Compare(b.Period.Last(), a.Period.Last()) })
	for _, id := range ids {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s, err := c.sheet(ctx, id)
		if err != nil {
			continue
		}
		s.order("-" + defaultSort)
		if c.full() {
			return nil
		}
	}
	return nil
}

func (c *catalog) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rows > maxKeptRows*9/10
}

func (c *catalog) recall(id throng.ReleaseID) *sheet {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kept[id]
	if k == nil {
		return nil
	}
	c.turn++
	k.used = c.turn
	return k.sheet
}

func (c *catalog) keep(id throng.ReleaseID, stored *Stored) *sheet {
	s := newSheet(stored)
	if other := c.beside(id); other != nil {
		s.shareKeys(other)
	}
	b := s.Brief // a copy, so that it does not hold the rows
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	c.kept[id], c.briefs[id] = &keptSheet{s, c.turn}, &b
	c.rows += len(s.Rows)
	for c.rows > maxKeptRows && len(c.kept) > 1 {
		c.forgetOldest()
	}
	return s
}

// beside is the kept sheet of the same site and table that was used last; nil where there is none.
func (c *catalog) beside(id throng.ReleaseID) *sheet {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last keptSheet
	for of, k := range c.kept {
		if of.Site == id.Site && of.Table == id.Table && k.used > last.used {
			last = *k
		}
	}
	return last.sheet
}

// forgetOldest is called with mu held.
func (c *catalog) forgetOldest() {
	var oldest throng.ReleaseID
	least := c.turn + 1
	for id, k := range c.kept {
		if k.used < least {
			least, oldest = k.used, id
		}
	}
	c.rows -= len(c.kept[oldest].Rows)
	delete(c.kept, oldest)
}
