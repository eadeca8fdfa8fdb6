package main_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/aggregate/ledger"
	"throng/internal/loadgen"
)

// closedDay is over at the time of the test; all of its lines are there from the start.
var closedDay = crashDay - 1

// serving is `throng serve` on two logs: one of the day before, complete, and one of today, growing.
type serving struct {
	dir, state, config string
	env                []string
	yesterday          *loadgen.Log
	today              *growingLog
	serve              *service
}

const servingConfig = `dir: %[1]s
sites: [{id: www, routes_file: %[2]s, case_sensitive: true}]
sources:
  - {name: yesterday, site: www, path: %[3]s, format: combined_signals}
  - {name: today, site: www, path: "%[4]s*", format: combined_signals}
broker: {partitions: 3, block: {max_rows: 1024, max_age: 1s}}
release: {settle: 1m}
listen: {public: "%[5]s", admin: "%[6]s"}
log: {level: debug}
`

func startServing(t *testing.T, pieces int, seed uint64) *serving {
	t.Helper()
	s := &serving{dir: testDir(t), env: []string{clockAt(testNow)}}
	s.state, s.config = filepath.Join(s.dir, "state"), filepath.Join(s.dir, "throng.yaml")
	list := pages(4, 8_000)
	routes := filepath.Join(s.dir, "routes.txt")
	writeRoutes(t, routes, list)

	o := loadgen.Options{Readership: list, Devices: 200_000, Seed: seed, Start: closedDay.Start(), End: closedDay.End(), Key: throng.LeafKey}
	past := newGrowingLog(t, filepath.Join(s.dir, "past"), o, 1)
	past.write(t, past.rest)
	s.yesterday = past.log
	o.Seed, o.Start, o.End = seed+1, crashDay.Start(), testNow
	s.today = newGrowingLog(t, filepath.Join(s.dir, "logs"), o, pieces)

	writeFile(t, s.config, fmt.Sprintf(servingConfig, s.state, routes, past.path, s.today.path, freeAddr(t), freeAddr(t)))
	s.serve = startService(t, s.dir, "serve", s.env, "serve", "--config", s.config)
	return s
}

// release is the file that is published.
func (s *serving) release() string {
	id := throng.ReleaseID{Site: "www", Table: throng.PathTable, Period: closedDay.Period()}
	return filepath.Join(s.state, "releases", id.String()+".json")
}

// ledger reads the entries of a kind; none where there is no ledger yet.
func (s *serving) ledger(t *testing.T, kind ledger.Kind) (entries []ledger.Entry) {
	t.Helper()
	f, err := os.Open(filepath.Join(s.state, "ledger", ledger.FileName))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := ledger.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == kind {
			entries = append(entries, e)
		}
	}
	return entries
}

// footprint changes with each step that a close leaves on the disk.
func (s *serving) footprint() string {
	var b strings.Builder
	for _, dir := range []string{"ledger", "releases"} {
		_ = filepath.WalkDir(filepath.Join(s.state, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // not there yet, or gone since it was listed
			}
			if info, err := d.Info(); err == nil && !d.IsDir() {
				fmt.Fprintln(&b, path, info.Size())
			}
			return nil
		})
	}
	return b.String()
}

// TestCrashServe kills `throng serve` at random instants while it ships and loads, and then at steps
// of the close of a day. Every line is counted once, and the day is published once.
func TestCrashServe(t *testing.T) {
	requireEngine(t)
	t.Parallel()
	kills := max(crashKills(t)/3, 2)
	r := chance(t)
	t.Logf("%d kills while it ships (a third of THRONG_CRASH_KILLS), then up to %d at steps of the close", kills, 3*kills)
	s := startServing(t, kills+40, r.Uint64())
	for range kills {
		s.killOnTheWay(t, r)
	}
	if steps := s.killAtSteps(t, r, 3*kills); steps == 0 {
		t.Error("no process was killed while it closed the day")
	}
	s.checkStored(t)
	s.checkPublished(t)
}

// killOnTheWay kills at a random instant after some lines were acknowledged.
func (s *serving) killOnTheWay(t *testing.T, r *rand.Rand) {
	t.Helper()
	before, _ := shipped(t, s.state)
	s.today.grow(t)
	waitFor(t, drainTime, "progress", func() (bool, string) {
		now, _ := shipped(t, s.state)
		return now.Lines > before.Lines, fmt.Sprintf("%d lines acknowledged", now.Lines)
	})
	time.Sleep(time.Duration(r.Int64N(int64(time.Second)))) // the instant is the test's input, nothing is waited for
	s.serve.kill()
	t.Logf("killed after %d lines", before.Lines)
}

