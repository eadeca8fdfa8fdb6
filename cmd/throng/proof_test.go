package main_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/internal/broker/kafkatest"
)

// find is a trace in a file.
type find struct {
	trace
	place, path string
}

func (f find) String() string {
	return fmt.Sprintf("%s of %s in %s (%s)", f.kind, f.day, f.place, f.path)
}

// look searches all files of all stores, and all that the processes said.
func (p *proof) look(t *testing.T) (all []find) {
	t.Helper()
	found, err := p.search.files("logs", "routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		for _, f := range found[path] {
			all = append(all, find{f, p.place(path), path})
		}
	}
	return all
}

// place is the part of the system that a file belongs to: of the engine a table, if it is one's.
func (p *proof) place(path string) string {
	if strings.HasPrefix(path, "kafka/") {
		return "broker"
	}
	for dir, table := range p.tables {
		if strings.HasPrefix(path, dir) {
			return table
		}
	}
	place, ok := strings.CutPrefix(path, "state/")
	if !ok {
		return "output"
	}
	place, _, _ = strings.Cut(place, "/")
	return place
}

// tooOld are the finds that should not be there now.
func (p *proof) tooOld(all []find) (bad []find) {
	for _, f := range all {
		if f.kind == epochKey && p.shipDown {
			continue // the file of a machine that is down is as it was; it is looked at as soon as it is up
		}
		if gone, ok := limitOf(f.place, f.trace); !ok || !p.now.Before(gone) {
			bad = append(bad, f)
		}
	}
	return bad
}

// check fails the test where something is found that should have been gone at this time. What goes at this very moment
// may take the machine a while, in which the test's time stands still.
func (p *proof) check(t *testing.T) {
	t.Helper()
	p.searched++
	var bad []find
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if bad = p.tooOld(p.look(t)); len(bad) == 0 {
			return
		}
	}
	for _, f := range bad {
		t.Errorf("%s: found %s", p.now.Format(time.DateTime), f)
	}
	t.FailNow()
}

// expect fails the test where the search does not see what is there: each kind of a day's traces in each place.
func (p *proof) expect(t *testing.T, day throng.Day, places map[string][]string) {
	t.Helper()
	all := p.look(t)
	for place, kinds := range places {
		for _, kind := range kinds {
			if !slices.ContainsFunc(all, func(f find) bool { return f.place == place && f.trace == trace{kind, day} }) {
				t.Errorf("%s: %s of %s is not found in %s", p.now.Format(time.DateTime), kind, day, place)
			}
		}
	}
}

// Where a day's traces are after it was loaded, and after it was closed.
var (
	coarseTraces = []string{route, friend, network, common}
	loadedTraces = map[string][]string{
		"broker": append(coarseTraces, token), "events": coarseTraces, "open_units": {token}, "cells": {route, common},
	}
	closedTraces = map[string][]string{"events": coarseTraces, "folded_units": {token}, "folded_cells": {route, common}}
)

// tracesAfterClose are closedTraces, but for the last day of a span, with which the span is closed.
func tracesAfterClose(day throng.Day) map[string][]string {
	if throng.SpanOf(day) != throng.SpanOf(day+1) {
		return map[string][]string{"events": coarseTraces}
	}
	return closedTraces
}

// hourlyEnv asks for the whole proof.
const hourlyEnv = "THRONG_TEST_PROOF"

// TestProof lets twelve days pass and, at every hour, searches every byte of every store for what should be gone.
// Without THRONG_TEST_PROOF=hourly it does so at three hours of each day, those at which most deletions are due
// among them, and one piece of the log is written on a day instead of three.
func TestProof(t *testing.T) {
	requireEngine(t)
	if testing.Short() {
		t.Skip("searches for what is written, which is the same without -short")
	}
	hours, visits := []int{0, busy, 23}, []int{busy}
	if os.Getenv(hourlyEnv) == "hourly" {
		hours, visits = hoursOfADay(), []int{9, busy, 22}
	}
	if !kafkatest.Wanted() {
		t.Parallel()
	}
	first, _ := throng.ParseDay("2036-03-14") // spans begin on the fourth day and, after twelve, on the twelfth
	p := newProof(t, first)
	p.awaitTables(t)
	p.stopMerges(t, true)
	for d := range throng.Day(12) {
		p.prepare(t, int(d))
		for _, h := range hours {
			p.sweep(t, (first + d).Start().Add(time.Duration(h)*time.Hour))
			p.noteKeys(t)
			p.event(t, int(d), h)
			if h == 0 {
				p.search.forget()
			}
			p.check(t)
			if slices.Contains(visits, h) {
				p.traffic(t, int(d), h)
			}
		}
	}
	p.machineIsDown(t)
	p.agree(t)
	p.nothingIsDeleted(t)
	t.Logf("searched %d times, at %d hours of each day", p.searched, len(hours))
}

