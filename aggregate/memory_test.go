package aggregate_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"throng"
)

// memory is a store in memory. Like the real one it yields rows in batches that it reuses, has
// several rows for one (unit, cell), and repeats cells.
type memory struct {
	mu     sync.Mutex
	rows   map[throng.Day][]row
	bots   map[throng.Day][]throng.BotUnit
	cells  map[throng.Day][]throng.CellKey
	folded map[throng.Day]*memory // what each day has folded
	tally  throng.Tally
	feeds  map[string]time.Time
	blocks map[throng.Day]bool // days with blocks, which outlive the units
	marks  map[throng.Day]map[int]int64
	mirror map[throng.ReleaseID]string
	// fail makes the named call fail, after the given number of calls that go well.
	fail  map[string]int
	calls map[string]int
	// next tells of each call whether it fails, and whether it does its work all the same. Defaults to none.
	next func(call string) (fails, does bool)
	done bool // the call that fails has done its work
}

type row struct {
	unit     throng.UnitToken
	cell     throng.CellID
	visits   uint32
	optedOut bool
	network  uint64
}

var errStore = errors.New("the store is gone")

func newMemory() *memory {
	return &memory{
		rows: map[throng.Day][]row{}, bots: map[throng.Day][]throng.BotUnit{}, cells: map[throng.Day][]throng.CellKey{}, folded: map[throng.Day]*memory{}, feeds: map[string]time.Time{},
		blocks: map[throng.Day]bool{}, marks: map[throng.Day]map[int]int64{}, mirror: map[throng.ReleaseID]string{}, fail: map[string]int{}, calls: map[string]int{},
	}
}

// unitOf and cellOf spread over all values, as the real hashes do.
func unitOf(device int) throng.UnitToken {
	sum := sha256.Sum256(binary.AppendVarint(nil, int64(device)))
	return throng.UnitToken(binary.LittleEndian.Uint64(sum[:]))
}

func cellOf(site, path string) throng.CellID {
	sum := sha256.Sum256([]byte(site + "\x00" + path))
	return throng.CellID(binary.LittleEndian.Uint64(sum[:]))
}

// visit stores rows of one visit each, of a device in a network of its own; every third opts out at times.
func (m *memory) visit(day throng.Day, site string, device int, path string, times int) {
	m.visitFrom(day, site, device, path, times, device%3 == 0, uint64(device)+1)
}

func (m *memory) visitFrom(day throng.Day, site string, device int, path string, times int, optedOut bool, network uint64) {
	c := cellOf(site, path)
	m.blocks[day] = true
	for range times {
		m.rows[day] = append(m.rows[day], row{unitOf(device), c, 1, optedOut, network})
	}
	m.cells[day] = append(m.cells[day], throng.CellKey{Cell: c, Site: site, Table: throng.PathTable, Key: path})
}

// bot stores a record of a bot of a device.
func (m *memory) bot(day throng.Day, site string, device int, network uint64) {
	m.blocks[day] = true
	m.bots[day] = append(m.bots[day], throng.BotUnit{Site: site, Unit: unitOf(device), Network: network})
}

func (m *memory) sort() {
	for _, rows := range m.rows {
		slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.cell, b.cell)) })
	}
}

func (m *memory) call(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[name]++
	if m.next != nil {
		fails, does := m.next(name)
		if m.done = does; fails {
			return &throng.Retryable{Err: errStore}
		}
	}
	if after, ok := m.fail[name]; ok && m.calls[name] > after {
		return &throng.Retryable{Err: errStore}
	}
	return nil
}

func (m *memory) Cells(_ context.Context, of throng.Period) ([]throng.CellKey, error) {
	cells := m.cells[of.First()]
	if of.Kind() == throng.SpanPeriod {
		cells = nil
		for day := of.First(); day <= of.Last(); day++ {
			if f := m.folded[day]; f != nil {
				cells = append(cells, f.cells[day]...)
			}
		}
	}
	return cells, m.call("Cells")
}

