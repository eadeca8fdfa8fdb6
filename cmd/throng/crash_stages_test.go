package main_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/internal/loadgen"
)

// stages are the processes of one machine that runs each stage apart: a broker, an engine, two ships
// with a log each, and two loaders.
type stages struct {
	dir            string
	brokerAddr     string
	engine         engineAt
	logs           []*growingLog
	broker, store  *service
	ships, loaders []*service
	most           uint64 // lines that were seen to be loaded
}

const stagesConfig = `dir: %[1]s
sites: [{id: www, routes_file: %[2]s, case_sensitive: true}]
sources: [{name: %[3]s, site: www, path: "%[4]s*", format: combined_signals}]
broker: {addrs: ["%[5]s"], partitions: 3, block: {max_rows: 1024, max_age: 1s}}
store: {addr: "%[6]s", database: default}
listen: {admin: "%[7]s"}
log: {level: debug}
`

// startStages starts everything on empty directories. Both ships have the same keys.
func startStages(t *testing.T, pieces int, seed uint64) *stages {
	t.Helper()
	s := &stages{dir: testDir(t), brokerAddr: freeAddr(t), engine: engineAt(freeAddr(t))}
	env := []string{clockAt(testNow)}
	routes := filepath.Join(s.dir, "routes.txt")
	list := pages(30, 2_000+100*uint64(pieces))
	writeRoutes(t, routes, list)

	state := func(name string) string { return filepath.Join(s.dir, name) }
	s.broker = startService(t, s.dir, "broker", env, "broker", "serve", "--dir", state("center"), "--listen", s.brokerAddr)
	s.store = startService(t, s.dir, "engine", env, "engine", "serve", "--dir", state("center"), "--listen", string(s.engine))
	for i, name := range []string{"web1", "web2"} {
		g := newGrowingLog(t, state(name+"-logs"), loadgen.Options{Readership: list, Devices: 200_000, Seed: seed + uint64(i),
			Start: crashDay.Start(), End: testNow, Key: throng.LeafKey}, pieces)
		s.logs = append(s.logs, g)
		config := state(name + ".yaml")
		writeFile(t, config, fmt.Sprintf(stagesConfig, state(name), routes, name, g.path, s.brokerAddr, s.engine, freeAddr(t)))
		if i == 0 {
			output(t, env, "keys", "init", "--dir", state(name))
		} else {
			export := state("export")
			writeFile(t, export, output(t, env, "keys", "export", "--dir", state("web1")))
			output(t, env, "keys", "init", "--dir", state(name), "--import", export)
		}
		s.ships = append(s.ships, startService(t, s.dir, "ship-"+name, env, "ship", "--config", config))
		s.loaders = append(s.loaders, startService(t, s.dir, "load-"+name, env, "load", "--config", config))
	}
	return s
}

func (s *stages) all() []*service {
	return append(append([]*service{s.broker, s.store}, s.ships...), s.loaders...)
}

// victims are each process, in random order, and all of them together, again and again.
func (s *stages) victims(r *rand.Rand, n int) [][]*service {
	var rounds [][]*service
	for len(rounds) < n {
		round := [][]*service{s.all()}
		for _, v := range s.all() {
			round = append(round, []*service{v})
		}
		r.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		rounds = append(rounds, round...)
	}
	return rounds[:n]
}

// acknowledged is how many lines the broker has, as the ships know.
func (s *stages) acknowledged(t *testing.T) uint64 {
	t.Helper()
	lines, _ := s.shipped(t)
	return lines
}

// loaded is how many lines were loaded; never less than it was before.
func (s *stages) loaded(t *testing.T) uint64 {
	t.Helper()
	rows, err := s.engine.query(t.Context(), "SELECT sum(rows) + sum(rejected) FROM blocks FINAL")
	if err == nil { // else the engine is being started
		if n, err := strconv.ParseUint(rows[0][0], 10, 64); err == nil {
			s.most = max(s.most, n)
		}
	}
	return s.most
}

// shipped sums both ships' checkpoints; whole is false while something is on its way.
func (s *stages) shipped(t *testing.T) (lines uint64, whole bool) {
	t.Helper()
	whole = true
	for _, name := range []string{"web1", "web2"} {
		tally, w := shipped(t, filepath.Join(s.dir, name))
		lines += tally.Lines
		whole = whole && w
	}
	return lines, whole
}

// TestCrashStages kills processes at random instants under load and compares the store with the
// generator's truth: every line of both logs is counted once.
func TestCrashStages(t *testing.T) {
	requireEngine(t)
	t.Parallel()
	kills := crashKills(t)
	r := chance(t)
	t.Logf("%d kills (THRONG_CRASH_KILLS)", kills)
	s := startStages(t, kills+2, r.Uint64())

	for _, victims := range s.victims(r, kills) {
		progress := s.acknowledged
		if slices.ContainsFunc(victims, func(v *service) bool { return len(victims) == 1 && (v == s.store || slices.Contains(s.loaders, v)) }) {
			progress = s.loaded
		}
		before := progress(t)
		for _, g := range s.logs {
			g.grow(t)
		}
		waitFor(t, drainTime, "progress", func() (bool, string) {
			n := progress(t)
			return n > before, fmt.Sprintf("%d lines", n)
		})
		time.Sleep(time.Duration(r.Int64N(int64(time.Second)))) // the instant is the test's input, nothing is waited for
		var names []string
		for _, v := range victims {
			v.kill()
			names = append(names, v.name)
		}
		t.Logf("killed %s after %d lines", strings.Join(names, ", "), before)
	}
	s.drain(t)
}

// drain writes the rest of the logs, waits until all of it is in the store, and compares.
func (s *stages) drain(t *testing.T) {
	t.Helper()
	var logs []*loadgen.Log
	for _, g := range s.logs {
		for len(g.rest) > 0 {
			g.grow(t)
		}
		logs = append(logs, g.log)
		t.Logf("%s: %d lines, rotated %d times", g.path, g.log.Lines(), g.rotations)
	}
	want := truthOf(logs...)
	waitFor(t, drainTime, "the ships", func() (bool, string) {
		n, whole := s.shipped(t)
		return n >= want.lines && whole, fmt.Sprintf("%d of %d lines acknowledged", n, want.lines)
	})
	waitFor(t, drainTime, "the loaders", func() (bool, string) {
		n, err := unloaded(t.Context(), s.brokerAddr)
		return err == nil && n == 0, fmt.Sprintf("%d messages to commit (%v)", n, err)
	})
	for _, p := range append(s.ships, s.loaders...) {
		p.stop(t)
	}
	want.checkEvents(t, s.engine)
	want.checkUnits(t, s.engine)
	for _, p := range []*service{s.store, s.broker} {
		p.stop(t)
	}
	for _, p := range s.all() {
		t.Logf("%s: killed %d times, ended by itself %d times", p.name, p.kills, len(p.quits))
	}
}
