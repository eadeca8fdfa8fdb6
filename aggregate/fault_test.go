package aggregate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/aggregate/ledger"
	"throng/aggregate/verify"
	"throng/internal/durable"
)

var errFault = errors.New("it failed")

// faults fails one of all the changes of files and all the queries that a process makes.
type faults struct {
	mu sync.Mutex
	at int // counted from 1; 0 fails none
	// after says that what fails has done its work; dead, that nothing is done any more from then on.
	after, dead bool
	n, reads    int
}

// readsApart is how many reads of a range of units count as one: there are 64 in each pass, all alike.
const readsApart = 16

func (f *faults) query(name string) (fails, does bool) {
	f.mu.Lock()
	if name == "Units" {
		if f.reads++; f.reads%readsApart != 1 {
			defer f.mu.Unlock()
			return f.dead && f.at > 0 && f.n > f.at, false
		}
	}
	f.mu.Unlock()
	return f.next()
}

func (f *faults) next() (fails, does bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	switch {
	case f.n == f.at:
		return true, f.after
	case f.dead && f.at > 0 && f.n > f.at:
		return true, false
	}
	return false, true
}

// disk fails as f says; a write that does half of its work is one of those that do it.
func (f *faults) disk() durable.Disk {
	return durable.Disk{Around: func(s durable.Step, do func() error) error {
		fails, does := f.next()
		if !fails {
			return do()
		}
		if does {
			return errors.Join(errFault, do())
		}
		return fmt.Errorf("%s: %w", s.Op, errFault)
	}}
}

// fork is another house with the same files and the same store.
func (h *house) fork() *house {
	h.t.Helper()
	h.ledger.Close()
	f := &house{t: h.t, dir: filepath.Join(h.t.TempDir(), "house"), store: h.store.clone(), broker: h.broker, clock: &clock{h.clock.now}, options: h.options}
	must(h.t.(*testing.T), os.CopyFS(f.dir, os.DirFS(h.dir)))
	f.options.Store, f.options.Clock, f.options.Releases = f.store, f.clock, filepath.Join(f.dir, "releases")
	return f
}

func (m *memory) clone() *memory {
	c := newMemory()
	maps.Copy(c.rows, m.rows)
	maps.Copy(c.cells, m.cells)
	maps.Copy(c.folded, m.folded)
	maps.Copy(c.blocks, m.blocks)
	maps.Copy(c.mirror, m.mirror)
	return c
}

