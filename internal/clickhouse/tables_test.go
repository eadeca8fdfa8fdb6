package clickhouse_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"throng"
	"throng/internal/clickhouse/clickhousetest"
)

// Further tables are counted for the sites that have them, each visit once in each, however often its block
// comes, and go with the day.
func TestFurtherTables(t *testing.T) {
	s := clickhousetest.Open(t)
	if err := s.CountTables(t.Context(), []string{"main"}); err != nil {
		t.Fatal(err)
	}
	tr := newTraffic(50, 300)
	events := make([]throng.Event, 400)
	want := map[string]uint64{}
	for i := range events {
		e := tr.event(day.Start().Unix() + int64(i)*200)
		if i%4 == 0 {
			e.Site, e.Cell, e.Unit = "other", e.Cell+1, e.Unit+1
		}
		events[i] = e
		if !e.Visit || e.Site != "main" {
			continue
		}
		referrer := e.Referrer
		if referrer == "" {
			referrer = throng.Unknown
		}
		for _, key := range []string{
			"client/" + e.Client.String(), "country/" + e.Country.String(), fmt.Sprintf("hour/%02d", i*200/3600),
			"os/" + e.OS.String(), "referrer/" + referrer, "status/2xx",
		} {
			want[key]++
		}
	}
	data := native(t, events...)
	for range 2 {
		if err := s.InsertBlock(t.Context(), blockID(0), len(events), data); err != nil {
			t.Fatal(err)
		}
	}
	cells, err := s.Cells(t.Context(), day.Period())
	if err != nil {
		t.Fatal(err)
	}
	names := map[throng.CellID]string{}
	for _, c := range cells {
		if c.Table != throng.PathTable {
			names[c.Cell] = c.Table + "/" + c.Key
		}
	}
	got := map[string]uint64{}
	for _, r := range units(t, s, 0, ^throng.UnitToken(0)) {
		if name, ok := names[r.cell]; ok {
			got[name] += uint64(r.visits)
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := s.DropUnits(t.Context(), day.Period()); err != nil {
		t.Fatal(err)
	}
	if cells, err := s.Cells(t.Context(), day.Period()); err != nil || len(cells) != 0 {
		t.Errorf("%d cells are left: %v", len(cells), err)
	}
}

// What a day has folded is read by span, with its holder, and a day that is folded again replaces itself.
func TestFold(t *testing.T) {
	s := clickhousetest.Open(t)
	span := throng.SpanOf(day).Period()
	fold := func(d throng.Day, visits uint32) {
		t.Helper()
		cells := []throng.CellKey{{Cell: 7, Site: "main", Table: "path", Key: "/a/b", Holder: "/a/*other*"}, {Cell: 9, Site: "main", Table: "path", Key: "/c"}}
		err := s.Fold(t.Context(), d, cells, func(put func(throng.UnitRows) error) error {
			for unit := throng.UnitToken(1); unit <= 3; unit++ {
				row := throng.UnitRows{Unit: []throng.UnitToken{unit << 60, unit << 60}, Cell: []throng.CellID{7, 9},
					OptedOut: []bool{unit == 2, unit == 2}, Visits: []uint32{visits, 1}, Network: []uint64{5, 5}}
				if err := put(row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	fold(span.First(), 2)
	fold(span.First(), 3)
	fold(span.Last(), 1)
	fold(span.Last()+1, 1) // of the next span
	cells, err := s.Cells(t.Context(), span)
	want := []throng.CellKey{{Cell: 7, Site: "main", Table: "path", Key: "/a/b", Holder: "/a/*other*"}, {Cell: 9, Site: "main", Table: "path", Key: "/c"}}
	if diff := gocmp.Diff(want, cells); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	sum := func() map[throng.CellID]uint32 {
		total := map[throng.CellID]uint32{}
		err := s.Units(t.Context(), span, 0, ^throng.UnitToken(0), func(r throng.UnitRows) error {
			for i, cell := range r.Cell {
				if total[cell] += r.Visits[i]; r.OptedOut[i] != (r.Unit[i]>>60 == 2) || r.Network[i] != 5 {
					t.Errorf("row %d: %+v", i, r)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return total
	}
	if diff := gocmp.Diff(map[throng.CellID]uint32{7: 12, 9: 6}, sum()); diff != "" {
		t.Error(diff)
	}
	if err := s.DropUnits(t.Context(), span); err != nil {
		t.Fatal(err)
	}
	if left := sum(); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}
