package main_test

import (
	"strings"
	"testing"
	"time"
)

// holdDays is the number of days from closedDay to the last one of the canary's hold.
const holdDays = 15

// hold orders a hold on requests of which the raw ones had the canary in every field.
func (c *canarySite) hold(t *testing.T, now time.Time) {
	t.Helper()
	noon := closedDay.Start().Add(12 * time.Hour)
	match := strings.Join([]string{
		"site=www", "from=" + noon.Add(-time.Minute).Format(time.RFC3339), "to=" + noon.Add(time.Hour).Format(time.RFC3339), "path=/" + quietCorner + "/*other*",
	}, " ")
	env := []string{clockAt(now)}
	for _, args := range [][]string{
		{"hold", "create", "--config", c.config, "--reason", "security", "--ticket", "SEC-1", "--until", (closedDay + holdDays - 1).String(), "--match", match},
		{"hold", "extend", "1", "--config", c.config, "--reason", "security", "--ticket", "SEC-2", "--until", (closedDay + holdDays).String()},
		{"hold", "list", "--dir", c.state}, {"hold", "list", "--dir", c.state, "--json"}, {"hold", "list", "--dir", c.state, "--summary"},
	} {
		out := []byte(output(t, env, args...))
		c.search.check(t, strings.Join(args[:2], " "), out)
		if what := coarse().find(out); len(what) > 0 {
			t.Errorf("%s tells %s", strings.Join(args[:2], " "), what)
		}
	}
	shown := []byte(output(t, env, "hold", "show", "1", "--config", c.config))
	c.search.check(t, "hold show", shown)
	if len(coarse().find(shown)) == 0 {
		t.Error("nothing is held of those who opted out, so the test would prove nothing")
	}
}

// checkHeld sweeps and finds what is coarsely kept of visitors in the held table and its files, and nowhere else in
// the database.
func (c *canarySite) checkHeld(t *testing.T, now time.Time) {
	t.Helper()
	env := []string{clockAt(now)}
	output(t, env, "retention", "apply", "--config", c.config)
	output(t, env, "retention", "verify", "--config", c.config)
	c.search.checkFiles(t, c.state)
	var held string
	c.withEngine(t, func(e engineAt) {
		found := coarse().findIn(tables(t, e))
		if len(found["held"]) == 0 {
			t.Error("the held table has nothing")
		}
		delete(found, "held")
		if len(found) > 0 {
			t.Errorf("tables hold %v", found)
		}
		dirs, err := e.query(t.Context(), "SELECT arrayJoin(data_paths) FROM system.tables WHERE database = currentDatabase() AND name = 'held'")
		if err != nil || len(dirs) != 1 {
			t.Fatalf("directory of held: %v, %v", dirs, err)
		}
		held = dirs[0][0]
	})
	for path, what := range coarse().files(t, c.state) {
		if strings.Contains(path, "/state/clickhouse/") && !strings.HasPrefix(path, held) {
			t.Errorf("%s holds %s", path, what)
		}
	}
	if what := coarse().files(t, c.state); len(what) > 0 {
		for _, part := range []string{"holds", "receipts"} {
			if found, ok := what[c.state+"/"+part]; ok {
				t.Errorf("%s holds %s", part, found)
			}
		}
	}
}