func (m *memory) rowsOf(of throng.Period) []row {
	if of.Kind() != throng.SpanPeriod {
		return m.rows[of.First()]
	}
	span := newMemory()
	for day := of.First(); day <= of.Last(); day++ {
		if f := m.folded[day]; f != nil {
			span.rows[0] = append(span.rows[0], f.rows[day]...)
		}
	}
	span.sort()
	return span.rows[0]
}

func (m *memory) Fold(_ context.Context, day throng.Day, cells []throng.CellKey, rows func(func(throng.UnitRows) error) error) error {
	if err := m.call("Fold"); err != nil {
		return err
	}
	f := newMemory()
	f.cells[day] = slices.Clone(cells)
	m.folded[day] = f
	return rows(func(r throng.UnitRows) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i := range r.Unit {
			f.rows[day] = append(f.rows[day], row{r.Unit[i], r.Cell[i], r.Visits[i], r.OptedOut[i], r.Network[i]})
		}
		return m.call("put")
	})
}

func (m *memory) CountUnits(_ context.Context, of throng.Period) (uint64, error) {
	return uint64(len(m.rowsOf(of))), m.call("CountUnits")
}

func (m *memory) Units(_ context.Context, of throng.Period, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	if err := m.call("Units"); err != nil {
		return err
	}
	rows := m.rowsOf(of)
	from, _ := slices.BinarySearchFunc(rows, lo, func(r row, u throng.UnitToken) int { return cmp.Compare(r.unit, u) })
	to := from
	for to < len(rows) && rows[to].unit <= hi {
		to++
	}
	const beside = 3 // rows of other units
	from, to = max(from-beside, 0), min(to+beside, len(rows))
	const batch = 7 // so that units are cut
	b := throng.UnitRows{Unit: make([]throng.UnitToken, batch), Cell: make([]throng.CellID, batch), OptedOut: make([]bool, batch), Visits: make([]uint32, batch), Network: make([]uint64, batch)}
	n := 0
	for ; from < to; from++ {
		r := rows[from]
		b.Unit[n], b.Cell[n], b.Visits[n], b.OptedOut[n], b.Network[n] = r.unit, r.cell, r.visits, r.optedOut, r.network
		if n++; n == batch {
			if err := yield(b); err != nil {
				return err
			}
			n = 0
		}
	}
	return yield(throng.UnitRows{Unit: b.Unit[:n], Cell: b.Cell[:n], OptedOut: b.OptedOut[:n], Visits: b.Visits[:n], Network: b.Network[:n]})
}

// Bots yields one at a time, in a batch that is another one's then.
func (m *memory) Bots(_ context.Context, day throng.Day, lo, hi throng.UnitToken, yield func([]throng.BotUnit) error) error {
	if err := m.call("Bots"); err != nil {
		return err
	}
	batch := make([]throng.BotUnit, 1)
	for _, b := range m.bots[day] {
		if batch[0] = b; b.Unit < lo || b.Unit > hi {
			continue
		}
		if err := yield(batch); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Tally(context.Context, throng.Day) (throng.Tally, error) {
	return m.tally, m.call("Tally")
}

func (m *memory) MirrorRelease(_ context.Context, id throng.ReleaseID, sum string, release []byte) error {
	err := m.call("MirrorRelease")
	if err == nil || m.done {
		m.mirror[id] = sum + string(release)
	}
	return err
}

func (m *memory) DropUnits(_ context.Context, of throng.Period) error {
	err := m.call("DropUnits")
	if err != nil && !m.done {
		return err
	}
	if of.Kind() == throng.SpanPeriod {
		maps.DeleteFunc(m.folded, func(day throng.Day, _ *memory) bool { return day >= of.First() && day <= of.Last() })
		return err
	}
	delete(m.rows, of.First())
	delete(m.cells, of.First())
	delete(m.bots, of.First())
	return err
}

func (m *memory) OpenDays(context.Context) ([]throng.Day, error) {
	return slices.Collect(maps.Keys(m.blocks)), m.call("OpenDays")
}

func (m *memory) Feeds(context.Context, throng.Day) (map[string]time.Time, error) {
	return maps.Clone(m.feeds), m.call("Feeds")
}

func (m *memory) Marks(_ context.Context, day throng.Day) (map[int]int64, error) {
	return maps.Clone(m.marks[day]), m.call("Marks")
}
