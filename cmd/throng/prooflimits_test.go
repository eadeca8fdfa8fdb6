package main_test

import (
	"testing"
	"time"

	"throng"
)

// limitOf says when a find has to be gone, by what it is and where; ok is false where it may never be.
//
// The limits are the method's own ceilings, not read from the program.
func limitOf(place string, f trace) (gone time.Time, ok bool) {
	const events, open = 10 * 24 * time.Hour, 48 * time.Hour
	switch f.kind {
	case epochKey:
		return throng.SpanOf(f.day).Next().First().Start().Add(open), place == "keys"
	case token:
		switch place {
		case "broker", "open_units", "table_units", "bot_units":
			return f.day.End().Add(open), true
		case "folded_units":
			return f.day.Start().Add(events), true
		}
	case route, friend, network, common:
		switch place {
		case "broker", "open_units", "table_units", "cells":
			return f.day.End().Add(open), true
		case "events", "folded_cells":
			return f.day.Start().Add(events), true
		}
	}
	return time.Time{}, false
}

// TestLimitsOfTheProof holds the search's own judgment against the method's numbers, to the second.
func TestLimitsOfTheProof(t *testing.T) {
	day, _ := throng.ParseDay("2036-03-16")
	for _, c := range []struct {
		place, kind string
		gone        string // "" is never allowed
	}{
		{"broker", token, "2036-03-19T00:00:00Z"},
		{"broker", route, "2036-03-19T00:00:00Z"},
		{"open_units", token, "2036-03-19T00:00:00Z"},
		{"cells", route, "2036-03-19T00:00:00Z"},
		{"events", network, "2036-03-26T00:00:00Z"},
		{"events", friend, "2036-03-26T00:00:00Z"},
		{"folded_units", token, "2036-03-26T00:00:00Z"},
		{"keys", epochKey, "2036-03-19T00:00:00Z"},
		{"events", token, ""}, {"cells", token, ""}, {"ship", token, ""}, {"output", token, ""}, {"receipts", token, ""},
		{"blocks", route, ""}, {"releases", route, ""}, {"quarantine", network, ""}, {"tmp", common, ""},
		{"broker", epochKey, ""}, {"events", identifier, ""}, {"output", identifier, ""},
	} {
		p := proof{}
		found := []find{{trace{c.kind, day}, c.place, "file"}}
		if c.gone == "" {
			p.now = day.Start()
			if len(p.tooOld(found)) != 1 {
				t.Errorf("%s in %s is allowed", c.kind, c.place)
			}
			continue
		}
		gone, err := time.Parse(time.RFC3339, c.gone)
		if err != nil {
			t.Fatal(err)
		}
		p.now = gone.Add(-time.Second)
		before := len(p.tooOld(found))
		p.now = gone
		if after := len(p.tooOld(found)); before != 0 || after != 1 {
			t.Errorf("%s in %s: %d and %d violations a second before and at %s", c.kind, c.place, before, after, c.gone)
		}
	}
}
