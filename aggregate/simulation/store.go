package simulation

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"throng"
)

// batch is the number of rows that are yielded at a time, as the real store does.
const batch = 65_536

// Store holds the units of open days in memory. Reading is safe for concurrent use; Put is not.
type Store struct {
	days map[throng.Day]*day
}

type day struct {
	rows  throng.UnitRows
	cells []throng.CellKey
}

// NewStore gives an empty store.
func NewStore() *Store { return &Store{days: map[throng.Day]*day{}} }

// Put fills a day. Rows are ordered by (unit, cell); both belong to the store from now on.
func (s *Store) Put(d throng.Day, rows throng.UnitRows, cells []throng.CellKey) {
	s.days[d] = &day{rows, cells}
}

// Cells are the cells of a day.
func (s *Store) Cells(_ context.Context, d throng.Day) ([]throng.CellKey, error) {
	if open, ok := s.days[d]; ok {
		return open.cells, nil
	}
	return nil, nil
}

// Units yields a range of a day's units.
func (s *Store) Units(_ context.Context, d throng.Day, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	open, ok := s.days[d]
	if !ok {
		return nil
	}
	return yieldRange(open.rows, lo, hi, yield)
}

func yieldRange(r throng.UnitRows, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	from, _ := slices.BinarySearch(r.Unit, lo)
	to := len(r.Unit)
	if hi < math.MaxUint64 {
		to, _ = slices.BinarySearch(r.Unit, hi+1)
	}
	for ; from < to; from += batch {
		end := min(from+batch, to)
		err := yield(throng.UnitRows{
			Unit: r.Unit[from:end], Cell: r.Cell[from:end], OptedOut: r.OptedOut[from:end], Visits: r.Visits[from:end],
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Tally says that every line was read.
func (s *Store) Tally(context.Context, throng.Day) (throng.Tally, error) { return throng.Tally{}, nil }

// MirrorRelease does nothing.
func (s *Store) MirrorRelease(context.Context, throng.ReleaseID, string, []byte) error { return nil }

// DropUnits forgets a day.
func (s *Store) DropUnits(_ context.Context, d throng.Day) error {
	delete(s.days, d)
	return nil
}

// OpenDays are the days that were put and not dropped.
func (s *Store) OpenDays(context.Context) ([]throng.Day, error) {
	var days []throng.Day
	for d := range s.days {
		days = append(days, d)
	}
	slices.SortFunc(days, func(a, b throng.Day) int { return cmp.Compare(a, b) })
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
