package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/ingest"
	"throng/internal/broker"
	"throng/internal/loadgen"
)

const (
	fewKills = 6 // where THRONG_CRASH_KILLS is not set
	// drainTime bounds how long the last lines may take into the store after the last kill: a dead
	// member of a consumer group is missed after ten seconds, several times over.
	drainTime = 3 * time.Minute
)

// crashKills is how often processes are killed.
func crashKills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("THRONG_CRASH_KILLS")
	if text == "" {
		return fewKills
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("THRONG_CRASH_KILLS=%s: want a number of 1 or more", text)
	}
	return n
}

// chance is the randomness of a crash test; THRONG_TEST_SEED repeats its choices (the instants differ).
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("THRONG_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("THRONG_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// crashDay is the day of all lines.
var crashDay = throng.DayOf(testNow)

// pages are a few pages, read by more devices than must be for them to be published, each once by a
// device: bounding takes nothing away, so that published numbers can be compared with the truth.
func pages(n int, devices uint64) []loadgen.Page {
	var pages []loadgen.Page
	for i := range n {
		pages = append(pages, loadgen.Page{Path: fmt.Sprintf("/section-%d/page-%d", i%3, i), Visits: devices, Devices: devices})
	}
	return pages
}

// writeRoutes writes the pages' paths as a route list.
func writeRoutes(t *testing.T, path string, pages []loadgen.Page) {
	t.Helper()
	var b strings.Builder
	for _, p := range pages {
		fmt.Fprintln(&b, p.Path)
	}
	writeFile(t, path, b.String())
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// truth is what has to be in the store: visits and those of them that opted out, by path, and totals.
type truth struct {
	lines, rejected uint64
	visits          map[string][]uint64
}

func truthOf(logs ...*loadgen.Log) truth {
	sum := truth{visits: map[string][]uint64{}}
	for _, l := range logs {
		t := l.Truth()
		sum.lines += t.Lines
		sum.rejected += t.Rejected
		for _, p := range t.Paths {
			v := sum.visits[p.Key]
			if v == nil {
				v = make([]uint64, 2)
				sum.visits[p.Key] = v
			}
			v[0] += p.Visits
			v[1] += p.OptedOutVisits
		}
	}
	return sum
}

// checkEvents compares the store's events and blocks with the truth: each line once.
func (want truth) checkEvents(t *testing.T, e engineAt) {
	t.Helper()
	got := e.counts(t, "SELECT path, count(), countIf(opted_out) FROM events WHERE visit GROUP BY path")
	compare(t, "visits in events", got, want.visits)
	total := e.counts(t, "SELECT 'events', count() FROM events")["events"][0]
	if total != want.lines-want.rejected {
		t.Errorf("%d events are stored; the logs have %d", total, want.lines-want.rejected)
	}
	blocks := e.counts(t, "SELECT 'blocks', sum(rows), sum(rejected), sum(late) FROM blocks FINAL")["blocks"]
	if !slices.Equal(blocks, []uint64{want.lines - want.rejected, want.rejected, 0}) {
		t.Errorf("blocks tell of %d events, rejected and late lines; the logs have %d, %d and 0", blocks, want.lines-want.rejected, want.rejected)
	}
}

// checkUnits compares the open units, before their day is closed, with the truth.
func (want truth) checkUnits(t *testing.T, e engineAt) {
	t.Helper()
	got := e.counts(t, `SELECT key, sum(visits), sumIf(visits, opted_out) FROM open_units
		JOIN (SELECT cell, any(key) AS key FROM cells GROUP BY cell) AS texts USING cell GROUP BY key`)
	compare(t, "visits in open_units", got, want.visits)
}

func compare(t *testing.T, what string, got, want map[string][]uint64) {
	t.Helper()
	if maps.EqualFunc(got, want, slices.Equal) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if !slices.Equal(got[key], want[key]) {
			t.Errorf("%s: %s has %d, want %d", what, key, got[key], want[key])
		}
	}
	for key, n := range got {
		if want[key] == nil {
			t.Errorf("%s: %s has %d, want none", what, key, n)
		}
	}
}

// shipped sums the checkpoints in a state directory; whole is false while something is on its way.
func shipped(t *testing.T, dir string) (tally ingest.Tally, whole bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "ship", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	whole = true
	for _, f := range files {
		var checkpoint struct {
			Pieces []any        `json:"pieces"`
			Tally  ingest.Tally `json:"tally"`
		}
		b, err := os.ReadFile(f)
		if err == nil {
			err = json.Unmarshal(b, &checkpoint)
		}
		if err != nil {
			t.Fatal(err)
		}
		tally.Add(checkpoint.Tally)
		whole = whole && len(checkpoint.Pieces) == 0
	}
	return tally, whole
}

// unloaded is how many messages the loaders have still to commit.
func unloaded(ctx context.Context, addr string) (int64, error) {
	return unloadedFrom(ctx, broker.Options{Addrs: []string{addr}, Logger: slog.New(slog.DiscardHandler)})
}

func unloadedFrom(ctx context.Context, o broker.Options) (int64, error) {
	c, err := broker.Open(ctx, o)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	topics, err := c.Topics(ctx)
	if err != nil {
		return 0, err
	}
	var n int64
	for _, topic := range topics {
		if _, ok := throng.ParseEventsTopic(topic); !ok {
			continue // Kafka has topics of its own
		}
		end, err := c.End(ctx, topic)
		if err != nil {
			return 0, err
		}
		committed, err := c.Committed(ctx, ingest.LoadGroup(topic), topic)
		if err != nil {
			return 0, err
		}
		for p := range end {
			n += end[p] - max(committed[p], 0)
		}
	}
	return n, nil
}
