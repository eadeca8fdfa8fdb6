package utility

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"throng"
	"throng/aggregate/simulation"
)

// Setting is a set of parameters to measure.
type Setting struct {
	K       int64
	Epsilon float64
}

// Defaults are the method's own parameters.
var Defaults = Setting{throng.MinDevices, throng.MaxEpsilon}

// Result is what a reader gets, over several closes of one population.
type Result struct {
	Setting
	Gate int64
	Runs int
	// Pages and Groups are the rows of one close, on average; PagesOverK the pages with at least k
	// devices in truth.
	Pages, Groups float64
	PagesOverK    int
	// TrafficInPages and Traffic are shares of all visits: those in pages that have a row of their own, and
	// those in any row.
	TrafficInPages, Traffic float64
	// Dropped is the share of pages with at least k devices that have no row.
	Dropped float64
	// VisitsHeld and DevicesHeld are the shares of intervals that hold the bounded truth, over Intervals rows.
	VisitsHeld, DevicesHeld float64
	Intervals               int
	// Error is the median of |published − bounded truth| / bounded truth of visits, RawError that against
	// the raw truth.
	Error, RawError float64
	// Clipping is 1 − bounded/raw visits over all rows: the bias that no interval shows. ClippedDevices is
	// the share of devices that were cut.
	Clipping, ClippedDevices float64
}

// day is the first day of a simulation.
const day throng.Day = 20_000

// Measure closes the population as often as runs says under a setting, in a directory that it makes
// under dir and removes.
func Measure(ctx context.Context, dir string, p *Population, s Setting, runs int) (r Result, err error) {
	dir, err = os.MkdirTemp(dir, "utility-")
	if err != nil {
		return r, fmt.Errorf("measure utility: %w", err)
	}
	defer os.RemoveAll(dir) // made-up numbers; a leftover harms nobody
	w, err := simulation.New(simulation.Options{Dir: filepath.Join(dir, "world"), Sites: []string{Site}, K: s.K, Epsilon: s.Epsilon})
	if err != nil {
		return r, fmt.Errorf("measure utility: %w", err)
	}
	defer w.Close()
	m := &meter{population: p, result: Result{Setting: s, Runs: runs, ClippedDevices: part(p.Clipped, p.Devices)}}
	for i := range throng.Day(runs) {
		w.Store.Put(day+i, p.rows, p.cells)
		if err := w.EndDay(ctx, day+i); err != nil {
			return r, fmt.Errorf("measure utility: %w", err)
		}
		release, _, err := w.Release(throng.ReleaseID{Site: Site, Table: throng.PathTable, Period: (day + i).Period()})
		if err != nil {
			return r, fmt.Errorf("measure utility: %w", err)
		}
		m.add(release)
	}
	return m.finish(), nil
}

// meter adds up what releases say beside the truth.
type meter struct {
	population                 *Population
	result                     Result
	errors, rawErrors          []float64
	visitsHeld, devicesHeld    int
	raw, rawInPages, bounded   int64
	pages, groups, kept, overK int
}

func (m *meter) add(r *throng.Release) {
	m.result.Gate = r.Parameters.Gate()
	has := map[string]bool{}
	for i, t := range m.population.truths(r.Rows) {
		row := r.Rows[i]
		has[row.Key] = true
		m.raw += t.raw
		m.bounded += t.bounded
		if throng.IsOther(row.Key) {
			m.groups++
		} else {
			m.pages++
			m.rawInPages += t.raw
		}
		v, _ := row.Visits.Estimate()
		d, _ := row.Devices.Estimate()
		m.errors = append(m.errors, relative(v.Value, t.bounded))
		m.rawErrors = append(m.rawErrors, relative(v.Value, t.raw))
		m.visitsHeld += held(v, t.bounded)
		m.devicesHeld += held(d, t.devices)
	}
	for i, c := range m.population.cells {
		if m.population.raw[i].devices >= m.result.K && !throng.IsOther(c.Key) {
			m.overK++
			if has[c.Key] {
				m.kept++
			}
		}
	}
}

func (m *meter) finish() Result {
	r := m.result
	n := float64(r.Runs)
	r.Pages, r.Groups, r.PagesOverK = float64(m.pages)/n, float64(m.groups)/n, m.overK/r.Runs
	r.Traffic = part(m.raw, m.population.Visits) / n
	r.TrafficInPages = part(m.rawInPages, m.population.Visits) / n
	r.Dropped = 1 - part(int64(m.kept), int64(m.overK))
	r.Intervals = len(m.errors)
	r.VisitsHeld = part(int64(m.visitsHeld), int64(r.Intervals))
	r.DevicesHeld = part(int64(m.devicesHeld), int64(r.Intervals))
	r.Error, r.RawError = median(m.errors), median(m.rawErrors)
	r.Clipping = 1 - part(m.bounded, m.raw)
	return r
}

func relative(got, want int64) float64 { return math.Abs(float64(got-want)) / float64(want) }

func held(e throng.Estimate, truth int64) int {
	if e.Low <= truth && truth <= e.High {
		return 1
	}
	return 0
}

func part(x, of int64) float64 {
	if of == 0 {
		return math.NaN()
	}
	return float64(x) / float64(of)
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	return x[len(x)/2]
}
