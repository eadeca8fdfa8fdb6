package aggregate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/aggregate"
)

// visitTable stores a visit's key of a further table, as the store gives it beside that of the path.
func (h *house) visitTable(device int, table, key string) {
	c := cellOf("www", table+"\x00"+key)
	h.store.rows[today] = append(h.store.rows[today], row{unitOf(device), c, 1, device%2 == 0, uint64(device) + 1})
	h.store.cells[today] = append(h.store.cells[today], throng.CellKey{Cell: c, Site: "www", Table: table, Key: key})
}

func (h *house) releaseOf(name string) throng.Release { return h.releaseOn(name, today) }

func (h *house) releaseOn(name string, day throng.Day) (r throng.Release) {
	h.t.Helper()
	b, err := os.ReadFile(filepath.Join(h.dir, "releases", "www", name, day.String()+".json"))
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
	}{"nobody is left out": {0, ""}, "a few are left out": {600, throng.Crossing}, "a crowd is left out": {1500, ""}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.options.Tables = map[string][]string{"www": {throng.CountryTable}}
			h.withoutNoise(1000)
			h.options.K = 1000
			h.reopenExact(1000)
			for device := range 2000 + c.hidden {
				if device < 2000 {
					h.store.visit(today, "www", device, "/a", 1)
				} else if c.hidden < 1000 {
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

// visitTableOn stores a device's visits with a key of a further table. The mechanism without noise states the
// scales of the real one, from which follows what is certain.
func (h *house) visitTableOn(day throng.Day, device int, table, key string, times int) {
	c := cellOf("www", table+"\x00"+key)
	for range times {
		h.store.rows[day] = append(h.store.rows[day], row{unitOf(device), c, 1, false, uint64(device) + 1})
	}
	h.store.cells[day] = append(h.store.cells[day], throng.CellKey{Cell: c, Site: "www", Table: table, Key: key})
}

// Two tables in which each device has one row give away by their devices who is in one of them only, even
// where the visits of these are more than k.
func TestDevicesOfTwoTablesThatCornerAFew(t *testing.T) {
	h := newHouse(t)
	h.options.Tables = map[string][]string{"www": {throng.ClientTable, throng.CountryTable}}
	h.options.K, h.options.Watermark = 800, "test"
	h.reopenExact(800)
	for device := range 4000 {
		h.store.visit(today, "www", device, "/a", 3)
		h.visitTableOn(today, device, throng.ClientTable, "firefox", 3)
		country := "DE"
		if device >= 3500 { // 500 devices with 1,500 visits, in no row of the table of countries
			country = "LI"
		}
		h.visitTableOn(today, device, throng.CountryTable, country, 3)
	}
	h.close()
	if r := h.releaseOf(throng.CountryTable); r.Withheld != throng.Crossing {
		t.Errorf("withheld %q, rows %v", r.Withheld, r.Rows)
	}
	if r := h.releaseOf(throng.ClientTable); r.Withheld != "" {
		t.Errorf("the table before it is withheld: %q", r.Withheld)
	}
}

// What hides in the noise of a day stands out of that of many: the table is withheld on the day on which the
// run of days would tell, and begins anew behind it.
func TestARunOfDaysCornersAFew(t *testing.T) {
	h := newHouse(t)
	h.options.Tables = map[string][]string{"www": {throng.CountryTable}}
	h.options.K, h.options.Watermark = 3000, "test"
	h.reopenExact(3000)
	var withheld []string
	for i := range 8 {
		day := spanDay + throng.Day(i)
		for device := range 3300 {
			h.store.visit(day, "www", device, "/a", 1)
			country := "DE"
			if device >= 3150 { // 150 visits a day in no row
				country = "LI"
			}
			h.visitTableOn(day, device, throng.CountryTable, country, 1)
		}
		h.clock.now = day.End().Add(time.Hour)
		h.store.sort()
		if _, err := h.CloseDay(context.Background(), day); err != nil {
			t.Fatal(err)
		}
		if r := h.releaseOn(throng.CountryTable, day); r.Withheld == throng.Crossing {
			withheld = append(withheld, fmt.Sprint(i))
		}
	}
	if got := strings.Join(withheld, " "); got != "6" {
		t.Errorf("withheld on days %s", got)
	}
}

// A span's rows are a part of what further tables have and the days' paths had not. Where they leave a few,
// the span is withheld.
func TestASpanThatCornersAFewIsWithheld(t *testing.T) {
	for name, c := range map[string]struct {
		rest     int // devices a day that neither day nor span shows by path
		withheld throng.Reason
	}{"a few are left": {260, throng.Crossing}, "nobody is left": {0, ""}, "many are left": {700, ""}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.options.Tables = map[string][]string{"www": {throng.CountryTable}}
			h.options.K, h.options.Watermark = 4500, "test"
			h.reopenExact(4500)
			for i := range 8 {
				day := spanDay + throng.Day(i)
				for device := range 5000 {
					h.store.visit(day, "www", device, "/a", 1)
					h.visitTableOn(day, device, throng.CountryTable, "DE", 1)
				}
				for n := range 3000 { // others each day: under k on the day, above it in the span
					h.store.visit(day, "www", 10_000+10_000*i+n, "/b", 2)
					h.visitTableOn(day, 10_000+10_000*i+n, throng.CountryTable, "DE", 2)
				}
				for n := range c.rest {
					h.store.visit(day, "www", 5000+n, "/c", 1)
					h.visitTableOn(day, 5000+n, throng.CountryTable, "DE", 1)
				}
			}
			if r := h.endSpan(); r.Withheld != c.withheld || (len(r.Rows) == 0) != (c.withheld != "") {
				t.Errorf("withheld %q, rows %v", r.Withheld, r.Rows)
			}
			if r := h.releaseOn(throng.CountryTable, spanDay); r.Withheld != "" {
				t.Errorf("the day is withheld: %q", r.Withheld)
			}
		})
	}
}

// A site can be stricter than all are; what a site and period was reserved with stays, whatever the
// configuration says meanwhile.
func TestASiteCanBeStricter(t *testing.T) {
	h := newHouse(t)
	h.options.Sites = []string{"blog", "www"}
	h.options.Tables = map[string][]string{"blog": {throng.CountryTable}}
	h.options.Stricter = map[string]aggregate.Budget{"blog": {K: 9000, Epsilon: 0.5}}
	h.open()
	h.crowd("www", 0, 8000, "/a")
	h.crowd("blog", 0, 8000, "/a")
	h.store.sort()
	h.store.fail["Units"] = 0 // behind the reservations
	if _, err := h.CloseDay(context.Background(), today); err == nil {
		t.Fatal("the close did not fail")
	}
	delete(h.store.fail, "Units")
	h.options.Stricter = nil
	h.open()
	h.close()
	blog, www := h.release("blog").Parameters, h.release("www").Parameters
	if blog.K != 9000 || blog.Epsilon != 0.5 || blog.Delta != throng.MaxDelta || len(h.release("blog").Rows) != 0 {
		t.Errorf("blog: %+v", blog)
	}
	if www.K != throng.MinDevices || www.Epsilon != 1 || len(h.release("www").Rows) != 1 {
		t.Errorf("www: %+v", www)
	}
	for name, b := range map[string]aggregate.Budget{"k": {K: 4000}, "ε": {Epsilon: 1.1}, "δ": {Delta: 1e-8}} {
		o := h.options
		o.Stricter = map[string]aggregate.Budget{"www": b}
		if _, err := aggregate.New(o); err == nil || !strings.Contains(err.Error(), "laxer") {
			t.Errorf("a laxer %s: %v", name, err)
		}
	}
}