// seen are the bytes of all releases that somebody outside may have seen: linked, or mirrored.
func (h *house) seen() map[string]string {
	h.t.Helper()
	all := map[string]string{}
	for id, m := range h.store.mirror {
		all[id.String()] = m[64:] // behind the SHA-256
	}
	err := fs.WalkDir(os.DirFS(h.dir), "releases", func(path string, d fs.DirEntry, err error) error {
		name, release := strings.CutSuffix(strings.TrimPrefix(path, "releases/"), ".json")
		if err != nil || !release {
			return err
		}
		b, err := os.ReadFile(filepath.Join(h.dir, path))
		if was, ok := all[name]; ok && was != string(b) {
			h.t.Errorf("%s was mirrored otherwise", name)
		}
		all[name] = string(b)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.t.Fatal(err)
	}
	return all
}

// expectFinished checks what a finished close leaves: each release once in the ledger, as the file and the
// mirror have it, nothing else on disk, and no token. seen and staged are what there was before the restart.
func (h *house) expectFinished(of throng.Period, seen map[string]string, staged []byte) {
	h.t.Helper()
	after := h.seen()
	for name, b := range seen {
		if after[name] != b {
			h.t.Errorf("%s was seen and has changed", name)
		}
	}
	id := throng.ReleaseID{Site: "www", Table: throng.PathTable, Period: of}
	if after[id.String()] == "" {
		h.t.Fatalf("%s was not published", id)
	}
	if staged != nil && !bytes.Equal(staged, []byte(after[id.String()])) {
		h.t.Errorf("%s is not what was staged", id)
	}
	times := map[throng.ReleaseID]map[ledger.Kind]int{}
	for _, e := range h.ledger.Entries()[1:] {
		if times[*e.Release] == nil {
			times[*e.Release] = map[ledger.Kind]int{}
		}
		times[*e.Release][e.Kind]++
	}
	for id, n := range times {
		drawn := n[ledger.Reservation] == 1 && n[ledger.Publication] == 1 && n[ledger.Sum] == 0
		if summed := id.Period.Kind() == throng.MonthPeriod && n[ledger.Sum] == 1 && len(n) == 1; drawn == summed {
			h.t.Errorf("%s has entries %v", id, n)
		}
		if a, _ := h.ledger.Reservation(id); h.store.mirror[id] != a.SHA256+after[id.String()] {
			h.t.Errorf("the mirror of %s is not its file", id)
		}
	}
	if len(h.store.rows) != 0 || of.Kind() == throng.SpanPeriod && len(h.store.folded) != 0 {
		h.t.Error("tokens are left")
	}
	h.expectTidy()
	r, err := verify.Run(context.Background(), verify.Options{Files: verify.Dir{FS: os.DirFS(h.dir)}})
	if err != nil || !r.Holds() {
		h.t.Errorf("verify: %v, %+v", err, r)
	}
}

// expectTidy checks that no file is left of what was interrupted.
func (h *house) expectTidy() {
	h.t.Helper()
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if name := d.Name(); err == nil && !d.IsDir() && (strings.Contains(name, ".tmp-") || strings.HasSuffix(name, ".key") || strings.HasSuffix(name, ".staged")) {
			h.t.Errorf("%s is left", name)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// ready are houses in which one tick closes one period.
var ready = map[string]func(t *testing.T) (*house, throng.Period){
	"day": func(t *testing.T) (*house, throng.Period) {
		h := newHouse(t)
		h.options.K, h.options.Watermark = 20, "test"
		h.visits(today, 0, 600, "/news/today", 2)
		h.visits(today, 0, 600, "/shop/a", 1)
		h.visits(today, 600, 900, "/shop/b", 1)
		h.visits(today, 900, 1200, "/shop/c", 1)
		h.store.sort()
		return h, today.Period()
	},
	"span": func(t *testing.T) (*house, throng.Period) {
		return spanToClose(t), throng.Span(spanDay).Period()
	},
	"month": func(t *testing.T) (*house, throng.Period) {
		h := spanToClose(t)
		h.tick()
		month := throng.MonthOf(spanDay)
		h.clock.now = month.Last().End().Add(47 * time.Hour)
		return h, month
	},
}

func spanToClose(t *testing.T) *house {
	h := newHouse(t)
	h.options.K, h.options.Watermark = 20, "test"
	h.open()
	for i := range 8 {
		day := spanDay + throng.Day(i)
		h.visits(day, 100*i, 100*i+100, "/news/old", 2)
		h.visits(day, 0, 600, "/news/today", 1)
		h.store.sort()
		h.clock.now = day.End().Add(time.Hour)
		if _, err := h.CloseDay(context.Background(), day); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// Every change of a file and every query of a close fails in turn: once, or from then on as if the machine
// had died; with its work done, or not. After the restart the period is closed: with the bytes that were
// staged, or by a draw under the same reservation, and nothing that was ever visible has changed.
func TestAFaultAtEveryStep(t *testing.T) {
	for name, build := range ready {
		for _, mode := range []struct {
			name        string
			after, dead bool
		}{{"refused", false, false}, {"done and told to have failed", true, false}, {"died", true, true}} {
			t.Run(name+"/"+mode.name, func(t *testing.T) {
				t.Parallel()
				base, period := build(t)
				steps := 0
				for at := 1; ; at++ {
					h := base.fork()
					f := &faults{at: at, after: mode.after, dead: mode.dead}
					h.disk, h.store.next = f.disk(), f.query
					if err := h.tryOpen(); err == nil {
						_, _, err = h.Tick(context.Background())
						if steps = f.n; err == nil && at <= steps {
							t.Fatalf("step %d failed and nobody was told", at)
						}
					}
					h.store.next, h.disk = nil, durable.Disk{}
					seen := h.seen()
					var staged []byte // what is erased behind a publication is no longer whole
					if seen["www/path/"+period.String()] == "" {
						staged = h.stagedOf(period)
					}
					h.open()
					h.tick()
					h.expectFinished(period, seen, staged)
					h.ledger.Close()
					if t.Failed() {
						t.Fatalf("at step %d", at)
					}
					if at > f.n {
						break
					}
				}
				if steps < map[string]int{"day": 50, "span": 50, "month": 20}[name] {
					t.Errorf("only %d steps: what a close does is not seen", steps)
				}
			})
		}
	}
}

// stagedOf are the bytes that are staged for a period.
func (h *house) stagedOf(of throng.Period) []byte {
	h.t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, "ledger", "reservations", "*"+of.String()+"*.staged"))
	if err != nil || len(files) == 0 {
		return nil
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}
