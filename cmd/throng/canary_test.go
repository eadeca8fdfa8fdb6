package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"throng"
)

// TestCanary runs a site's day from its log to its deletion, with a unique word and recognizable
// addresses in every raw field, and searches every file, output and page for them.
func TestCanary(t *testing.T) {
	requireEngine(t)
	if testing.Short() {
		t.Skip("searches for what is written, which is the same without -short")
	}
	t.Parallel()
	c := newCanarySite(t)

	t.Log("the day goes on: the lines are shipped and loaded; one process dies of a signal, with all its stacks")
	evening := closedDay.End().Add(-10 * time.Minute)
	c.crash(t, evening)
	serve := c.serveAt(t, evening)
	c.awaitLoaded(t)
	c.checkServed(t)
	serve.stop(t)
	c.checkBeforeClose(t)

	t.Log("the day is closed")
	later := closedDay.End().Add(37 * time.Hour)
	serve = c.serveAt(t, later)
	waitFor(t, drainTime, "the close", func() (bool, string) {
		b, err := os.ReadFile(serve.logPath)
		return bytes.Contains(b, []byte("day closed")), fmt.Sprint(err)
	})
	pages := c.checkServed(t)
	for _, path := range []string{"/sites/www/path/" + closedDay.String(), "/sites/www/path/" + closedDay.String() + ".csv", "/sites/www/path/" + closedDay.String() + ".json"} {
		if !bytes.Contains(pages[path], []byte("/section-0/page-0")) {
			t.Errorf("%s was not searched, or has no number", path)
		}
	}
	serve.stop(t)
	c.checkAfterClose(t)
	c.checkCommands(t, later)
	c.checkBackup(t)

	t.Log("a hold copies what a few of those who opted out asked for")
	c.hold(t, later)

	t.Log("eleven days later")
	c.checkHeld(t, closedDay.Start().Add(11*24*time.Hour))

	t.Log("the hold is over")
	c.checkAfterRetention(t, (closedDay + holdDays).End())
	c.checkOutput(t)
	c.plant(t)
}

// crash ends a process in the middle of its work and searches what it says then.
func (c *canarySite) crash(t *testing.T, now time.Time) {
	t.Helper()
	s := c.serveAt(t, now)
	waitFor(t, drainTime, "the first lines", func() (bool, string) {
		tally, _ := shipped(t, c.state)
		return tally.Lines > 0, "none acknowledged"
	})
	s.signal(syscall.SIGQUIT, true)
	<-s.done
	b, err := os.ReadFile(s.logPath)
	if err != nil || bytes.Count(b, []byte("goroutine ")) < 10 {
		t.Fatalf("the process left no stacks: %v, %v", s.last, err)
	}
	c.search.check(t, "the crash output", b)
}

