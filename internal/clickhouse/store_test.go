package clickhouse_test

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"throng"
	"throng/ingest/block"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
)

// counts are what the store says of the day.
type counts struct {
	Events, Visits uint64
	Units          uint64 // visits summed over open units
	Cells          int
}

func count(t *testing.T, s *clickhouse.Store) (c counts) {
	t.Helper()
	var err error
	if c.Events, c.Visits, err = s.CountEvents(t.Context(), "main", day); err != nil {
		t.Fatal(err)
	}
	for _, r := range units(t, s, 0, ^throng.UnitToken(0)) {
		c.Units += uint64(r.visits)
	}
	cells, err := s.Cells(t.Context(), day.Period())
	if err != nil {
		t.Fatal(err)
	}
	c.Cells = len(cells)
	return c
}

type unitRow struct {
	unit     throng.UnitToken
	cell     throng.CellID
	optedOut bool
	visits   uint32
}

// units are the rows of a range, without those that come with them.
func units(t *testing.T, s *clickhouse.Store, lo, hi throng.UnitToken) (all []unitRow) {
	t.Helper()
	err := s.Units(t.Context(), day.Period(), lo, hi, func(r throng.UnitRows) error {
		for i, unit := range r.Unit {
			if lo <= unit && unit <= hi {
				all = append(all, unitRow{unit, r.Cell[i], r.OptedOut[i], r.Visits[i]})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sample is a block of a few hundred events and what it must come to.
func sample(t testing.TB, seed uint64) (bytes []byte, rows int, want counts) {
	tr := newTraffic(50, 100)
	events := make([]throng.Event, 400)
	cells := map[throng.CellID]bool{}
	for i := range events {
		events[i] = tr.event(day.Start().Unix() + int64(i)*200)
		events[i].Unit += throng.UnitToken(seed)
		if events[i].Visit {
			want.Visits++
			want.Units++
			cells[events[i].Cell] = true
		}
	}
	want.Events, want.Cells = uint64(len(events)), len(cells)
	return native(t, events...), len(events), want
}

func TestBlockReachesEveryTable(t *testing.T) {
	s := clickhousetest.Open(t)
	data, rows, want := sample(t, 0)
	if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, count(t, s)); diff != "" {
		t.Error(diff)
	}
	cells, err := s.Cells(t.Context(), day.Period())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if c.Site != "main" || c.Table != throng.PathTable || !strings.HasPrefix(c.Key, "/section-") {
			t.Errorf("cell %+v", c)
		}
	}
	if !slices.IsSortedFunc(cells, func(a, b throng.CellKey) int { return cmp.Compare(a.Cell, b.Cell) }) {
		t.Error("cells are not in order")
	}
}

func TestColumnsMatchTheBlock(t *testing.T) {
	s := clickhousetest.Open(t)
	e := newTraffic(1, 1).event(day.Start().Unix())
	if err := s.InsertBlock(t.Context(), blockID(0), 1, native(t, e)); err != nil {
		t.Fatalf("the columns of events_in are not those of a block (%v): %v", block.Columns(), err)
	}
}

// A block that was made before the schema had its last column is counted like any other.
func TestBlockOfTheSchemaBefore(t *testing.T) {
	msg, err := os.ReadFile("../../ingest/block/testdata/before-new_cell.block")
	if err != nil {
		t.Fatal(err)
	}
	_, h, data, err := block.Parse(msg)
	if err != nil {
		t.Fatal(err)
	}
	s := clickhousetest.Open(t)
	for range 2 {
		if err := s.InsertBlock(t.Context(), h.BlockID, int(h.Rows), data); err != nil {
			t.Fatal(err)
		}
	}
	if n, visits, err := s.CountEvents(t.Context(), "main", h.Day); err != nil || n != 6 || visits != 4 {
		t.Errorf("%d events and %d visits, want 6 and 4 (%v)", n, visits, err)
	}
	cells, err := s.Cells(t.Context(), h.Day.Period())
	if err != nil {
		t.Fatal(err)
	}
	want := []throng.CellKey{
		{Cell: 1, Site: "main", Table: throng.PathTable, Key: "/page-0"}, {Cell: 2, Site: "main", Table: throng.PathTable, Key: "/page-1"},
	}
	if !slices.Equal(cells, want) {
		t.Errorf("cells of the visits: %+v, want %+v", cells, want)
	}
}

// A block is counted once, however its inserts end: the table says what happens to them before the
// block is sent again as it was.
func TestBlockIsCountedOnce(t *testing.T) {
	data, rows, want := sample(t, 0)
	insert := func(t *testing.T, s *clickhouse.Store) {
		t.Helper()
		if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
			t.Fatal(err)
		}
	}
	faults := map[string]func(t *testing.T, dir string){
		"acknowledged": func(t *testing.T, dir string) {
			s, done := clickhousetest.OpenDir(t, dir)
			defer done()
			insert(t, s)
			insert(t, s)
		},
		"twice at once": func(t *testing.T, dir string) {
			s, done := clickhousetest.OpenDir(t, dir)
			defer done()
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { insert(t, s) })
			}
			wg.Wait()
		},
		"answer lost": func(t *testing.T, dir string) {
			e := openEngine(t, dir)
			defer e.Close()
			s := openStore(t, dropAnswers{e.RoundTripper()})
			if err := s.InsertBlock(t.Context(), blockID(0), rows, data); !throng.IsRetryable(err) {
				t.Errorf("error is %v", err)
			}
		},
		"one table refuses": func(t *testing.T, dir string) {
			e := openEngine(t, dir)
			defer e.Close()
			s := openStore(t, e.RoundTripper())
			run(t, e.RoundTripper(), "ALTER TABLE cells ADD CONSTRAINT broken CHECK throwIf(cell > 0) = 0")
			if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err == nil {
				t.Error("the insert succeeded")
			}
			run(t, e.RoundTripper(), "ALTER TABLE cells DROP CONSTRAINT broken")
		},
		"killed when the token was noted and no part was in place": func(t *testing.T, dir string) {
			s, done := clickhousetest.OpenDir(t, dir)
			insert(t, s)
			done()
			removeParts(t, dir)
		},
		"killed while the token was being noted": func(t *testing.T, dir string) {
			s, done := clickhousetest.OpenDir(t, dir)
			insert(t, s)
			done()
			removeParts(t, dir)
			for _, log := range glob(t, dir, "deduplication_logs/*.txt") {
				st, err := os.Stat(log)
				if err == nil && st.Size() > 0 {
					err = os.Truncate(log, st.Size()-7)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		},
		"merged since": func(t *testing.T, dir string) {
			e := openEngine(t, dir)
			defer e.Close()
			s := openStore(t, e.RoundTripper())
			insert(t, s)
			other, n, _ := sample(t, 1)
			if err := s.InsertBlock(t.Context(), blockID(1), n, other); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"events", "open_units", "cells"} {
				run(t, e.RoundTripper(), "OPTIMIZE TABLE "+table+" FINAL")
			}
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fault(t, dir)
			want := want
			if name == "merged since" {
				want.Events, want.Visits, want.Units = 2*want.Events, 2*want.Visits, 2*want.Units
			}
			s, _ := clickhousetest.OpenDir(t, dir)
			insert(t, s)
			if diff := gocmp.Diff(want, count(t, s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// removeParts removes the parts of the day from all tables, as a kill leaves them: written, but not yet
// under their names.
func removeParts(t *testing.T, dir string) {
	t.Helper()
	parts := glob(t, dir, "*"+strings.ReplaceAll(day.String(), "-", "")+"_*")
	if len(parts) < 4 {
		t.Fatalf("parts %q", parts)
	}
	for _, part := range parts {
		if err := os.RemoveAll(part); err != nil {
			t.Fatal(err)
		}
	}
}

// glob finds what is in the directories of the tables.
func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "data", "store", "*", "*", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// dropAnswers lets inserts of blocks through and loses the answer.
type dropAnswers struct{ http.RoundTripper }

func (d dropAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.RoundTripper.RoundTrip(r)
	if err == nil && strings.Contains(r.URL.Query().Get("query"), "events_in") {
		res.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return res, err
}

func TestBlockIsRefused(t *testing.T) {
	s := clickhousetest.Open(t)
	data, rows, _ := sample(t, 0)
	tests := map[string]struct {
		data []byte
		rows int
	}{
		"nothing":         {nil, 1},
		"no rows":         {data, 0},
		"other row count": {data, rows + 1},
		"cut short":       {data[:len(data)/2], rows},
		"cut by a byte":   {data[:len(data)-1], rows},
		"not Native":      {[]byte("SELECT 1"), 1},
		"without columns": {[]byte{0, 1}, 1},
		"one column":      {[]byte("\x01\x01\x04time\x05UInt8\x01"), 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := s.InsertBlock(t.Context(), blockID(9), tt.rows, tt.data)
			if err == nil {
				t.Fatal("it was inserted")
			}
			if diff := gocmp.Diff(counts{}, count(t, s)); diff != "" {
				t.Errorf("after %v: %s", err, diff)
			}
		})
	}
}

func compareRows(a, b unitRow) int {
	optedOut := map[bool]int{true: 1}
	return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.cell, b.cell), cmp.Compare(optedOut[a.optedOut], optedOut[b.optedOut]))
}

func TestUnitsComeByRange(t *testing.T) {
	s := clickhousetest.Open(t)
	total := 0
	for n := range 5 {
		data, rows, want := sample(t, uint64(n%3)) // units repeat in other parts
		if err := s.InsertBlock(t.Context(), blockID(n), rows, data); err != nil {
			t.Fatal(err)
		}
		total += int(want.Units)
	}
	all := units(t, s, 0, ^throng.UnitToken(0))
	if n, err := s.CountUnits(t.Context(), day.Period()); err != nil || n != uint64(total) || len(all) != total {
		t.Errorf("counts %d units and gives %d of %d: %v", n, len(all), total, err)
	}
	slices.SortFunc(all, compareRows)
	middle := all[len(all)/2].unit
	halves := append(units(t, s, 0, middle), units(t, s, middle+1, ^throng.UnitToken(0))...)
	slices.SortFunc(halves, compareRows)
	if !slices.Equal(all, halves) {
		t.Errorf("two ranges give %d rows, one gives %d, or others", len(halves), len(all))
	}
	of := slices.DeleteFunc(slices.Clone(all), func(r unitRow) bool { return r.unit != middle })
	one := units(t, s, middle, middle)
	slices.SortFunc(one, compareRows)
	if len(of) == 0 || !slices.Equal(of, one) {
		t.Errorf("a range of one unit gives %d rows of it, want %d", len(one), len(of))
	}
	stop := errors.New("enough")
	if err := s.Units(t.Context(), day.Period(), 0, ^throng.UnitToken(0), func(throng.UnitRows) error { return stop }); err != stop {
		t.Errorf("error is %v", err)
	}
	if err := s.Units(t.Context(), (day + 1).Period(), 0, ^throng.UnitToken(0), func(throng.UnitRows) error { return stop }); err != nil {
		t.Errorf("a day without units gives %v", err)
	}
}

func header(n int, feed string, watermark time.Time) throng.BlockHeader {
	return throng.BlockHeader{BlockID: blockID(n), Feed: feed, Watermark: watermark, Rows: 10, Rejected: 2, Late: 1}
}

func TestProgress(t *testing.T) {
	s := clickhousetest.Open(t)
	noon := day.Start().Add(12*time.Hour + 300*time.Millisecond)
	headers := []throng.BlockHeader{
		header(0, "nginx@web1", noon), header(1, "nginx@web1", noon.Add(-time.Hour)), header(2, "nginx@web2", time.Time{}),
		header(0, "nginx@web1", noon), // again
	}
	for _, h := range headers {
		if err := s.RecordBlock(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range [][2]int64{{0, 40}, {1, 7}, {0, 55}, {1, 7}} {
		if err := s.MarkPassed(t.Context(), day, int(m[0]), m[1]); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, want, got any, err error) {
		t.Helper()
		if diff := gocmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", what, err, diff)
		}
	}
	tally, err := s.Tally(t.Context(), day)
	check("tally", throng.Tally{Events: 30, Rejected: 6, Late: 3}, tally, err)
	tally, err = s.Tally(t.Context(), day+1)
	check("tally of no day", throng.Tally{}, tally, err)
	feeds, err := s.Feeds(t.Context(), day)
	check("feeds", map[string]time.Time{"nginx@web1": noon.Truncate(time.Second), "nginx@web2": {}}, feeds, err)
	feeds, err = s.Feeds(t.Context(), day+1)
	check("feeds since", map[string]time.Time{}, feeds, err)
	marks, err := s.Marks(t.Context(), day)
	check("marks", map[int]int64{0: 40, 1: 7}, marks, err)
	days, err := s.OpenDays(t.Context())
	check("open days", []throng.Day{day}, days, err)
}

// dataFiles are the files of columns under a directory, those of schema_steps apart.
// The same code over a socket, with a password that the file ends with a new line.
func TestBackstopGoesByTheServersClock(t *testing.T) {
	e := openEngine(t, t.TempDir())
	for _, off := range []bool{true, false, false, true} {
		s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: e.RoundTripper(), NoBackstop: off})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := run(t, e.RoundTripper(), "SELECT count() FROM system.tables WHERE create_table_query LIKE '%TTL time + toIntervalDay(11)%'")
		if want := map[bool]string{true: "0", false: "1"}[off]; strings.TrimSpace(got) != want {
			t.Errorf("NoBackstop %t: %s tables have the TTL", off, got)
		}
	}
}
