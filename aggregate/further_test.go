package aggregate_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"throng"
)

// visitTable stores a visit's key of a further table, as the store gives it beside that of the path.
func (h *house) visitTable(device int, table, key string) {
	c := cellOf("www", table+"\x00"+key)
	h.store.rows[today] = append(h.store.rows[today], row{unitOf(device), c, 1, device%2 == 0, uint64(device) + 1})
	h.store.cells[today] = append(h.store.cells[today], throng.CellKey{Cell: c, Site: "www", Table: table, Key: key})
}

func (h *house) releaseOf(name string) (r throng.Release) {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.dir, "releases", "www", name, today.String()+".json"))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		h.t.Fatal(err)
	}
	return r
}

func TestFurtherTablesShareTheBudget(t *testing.T) {
	h := newHouse(t)
	h.options.Tables = map[string][]string{"www": {throng.ReferrerTable, throng.CountryTable}}
	h.withoutNoise(100)
	for device := range 1000 {
		h.store.visit(today, "www", device, "/a", 3)
		country := []string{"DE", "FR", "LI"}[min(device/460, 2)]
		for range 3 {
			h.visitTable(device, throng.CountryTable, country)
		}
		for i := range 6 { // more referrers than count, each of few devices
			h.visitTable(device, throng.ReferrerTable, fmt.Sprintf("site-%d.example", (device+i*17)%20))
		}
		h.visitTable(device, throng.HourTable, "10") // in the store, and not chosen
	}
	h.close()
	country, referrer := h.releaseOf(throng.CountryTable), h.releaseOf(throng.ReferrerTable)
	expectTable(t, country, "DE 460 1380; FR 460 1380")
	for _, row := range referrer.Rows {
		if e, _ := row.Devices.Estimate(); e.Value > 4*1000/20+100 {
			t.Errorf("%s has %d devices: more than four keys of a device were kept", row.Key, e.Value)
		}
	}
	if len(country.OptedOut) != 0 || country.ClippedPercent.Reason() != throng.NotDrawn || country.Parameters.L0 != 1 {
		t.Errorf("country: %+v", country)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "releases", "www", throng.HourTable)); err == nil {
		t.Error("a table that was not chosen is published")
	}
	weight := 0.0
	for _, r := range []throng.Release{h.releaseOf(throng.PathTable), country, referrer} {
		if len(r.Parameters.Tables) != 3 {
			t.Errorf("%s shares its budget with %v", r.Table, r.Parameters.Tables)
		}
		for _, d := range r.Parameters.Draws {
			weight += d.Weight
		}
	}
	if weight < 1-1e-9 || weight > 1+1e-9 {
		t.Errorf("weights sum to %g", weight)
	}
}

// Once a month has begun its tables stay, whatever the configuration says.
func TestTablesAreFixedForAMonth(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 10, "/a")
	h.close()
	h.options.Tables = map[string][]string{"www": {throng.HourTable}}
	h.open()
	next := today + 1
	if throng.MonthOf(next) != throng.MonthOf(today) {
		t.Fatal("the days have to be of one month")
	}
	h.store.blocks[next] = true
	h.tickAt(next.End().Add(1e12))
	h.store.blocks[throng.MonthOf(next).Last()+1] = true
	h.tickAt((throng.MonthOf(next).Last() + 1).End().Add(1e12))
	files, err := filepath.Glob(filepath.Join(h.dir, "releases", "www", throng.HourTable, "*.json"))
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != (throng.MonthOf(next).Last()+1).String()+".json" {
		t.Errorf("tables of hours: %v, %v", files, err)
	}
}

// A table whose total differs from another's by certainly more than nobody and certainly fewer than k would
// tell of the group that one of them leaves out.
func TestATableThatBoundsAFewIsWithheld(t *testing.T) {
	for name, c := range map[string]struct {
		hidden   int // devices in no row of the path table
		withheld throng.Reason
	}{"nobody is left out": {0, ""}, "a few are left out": {60, throng.Crossing}, "a crowd is left out": {250, ""}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.options.Tables = map[string][]string{"www": {throng.CountryTable}}
			h.withoutNoise(100)
			h.options.K = 100
			h.reopenExact(100)
			for device := range 1000 + c.hidden {
				if device < 1000 {
					h.store.visit(today, "www", device, "/a", 1)
				} else if c.hidden < 100 {
					h.store.visit(today, "www", device, "/b", 1)
				}
				h.visitTable(device, throng.CountryTable, "DE")
			}
			h.close()
			r := h.releaseOf(throng.CountryTable)
			if r.Withheld != c.withheld || (len(r.Rows) == 0) != (c.withheld != "") {
				t.Errorf("withheld %q, rows %v", r.Withheld, r.Rows)
			}
		})
	}
}