// checkBeforeClose finds no raw field, and all that must go later: this shows that the search sees it.
func (c *canarySite) checkBeforeClose(t *testing.T) {
	t.Helper()
	c.search.checkFiles(t, c.state)
	c.withEngine(t, func(e engineAt) {
		all := tables(t, e)
		for table, what := range c.search.findIn(all) {
			t.Errorf("table %s holds %s", table, what)
		}
		if n := e.counts(t, "SELECT signal, count() FROM events GROUP BY signal")["list"]; len(n) == 0 || n[0] != 4 {
			t.Errorf("%v events of people on the opt-out list", n)
		}
		if len(coarse().findIn(all)["events"]) == 0 {
			t.Error("nothing is found of visitors who opted out before their time is over")
		}
		units, err := e.query(t.Context(), "SELECT DISTINCT unit FROM open_units ORDER BY unit LIMIT 3000")
		if err != nil || len(units) < 3000 {
			t.Fatalf("%d units: %v", len(units), err)
		}
		for _, row := range units {
			token, err := strconv.ParseUint(row[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			c.search.addToken(token)
		}
	})
	tokens := c.search.files(t, c.state)
	traces := coarse().files(t, c.state)
	for _, part := range []string{"broker", "clickhouse"} {
		if len(under(tokens, part)) == 0 {
			t.Errorf("no unit token is found in %s before the day is closed", part)
		}
		if len(under(traces, part)) == 0 {
			t.Errorf("nothing is found in %s of visitors who opted out before their time is over", part)
		}
	}
}

// checkAfterClose finds unit tokens only in the broker's topic, which is kept a little longer, and in what
// the day has folded, which is kept until its span is closed.
func (c *canarySite) checkAfterClose(t *testing.T) {
	t.Helper()
	var folded string
	c.withEngine(t, func(e engineAt) {
		for table, what := range c.search.findIn(tables(t, e)) {
			if table != "folded_units" || !slices.Equal(what, []string{"a unit token"}) {
				t.Errorf("table %s holds %s after the close", table, what)
			}
		}
		c.checkGone(t, e, "open_units", "cells")
		dirs, err := e.query(t.Context(), "SELECT arrayJoin(data_paths) FROM system.tables WHERE database = currentDatabase() AND name = 'folded_units'")
		if err != nil || len(dirs) == 0 {
			t.Fatalf("directory of folded_units: %v", err)
		}
		folded = dirs[0][0]
	})
	for path, what := range c.search.files(t, c.state) {
		if !strings.Contains(path, "/state/broker/") && !strings.HasPrefix(path, folded) || !slices.Equal(what, []string{"a unit token"}) {
			t.Errorf("%s holds %s after the close", path, what)
		}
	}
}

// checkGone requires that tables have no part, used or not, and no file with data.
func (c *canarySite) checkGone(t *testing.T, e engineAt, names ...string) {
	t.Helper()
	for _, table := range names {
		n := e.counts(t, "SELECT 'parts', count() FROM system.parts WHERE database = currentDatabase() AND table = '"+table+"'")["parts"][0]
		if n != 0 {
			t.Errorf("%s has %d parts", table, n)
		}
		dirs, err := e.query(t.Context(), "SELECT arrayJoin(data_paths) FROM system.tables WHERE database = currentDatabase() AND name = '"+table+"'")
		if err != nil || len(dirs) == 0 {
			t.Fatalf("directory of %s: %v", table, err)
		}
		for _, dir := range dirs {
			checkNoData(t, dir[0])
		}
	}
}

func checkNoData(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && (filepath.Ext(path) == ".bin" || strings.HasPrefix(d.Name(), "mutation_")) {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkCommands searches what the commands print that read the state directory or the log.
func (c *canarySite) checkCommands(t *testing.T, now time.Time) {
	t.Helper()
	release := "www/path/" + closedDay.String()
	for _, args := range [][]string{
		{"release", "list", "--dir", c.state}, {"release", "show", "--dir", c.state, release},
		{"release", "export", "--dir", c.state, release, "--format", "csv"}, {"release", "export", "--dir", c.state, release, "--format", "json"},
		{"ledger", "show", "--dir", c.state, "--json"}, {"ledger", "verify", "--dir", c.state}, {"keys", "status", "--dir", c.state},
		{"optout", "status", "--dir", c.state, "--json"},
		{"config", "check", "--config", c.config}, {"config", "print", "--config", c.config},
		{"retention", "plan", "--config", c.config, "--json"}, {"retention", "verify", "--config", c.config, "--json"},
		{"retention", "receipts", "--dir", c.state}, {"close", "--once", "--config", c.config},
	} {
		c.search.check(t, strings.Join(args, " "), []byte(output(t, []string{clockAt(now)}, args...)))
	}
	for _, command := range []string{"anonymize", "parse"} { // both refuse lines, or all, and exit with an error
		cmd := exec.Command("throng", command, "--format", "combined_signals")
		cmd.Stdin = strings.NewReader(fill(canaryLines, closedDay.Start()))
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || len(out) == 0 {
			t.Errorf("%s ended with %v and printed %d bytes", command, err, len(out))
		}
		c.search.check(t, command, out)
	}
}

// checkBackup searches a backup of the state directory: it has what was published and nothing of any visitor.
func (c *canarySite) checkBackup(t *testing.T) {
	t.Helper()
	archive := []byte(output(t, nil, "backup", "create", "--dir", c.state, "-"))
	c.search.check(t, "the backup", archive)
	if what := coarse().find(archive); len(what) > 0 {
		t.Errorf("the backup holds %s", what)
	}
	for _, part := range []string{"/section-0/page-0", `"kind":"publication"`} {
		if !bytes.Contains(archive, []byte(part)) {
			t.Errorf("the backup has no %s, so that searching it would prove nothing", part)
		}
	}
}

// checkAfterRetention sweeps and finds nothing of any visitor but what is published.
func (c *canarySite) checkAfterRetention(t *testing.T, now time.Time) {
	t.Helper()
	env := []string{clockAt(now)}
	c.search.check(t, "retention apply", []byte(output(t, env, "retention", "apply", "--config", c.config)))
	output(t, env, "retention", "verify", "--config", c.config)
	c.search.checkFiles(t, c.state)
	traces := coarse().files(t, c.state)
	for _, part := range []string{"broker", "clickhouse", "ship", "quarantine", "tmp", "keys"} {
		for _, path := range under(traces, part) {
			t.Errorf("%s holds %s", path, traces[path])
		}
	}
	topics, err := filepath.Glob(filepath.Join(c.state, "broker", "kfake", "*", "*"+throng.EventsTopic(closedDay)+"*"))
	if err != nil || len(topics) > 0 {
		t.Errorf("the day's topic is left: %q, %v", topics, err)
	}
	c.withEngine(t, func(e engineAt) {
		for table, what := range coarse().findIn(tables(t, e)) {
			t.Errorf("table %s holds %s", table, what)
		}
		c.checkGone(t, e, "events", "open_units", "cells", "folded_units", "folded_cells", "held")
		for _, table := range []string{"blocks", "marks"} { // those of a later day are younger
			if n := e.counts(t, "SELECT 'rows', count() FROM "+table+" WHERE day <= '"+closedDay.String()+"'")["rows"][0]; n != 0 {
				t.Errorf("%s has %d rows of the day", table, n)
			}
		}
	})
}

// plant shows, on the same stores and with the same search, that a canary would have been found.
func (c *canarySite) plant(t *testing.T) {
	t.Helper()
	c.withEngine(t, func(e engineAt) {
		insert := fmt.Sprintf("INSERT INTO events (time, referrer) VALUES ('%s 00:00:00', '%s')", closedDay, canaryWord)
		if _, err := e.read(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
		if len(c.search.findIn(tables(t, e))["events"]) == 0 {
			t.Error("a canary in a table is not found")
		}
	})
	writeFile(t, filepath.Join(c.state, "quarantine", "planted"), "x"+canaryWord+"x")
	if len(under(c.search.files(t, c.state), "quarantine")) != 1 {
		t.Error("a canary in a file is not found")
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Seen", canaryWord) }))
	defer srv.Close()
	if len(c.search.find(get(t, srv.URL))) == 0 {
		t.Error("a canary in a header is not found")
	}
}
