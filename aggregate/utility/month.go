package utility

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/dchest/siphash"

	"throng"
	"throng/aggregate/simulation"
	"throng/internal/loadgen"
)

// Longer is what days, spans and the month publish of visits that are spread over a month.
type Longer struct {
	Kind    string
	Periods int
	// Pages and Groups are the rows of one period, on average.
	Pages, Groups float64
	// InPages and InRows are the shares of the month's visits that are in a page's row, and in any row,
	// once periods of this kind are published, those before included.
	InPages, InRows float64
	// Error and RawError are medians of the relative error of visits against the bounded truth and against
	// the raw one; Held is the share of intervals that hold the bounded truth. A month has no bounded truth
	// of its own.
	Error, RawError, Held float64
	Intervals             int
}

// monthDays is the length of the simulated month; it has four spans.
const monthDays = 28

// month is a month of populations.
type month struct {
	days  [monthDays]*Population
	total int64
}

// firstOfMonth is 1 February 2026.
const firstOfMonth throng.Day = 20_485

// MeasureMonth spreads the visits of a log evenly over a month, closes its days, spans and the month, and
// compares. Devices are cut to L0 leaves a span beforehand.
func MeasureMonth(ctx context.Context, dir string, log *loadgen.Log, s Setting) ([]Longer, error) {
	dir, err := os.MkdirTemp(dir, "utility-")
	if err != nil {
		return nil, fmt.Errorf("measure month: %w", err)
	}
	defer os.RemoveAll(dir) // made-up numbers; a leftover harms nobody
	w, err := simulation.New(simulation.Options{Dir: filepath.Join(dir, "world"), Sites: []string{Site}, K: s.K, Epsilon: s.Epsilon})
	if err != nil {
		return nil, fmt.Errorf("measure month: %w", err)
	}
	defer w.Close()
	m := newMonth(log)
	for i, p := range m.days {
		d := firstOfMonth + throng.Day(i)
		w.Store.Put(d, p.rows, p.cells)
		if err := w.EndDay(ctx, d); err != nil {
			return nil, fmt.Errorf("measure month: %w", err)
		}
	}
	releases, err := w.Releases()
	if err != nil {
		return nil, fmt.Errorf("measure month: %w", err)
	}
	return m.compare(releases), nil
}

// newMonth gives each visit a day by a hash.
func newMonth(log *loadgen.Log) *month {
	m := &month{}
	var cells []throng.CellKey
	for i, path := range log.Truth().Paths {
		cells = append(cells, throng.CellKey{Cell: throng.CellID(i + 1), Site: Site, Table: throng.PathTable, Key: path.Key})
		m.total += int64(path.Visits)
	}
	for i := range m.days {
		m.days[i] = &Population{cells: cells, raw: make([]reading, len(cells))}
	}
	var one []loadgen.Contribution
	for c := range log.Contributions() {
		if len(one) > 0 && one[0].Device != c.Device {
			m.add(one)
			one = one[:0]
		}
		one = append(one, c)
	}
	m.add(one)
	return m
}

func (m *month) add(device []loadgen.Contribution) {
	var days [monthDays][]loadgen.Contribution
	for _, c := range device {
		for visit := range c.Visits {
			day := dayOf(c, visit)
			of := days[day]
			if n := len(of); n > 0 && of[n-1].Key == c.Key {
				of[n-1].Visits++
				continue
			}
			c.Visits = 1
			days[day] = append(of, c)
		}
	}
	for first := 0; first < monthDays; {
		last := int(throng.SpanOf(firstOfMonth+throng.Day(first)).Last() - firstOfMonth)
		m.addSpan(days[first:last+1], first)
		first = last + 1
	}
}

func dayOf(c loadgen.Contribution, visit uint64) int {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:8], c.Device)
	binary.LittleEndian.PutUint64(b[8:16], uint64(c.Key))
	binary.LittleEndian.PutUint64(b[16:], visit)
	return int(siphash.Hash(3, 4, b[:]) % monthDays)
}

// addSpan cuts a device to L0 leaves in a span and takes in its days.
func (m *month) addSpan(days [][]loadgen.Contribution, first int) {
	var all []loadgen.Contribution
	for i, device := range days {
		for _, c := range device {
			p := m.days[first+i]
			p.raw[c.Key].visits += int64(c.Visits)
			p.Visits += int64(c.Visits)
			p.raw[c.Key].devices++
			if !slices.ContainsFunc(all, func(o loadgen.Contribution) bool { return o.Key == c.Key }) {
				all = append(all, c)
			}
		}
	}
	kept := keep(all)
	for i, device := range days {
		device = slices.DeleteFunc(device, func(c loadgen.Contribution) bool {
			return !slices.ContainsFunc(kept, func(o loadgen.Contribution) bool { return o.Key == c.Key })
		})
		m.days[first+i].add(device)
	}
}

// place is a row of a release.
type place struct {
	period      throng.Period
	key, holder string
}

// tally adds up what the rows of one kind of period say.
type tally struct {
	Longer
	pages, groups   int
	errors, raws    []float64
	held            int
	inPages, inRows int64
}

