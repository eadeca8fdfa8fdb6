package retention_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/retention"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func dayAgo(n int) throng.Day { return throng.DayOf(noon) - throng.Day(n) }

// clock is moved by hand.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time                       { return c.now }
func (c *clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

var errFault = errors.New("fault")

var discard = slog.New(slog.NewTextHandler(io.Discard, nil))

// memory is a store in memory. It is stricter than the real ones: it refuses to drop or to read what it
// does not have.
type memory struct {
	mu    sync.Mutex // of what a test changes while a keeper runs: see change
	items []throng.Item
	drops int
	// faults, by item name
	dropFails    map[string]error // refuses, keeps the item
	dropHalf     map[string]error // drops the item and fails all the same
	dropLies     map[string]bool  // answers well and keeps the item
	afterDrop    func()
	lingers      int // looks at the store for which what was dropped is still there
	failItems    error
	failRead     error
	leaving      *throng.Item // was dropped and lingers
	vanishOnRead bool         // an item goes away between Items and Oldest
}

func (m *memory) Items(ctx context.Context) ([]throng.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.leaving != nil {
		if m.lingers--; m.lingers <= 0 {
			m.items, m.leaving = slices.Delete(m.items, m.find(*m.leaving), m.find(*m.leaving)+1), nil
		}
	}
	items := slices.Clone(m.items)
	for i := range items {
		items[i].Oldest = time.Time{} // told by Read alone
	}
	return items, m.failItems
}

// change lets a test change the store while a keeper runs. Time that passes in a bubble of synctest orders
// nothing for the race detector.
func (m *memory) change(how func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	how()
}

// count is how many items there are, for a test while a keeper runs.
func (m *memory) count() (n int) {
	m.change(func() { n = len(m.items) })
	return n
}

func (m *memory) find(item throng.Item) int {
	return slices.IndexFunc(m.items, func(i throng.Item) bool { return i.Name == item.Name && i.Store == item.Store })
}

func (m *memory) DropItem(ctx context.Context, item throng.Item) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	i := m.find(item)
	if i < 0 {
		return errors.New("no such item")
	}
	if err := m.dropFails[item.Name]; err != nil {
		return err
	}
	if m.lingers > 0 {
		m.leaving = &item
		return nil
	}
	if !m.dropLies[item.Name] {
		m.items = slices.Delete(m.items, i, i+1)
		m.drops++
	}
	if m.afterDrop != nil {
		m.afterDrop()
	}
	return m.dropHalf[item.Name]
}

func (m *memory) Read(_ context.Context, items []throng.Item) error {
	for n := range items {
		if m.vanishOnRead {
			m.items = slices.Delete(m.items, m.find(items[n]), m.find(items[n])+1)
		}
		if i := m.find(items[n]); i >= 0 {
			items[n].Oldest = m.items[i].Oldest
		}
	}
	return m.failRead
}

func item(store string, class throng.Class, day throng.Day) throng.Item {
	return throng.Item{Store: store, Class: class, Name: string(class) + "/" + day.String(), Day: day, Rows: 7, Bytes: 300, Removal: throng.DropPartition}
}

// town is a keeper with its stores, its clock and its receipts.
type town struct {
	keeper             *retention.Keeper
	clock              *clock
	clickhouse, broker *memory
	closed             map[throng.Day]bool
	path, terms        string
	receipts           *retention.Receipts
}

func newTown(t testing.TB, limits retention.Limits) *town {
	t.Helper()
	w := &town{
		clock: &clock{noon}, clickhouse: &memory{}, broker: &memory{},
		closed: map[throng.Day]bool{}, path: filepath.Join(t.TempDir(), "receipts"),
	}
	w.terms = w.path + "-limits"
	w.start(t, limits)
	return w
}

// start makes the keeper, as a new process does.
func (w *town) start(t testing.TB, limits retention.Limits) {
	t.Helper()
	var err error
	if w.receipts, err = retention.OpenReceipts(w.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.stop(t) })
	w.keeper, err = retention.New(retention.Options{
		Stores: map[string]retention.Store{"clickhouse": w.clickhouse, "broker": w.broker},
		Limits: limits, Terms: w.terms, Receipts: w.receipts, Clock: w.clock,
		Closed: func(p throng.Period) bool { return p.Kind() == throng.DayPeriod && w.closed[p.First()] },
		Log:    discard,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *town) stop(t testing.TB) {
	if w.receipts == nil {
		return
	}
	if err := w.receipts.Close(); err != nil {
		t.Error(err)
	}
	w.receipts = nil
}