// busy is the hour at which things happen: a day is closed an hour before.
const busy = 13

func hoursOfADay() (hours []int) {
	for h := range 24 {
		hours = append(hours, h)
	}
	return hours
}

// awaitTables waits until the stages have made the engine's tables.
func (p *proof) awaitTables(t *testing.T) {
	t.Helper()
	waitQuietly(t, patience, "the first sweep", func() (bool, string) {
		done, _ := p.sweeps()
		return done > 0, string(tail(p.stages["retention"].logPath))
	})
	p.noteTables(t)
}

// prepare arms what goes wrong on a day, from 0.
func (p *proof) prepare(t *testing.T, day int) {
	t.Helper()
	kill := func(stage string) func() { return func() { p.stages[stage].kill() } }
	switch day {
	case 1:
		p.gates["load"].arm(&fault{what: "load dies: the block is in, its offset is not committed", words: []string{"INSERT INTO events_in"}, after: true, act: kill("load")})
		p.gates["close"].arm(&fault{what: "close dies: some is folded", words: []string{"INSERT INTO folded_units"}, after: true, act: kill("close")})
	case 2:
		p.gates["close"].arm(&fault{what: "close dies: published, tokens not dropped", words: []string{"DROP PARTITION", "open_units"}, act: kill("close")})
	case 3:
		p.gates["close"].arm(&fault{what: "the engine dies while tokens are dropped", words: []string{"DROP PARTITION", "open_units"}, passes: true, act: p.store.kill})
	case 9:
		p.gates["retention"].arm(&fault{what: "retention dies: announced, nothing is deleted", words: []string{"DROP PARTITION", "events"}, act: kill("retention")})
	case 10:
		p.gates["retention"].arm(&fault{what: "retention dies: half is deleted", words: []string{"DROP PARTITION"}, nth: 2, after: true, act: kill("retention")})
	case 11:
		p.gates["retention"].arm(&fault{what: "retention dies: all is deleted, there is no receipt", words: []string{"DROP PARTITION", "events"}, after: true, passes: true, act: func() {
			p.gates["retention"].arm(&fault{what: "the look after the deletions", words: []string{"system.parts"}, act: kill("retention")})
		}})
	}
}

// event is what happens on a day at an hour.
func (p *proof) event(t *testing.T, day, hour int) {
	t.Helper()
	switch {
	case day == 5 && hour == busy: // three days without anything but retention; the broker has blocks that nobody loads
		p.stop(t, "load", "close")
		p.write(t)
		p.awaitShipped(t)
		p.stop(t, "ship")
		p.shipDown = true
	case day == 8 && hour == busy:
		p.start(t, "ship", "load", "close")
		p.shipDown = false
		p.stopMerges(t, false)
	case day == 6 && hour == busy:
		p.write(t) // into a log that nobody reads
	case day == 6 && hour == 23:
		p.broker.kill()
	}
}

// traffic writes, on most days while everything runs, and shows that the search finds it.
func (p *proof) traffic(t *testing.T, day, hour int) {
	t.Helper()
	if day == 3 || day == 5 || p.shipDown { // idle, or nobody loads
		return
	}
	if day == 0 && hour == busy {
		p.dieShipping(t)
	}
	p.visit(t)
	today := throng.DayOf(p.now)
	p.expect(t, today, loadedTraces)
	p.expect(t, throng.SpanOf(today).First(), map[string][]string{"keys": {epochKey}})
	if yesterday := today - 1; hour >= busy && day > 0 && day != 4 && day != 8 { // days without events are not closed
		p.awaitClosed(t, yesterday)
		p.expect(t, yesterday, tracesAfterClose(yesterday))
	}
	p.check(t)
}

