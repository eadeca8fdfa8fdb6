package simulation

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"throng"
)

// batch is the number of rows that are yielded at a time, as the real store does.
const batch = 65_536

// noNetwork says of a batch that its networks are unknown.
var noNetwork [batch]uint64

// Store holds the units of open days, and what closed ones have folded, in memory.
type Store struct {
	mu     sync.Mutex
	open   map[throng.Day]*table // guarded by mu, as are all below
	bots   map[throng.Day][]throng.BotUnit
	folded map[throng.Day]*table
	spans  map[throng.Span]*table // folded days, put in order; made when they are read
}

// table is rows with their cells.
type table struct {
	rows  throng.UnitRows
	cells []throng.CellKey
}

// NewStore gives an empty store.
func NewStore() *Store {
	return &Store{open: map[throng.Day]*table{}, bots: map[throng.Day][]throng.BotUnit{}, folded: map[throng.Day]*table{}, spans: map[throng.Span]*table{}}
}

// Put fills a day. Rows are ordered by (unit, cell) and stay as they are; their networks are unknown.
func (s *Store) Put(d throng.Day, rows throng.UnitRows, cells []throng.CellKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[d] = &table{rows, cells}
}

// PutBots fills a day's bots.
func (s *Store) PutBots(d throng.Day, bots []throng.BotUnit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bots[d] = bots
}

// of finds the table of a day or span.
func (s *Store) of(p throng.Period) *table {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Kind() == throng.DayPeriod {
		return s.open[p.First()]
	}
	span := throng.SpanOf(p.First())
	if s.spans[span] == nil {
		s.spans[span] = s.gather(p)
	}
	return s.spans[span]
}

// gather puts what a span's days have folded in order. The caller holds mu.
func (s *Store) gather(p throng.Period) *table {
	all := &table{}
	for d := p.First(); d <= p.Last(); d++ {
		if t := s.folded[d]; t != nil {
			all.cells = append(all.cells, t.cells...)
			all.append(t.rows)
		}
	}
	all.sort()
	return all
}

func (t *table) append(r throng.UnitRows) {
	t.rows.Unit = append(t.rows.Unit, r.Unit...)
	t.rows.Cell = append(t.rows.Cell, r.Cell...)
	t.rows.OptedOut = append(t.rows.OptedOut, r.OptedOut...)
	t.rows.Visits = append(t.rows.Visits, r.Visits...)
}

func (t *table) sort() {
	r := t.rows
	order := make([]int, len(r.Unit))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.Unit[a], r.Unit[b]), cmp.Compare(r.Cell[a], r.Cell[b]))
	})
	t.rows = throng.UnitRows{}
	for _, i := range order {
		t.append(throng.UnitRows{Unit: r.Unit[i : i+1], Cell: r.Cell[i : i+1], OptedOut: r.OptedOut[i : i+1], Visits: r.Visits[i : i+1]})
	}
}

// Cells are the cells of a period.
func (s *Store) Cells(_ context.Context, p throng.Period) ([]throng.CellKey, error) {
	if t := s.of(p); t != nil {
		return t.cells, nil
	}
	return nil, nil
}

// CountUnits is the number of rows of a period.
func (s *Store) CountUnits(_ context.Context, p throng.Period) (uint64, error) {
	if t := s.of(p); t != nil {
		return uint64(len(t.rows.Unit)), nil
	}
	return 0, nil
}

// Units yields a range of a period's units.
func (s *Store) Units(_ context.Context, p throng.Period, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	t := s.of(p)
	if t == nil {
		return nil
	}
	r := t.rows
	from, _ := slices.BinarySearch(r.Unit, lo)
	to := len(r.Unit)
	if hi < math.MaxUint64 {
		to, _ = slices.BinarySearch(r.Unit, hi+1)
	}
	for ; from < to; from += batch {
		end := min(from+batch, to)
		err := yield(throng.UnitRows{
			Unit: r.Unit[from:end], Cell: r.Cell[from:end], OptedOut: r.OptedOut[from:end], Visits: r.Visits[from:end],
			Network: noNetwork[:end-from],
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Bots yields a range of a day's bots.
func (s *Store) Bots(_ context.Context, d throng.Day, lo, hi throng.UnitToken, yield func([]throng.BotUnit) error) error {
	s.mu.Lock()
	bots := s.bots[d]
	s.mu.Unlock()
	return yield(slices.DeleteFunc(slices.Clone(bots), func(b throng.BotUnit) bool { return b.Unit < lo || b.Unit > hi }))
}

// Fold replaces what is folded of a day.
func (s *Store) Fold(_ context.Context, d throng.Day, cells []throng.CellKey, rows func(put func(throng.UnitRows) error) error) error {
	t := &table{cells: cells}
	var mu sync.Mutex // guards t
	err := rows(func(r throng.UnitRows) error {
		mu.Lock()
		defer mu.Unlock()
		t.append(r)
		return nil
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folded[d] = t
	delete(s.spans, throng.SpanOf(d))
	return err
}

// DropUnits forgets a period.
func (s *Store) DropUnits(_ context.Context, p throng.Period) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := p.First(); d <= p.Last(); d++ {
		if p.Kind() == throng.DayPeriod {
			delete(s.open, d)
			delete(s.bots, d)
		} else {
			delete(s.folded, d)
		}
	}
	if p.Kind() != throng.DayPeriod {
		delete(s.spans, throng.SpanOf(p.First()))
	}
	return nil
}

// Tally says that every line was read.
func (s *Store) Tally(context.Context, throng.Day) (throng.Tally, error) { return throng.Tally{}, nil }

// MirrorRelease does nothing.
func (s *Store) MirrorRelease(context.Context, throng.ReleaseID, string, []byte) error { return nil }

// OpenDays are the days that were put and not dropped.
func (s *Store) OpenDays(context.Context) ([]throng.Day, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var days []throng.Day
	for d := range s.open {
		days = append(days, d)
	}
	slices.Sort(days)
	return days, nil
}

// Feeds are none: a simulated day is complete.
func (s *Store) Feeds(context.Context, throng.Day) (map[string]time.Time, error) { return nil, nil }

// Marks are none.
func (s *Store) Marks(context.Context, throng.Day) (map[int]int64, error) { return nil, nil }

// broker has no topics.
type broker struct{}

func (broker) Topics(context.Context) ([]string, error)                         { return nil, nil }
func (broker) Partitions(context.Context, string) ([]int, error)                { return nil, nil }
func (broker) ProduceTo(context.Context, string, int, []byte) (int64, error)    { return 0, nil }
func (broker) Committed(context.Context, string, string) (map[int]int64, error) { return nil, nil }