// compare finds for each visit the row that holds it in the end.
func (m *month) compare(releases []*throng.Release) []Longer {
	rows := map[place]throng.Row{}
	tallies := map[throng.PeriodKind]*tally{
		throng.DayPeriod: {Longer: Longer{Kind: "days"}}, throng.SpanPeriod: {Longer: Longer{Kind: "and spans"}}, throng.MonthPeriod: {Longer: Longer{Kind: "the month"}},
	}
	for _, r := range releases {
		t := tallies[r.Period.Kind()]
		t.Periods++
		for _, row := range r.Rows {
			rows[place{r.Period, row.Key, row.Holder}] = row
			if throng.IsOther(row.Key) {
				t.groups++
			} else {
				t.pages++
			}
		}
	}
	f := finder{rows, map[place]int64{}, map[place]int64{}, tallies}
	for i, p := range m.days {
		f.day(firstOfMonth+throng.Day(i), p)
	}
	f.spans(m)
	return f.finish(m.total)
}

// finder follows visits into rows.
type finder struct {
	rows         map[place]throng.Row
	raw, bounded map[place]int64
	tallies      map[throng.PeriodKind]*tally
}

// of gives the row of its day that a leaf is in, and the span's row that took it out of there; the zero
// place is none.
func (f finder) of(d throng.Day, leaf string) (day, span place) {
	day = f.nearest(d.Period(), leaf, "")
	if day.key == leaf {
		return day, place{}
	}
	return day, f.nearest(throng.SpanOf(d).Period(), leaf, day.key)
}

func (f finder) nearest(period throng.Period, key, holder string) place {
	for ok := true; ok && key != holder; key, ok = throng.GroupOf(key) {
		if _, published := f.rows[place{period, key, holder}]; published {
			return place{period, key, holder}
		}
	}
	return place{}
}

// day follows the raw visits of a day, and compares its rows with the bounded truth.
func (f finder) day(d throng.Day, p *Population) {
	for i, c := range p.cells {
		n := p.raw[i].visits
		day, span := f.of(d, c.Key)
		final := day
		if span.key != "" {
			final = span
			f.raw[span] += n
		}
		if day.key != "" {
			f.raw[day] += n
		}
		f.count(throng.DayPeriod, day, n)
		f.count(throng.SpanPeriod, final, n)
		if final.key != "" {
			month := place{period: throng.MonthOf(d), key: final.key}
			f.raw[month] += n
			f.count(throng.MonthPeriod, month, n)
		}
	}
	var rows []throng.Row
	for at, row := range f.rows {
		if at.period == d.Period() {
			rows = append(rows, row)
		}
	}
	for i, t := range p.truths(rows) {
		f.bounded[place{d.Period(), rows[i].Key, ""}] = t.bounded
	}
}

func (f finder) count(kind throng.PeriodKind, at place, visits int64) {
	if at.key == "" {
		return
	}
	f.tallies[kind].inRows += visits
	if !throng.IsOther(at.key) {
		f.tallies[kind].inPages += visits
	}
}

// folded is what one device brought to a span's row.
type folded struct {
	unit   throng.UnitToken
	row    int
	visits int64
}

// spans works out the bounded truth of the spans' rows: at most Linf visits a day and leaf, and a span.
func (f finder) spans(m *month) {
	for first := throng.Day(0); first < monthDays; {
		span := throng.SpanOf(firstOfMonth + first)
		last := span.Last() - firstOfMonth
		var all []folded
		var places []place
		index := map[place]int{}
		for i := first; i <= last; i++ {
			p := m.days[i]
			in := make([]int, len(p.cells))
			for c, cell := range p.cells {
				in[c] = -1
				if _, at := f.of(firstOfMonth+i, cell.Key); at.key != "" {
					if _, ok := index[at]; !ok {
						index[at] = len(places)
						places = append(places, at)
					}
					in[c] = index[at]
				}
			}
			for j, unit := range p.rows.Unit {
				if row := in[p.rows.Cell[j]-1]; row >= 0 {
					all = append(all, folded{unit, row, min(int64(p.rows.Visits[j]), throng.MaxVisitsPerCell)})
				}
			}
		}
		slices.SortFunc(all, func(a, b folded) int { return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.row, b.row)) })
		for i := 0; i < len(all); {
			sum, j := int64(0), i
			for ; j < len(all) && all[j].unit == all[i].unit && all[j].row == all[i].row; j++ {
				sum += all[j].visits
			}
			f.bounded[places[all[i].row]] += min(sum, throng.MaxVisitsPerCell)
			i = j
		}
		first = last + 1
	}
}

func (f finder) finish(total int64) []Longer {
	for at, row := range f.rows {
		t := f.tallies[at.period.Kind()]
		e, _ := row.Visits.Estimate()
		t.raws = append(t.raws, relative(e.Value, f.raw[at]))
		if bounded, ok := f.bounded[at]; ok {
			t.errors = append(t.errors, relative(e.Value, bounded))
			t.held += held(e, bounded)
		}
	}
	var out []Longer
	for _, kind := range []throng.PeriodKind{throng.DayPeriod, throng.SpanPeriod, throng.MonthPeriod} {
		t := f.tallies[kind]
		l := t.Longer
		l.Pages, l.Groups = part(int64(t.pages), int64(l.Periods)), part(int64(t.groups), int64(l.Periods))
		l.InPages, l.InRows = part(t.inPages, total), part(t.inRows, total)
		l.Intervals = len(t.errors)
		l.Held = part(int64(t.held), int64(l.Intervals))
		l.Error, l.RawError = median(t.errors), median(t.raws)
		out = append(out, l)
	}
	return out
}