// awaitClosed waits until a day is closed.
func (p *proof) awaitClosed(t *testing.T, day throng.Day) {
	t.Helper()
	waitQuietly(t, patience, "the close of "+day.String(), func() (bool, string) {
		p.nudge(t, 10*time.Second)
		return p.released(day.Period()), string(tail(p.stages["close"].logPath))
	})
}

// dieShipping kills ship while it has sent a block that is not acknowledged.
func (p *proof) dieShipping(t *testing.T) {
	t.Helper()
	p.broker.freeze(t)
	p.write(t)
	waitQuietly(t, patience, "a block on its way", func() (bool, string) {
		p.nudge(t, time.Second)
		_, whole := shipped(t, p.state)
		return !whole, "none"
	})
	p.stages["ship"].kill()
	p.broker.thaw(t)
	p.awaitShipped(t)
}

// machineIsDown stops everything for three days. As soon as it runs again and has swept, nothing is too old.
func (p *proof) machineIsDown(t *testing.T) {
	t.Helper()
	p.stop(t, "ship", "load", "close", "retention")
	p.move(t, p.now.Add(3*24*time.Hour))
	old := map[string]bool{}
	for _, f := range p.tooOld(p.look(t)) {
		old[f.place] = true
	}
	for _, place := range []string{"broker", "events", "keys"} {
		if !old[place] {
			t.Errorf("after three days in which nothing ran there is nothing old in %s: the search is blind", place)
		}
	}
	p.start(t, "retention", "ship", "load", "close")
	p.awaitTables(t)
	p.awaitShipped(t)
	p.check(t)
}

// agree requires that the program itself finds nothing past its time, and a receipt for each deletion.
func (p *proof) agree(t *testing.T) {
	t.Helper()
	for _, g := range p.gates {
		g.check(t)
	}
	p.stop(t, "retention")
	config := filepath.Join(p.dir, "retention.yaml")
	output(t, p.env(), "retention", "verify", "--config", config)
	receipts := output(t, p.env(), "retention", "receipts", "--dir", p.state)
	planned, deleted := strings.Count(receipts, `"step":"planned"`), strings.Count(receipts, `"step":"deleted"`)
	if planned == 0 || planned != deleted {
		t.Errorf("%d deletions were planned, %d have a receipt", planned, deleted)
	}
	p.start(t, "retention")
}

// nothingIsDeleted shows that each deletion that does not happen is found: the engine's answers are lies, the
// broker stands still and the keeper of the keys is dead.
func (p *proof) nothingIsDeleted(t *testing.T) {
	t.Helper()
	p.visit(t)
	p.noteKeys(t)
	day := throng.DayOf(p.now)
	for _, name := range []string{"close", "retention"} {
		p.gates[name].lie(func(statement string) bool { return strings.Contains(statement, "DROP PARTITION") })
	}
	p.move(t, day.End().Add(time.Hour))
	p.awaitClosed(t, day)
	p.stop(t, "ship", "load")
	p.broker.freeze(t)
	defer p.broker.thaw(t)
	p.move(t, day.Start().Add(10*24*time.Hour))
	found := p.tooOld(p.look(t))
	for place, kinds := range map[string][]string{
		"events": coarseTraces, "cells": {route, common}, "open_units": {token}, "folded_units": {token}, "folded_cells": {route, common},
		"broker": append(coarseTraces, token),
	} {
		for _, kind := range kinds {
			if !slices.ContainsFunc(found, func(f find) bool { return f.place == place && f.trace == trace{kind, day} }) {
				t.Errorf("%s of %s was not deleted from %s, and nobody noticed", kind, day, place)
			}
		}
	}
	span := throng.SpanOf(day).First()
	if !slices.ContainsFunc(found, func(f find) bool { return f.place == "keys" && f.trace == trace{epochKey, span} }) {
		t.Error("an epoch key was not erased, and nobody noticed")
	}
}