// killAtSteps kills when the close has left something new on the disk, at most so often, until the day
// is published; it returns how often. What is published once stays as it is.
func (s *serving) killAtSteps(t *testing.T, r *rand.Rand, most int) (steps int) {
	t.Helper()
	var published []byte
	last := s.footprint()
	grown := time.Now()
	deadline := time.Now().Add(drainTime)
	for len(s.ledger(t, ledger.Publication)) == 0 {
		now := s.footprint()
		if now == last {
			if time.Now().After(deadline) {
				tally, whole := shipped(t, s.state)
				t.Fatalf("the day was not closed within %s of step %d; %d lines are acknowledged (all that were read: %t)", drainTime, steps, tally.Lines, whole)
			}
			if time.Since(grown) > time.Second/2 { // blocks of today tell how far yesterday was read
				s.today.grow(t)
				grown = time.Now()
			}
			time.Sleep(200 * time.Microsecond) // looks again; a step of the close takes longer
			continue
		}
		last, deadline = now, time.Now().Add(drainTime)
		if steps < most && (steps == 0 || r.IntN(2) == 0) {
			s.serve.kill()
			steps++
		}
		b, err := os.ReadFile(s.release())
		if err == nil && published == nil {
			published = b
		}
		if published != nil && string(b) != string(published) {
			t.Fatalf("the release changed after it was written (%v)", err)
		}
	}
	t.Logf("killed at %d steps of the close", steps)
	return steps
}

// checkStored waits until all is stored, stops and compares.
func (s *serving) checkStored(t *testing.T) {
	t.Helper()
	for len(s.today.rest) > 0 {
		s.today.grow(t)
	}
	want := truthOf(s.yesterday, s.today.log)
	waitFor(t, drainTime, "ship", func() (bool, string) {
		tally, whole := shipped(t, s.state)
		return tally.Lines >= want.lines && whole, fmt.Sprintf("%d of %d lines acknowledged", tally.Lines, want.lines)
	})
	waitFor(t, drainTime, "load", func() (bool, string) {
		addr, err := os.ReadFile(filepath.Join(s.state, "broker", "addr"))
		if err != nil {
			return false, err.Error()
		}
		n, err := unloaded(t.Context(), string(addr))
		return err == nil && n == 0, fmt.Sprintf("%d messages to commit (%v)", n, err)
	})
	s.serve.stop(t)
	// The last process may have been stopped before it finished what a kill had left of the close.
	output(t, s.env, "close", "--once", "--config", s.config)
	if len(s.serve.quits) > 0 {
		t.Errorf("serve ended by itself: %q", s.serve.quits)
	}

	engine := engineAt(freeAddr(t))
	store := startService(t, s.dir, "engine", s.env, "engine", "serve", "--dir", s.state, "--listen", string(engine))
	waitFor(t, drainTime, "the engine", func() (bool, string) {
		_, err := engine.query(t.Context(), "SELECT 1")
		return err == nil, fmt.Sprint(err)
	})
	want.checkEvents(t, engine)
	for _, table := range []string{"open_units", "cells"} {
		n := engine.counts(t, fmt.Sprintf("SELECT 'rows', count() FROM %s WHERE day = '%s'", table, closedDay))["rows"][0]
		if n != 0 {
			t.Errorf("%s has %d rows of a day that is closed", table, n)
		}
	}
	store.stop(t)
}

// checkPublished compares the release with the truth and with the ledger.
func (s *serving) checkPublished(t *testing.T) {
	t.Helper()
	output(t, s.env, "ledger", "verify", "--dir", s.state)
	for _, kind := range []ledger.Kind{ledger.Reservation, ledger.Publication} {
		if n := len(s.ledger(t, kind)); n != 1 {
			t.Errorf("the ledger has %d entries of kind %s, want 1", n, kind)
		}
	}
	list := output(t, s.env, "release", "list", "--dir", s.state) // compares each file with the ledger
	if n := strings.Count(list, "www/path/"); n != 1 {
		t.Errorf("%d releases are listed, want 1:\n%s", n, list)
	}
	var release throng.Release
	if err := json.Unmarshal([]byte(output(t, s.env, "release", "show", "--dir", s.state, "www/path/"+closedDay.String())), &release); err != nil {
		t.Fatal(err)
	}
	visits := truthOf(s.yesterday).visits
	for _, row := range release.Rows {
		e, ok := row.Visits.Estimate()
		if want, known := visits[row.Key]; known && ok {
			checkEstimate(t, row.Key, e.Value, int64(want[0]))
			delete(visits, row.Key)
		}
	}
	if len(visits) > 0 {
		t.Errorf("these pages are not published: %v", visits)
	}
}

// checkEstimate allows an error of about ten standard deviations: a block counted twice or never is
// more.
func checkEstimate(t *testing.T, key string, got, want int64) {
	t.Helper()
	const far = 1_000
	if got < want-far || got > want+far {
		t.Errorf("%s: %d visits are published, want %d and noise", key, got, want)
	}
}
