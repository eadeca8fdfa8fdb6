package main_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOptOutListOfATable takes the identifiers from a table of a ClickHouse server.
func TestOptOutListOfATable(t *testing.T) {
	requireEngine(t)
	dir := testDir(t)
	store, config := filepath.Join(dir, "server"), filepath.Join(dir, "throng.yaml")
	output(t, nil, "keys", "init", "--dir", store)
	e := engineAt(freeAddr(t))
	s := startService(t, dir, "engine", nil, "engine", "serve", "--dir", store, "--listen", string(e))
	waitFor(t, drainTime, "the engine", func() (bool, string) {
		_, err := e.query(t.Context(), "SELECT 1")
		return err == nil, fmt.Sprint(err)
	})
	for _, sql := range []string{
		"CREATE TABLE opt_outs (account Nullable(String), id UInt32) ENGINE = MergeTree ORDER BY id",
		"INSERT INTO opt_outs VALUES ('alice', 1), ('bob', 2), ('alice', 3), (NULL, 4), ('', 5)",
	} {
		if _, err := e.read(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, config, fmt.Sprintf("dir: %s/state\nsites: [{id: www}]\nstore: {addr: %q, database: default}\n", dir, e))
	add := func(args ...string) (string, error) {
		cmd := exec.Command("throng", append([]string{"optout", "add", "--config", config}, args...)...)
		cmd.Stdin = strings.NewReader("carol\n")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	listed := func(want int) {
		t.Helper()
		var status struct{ Accounts, Cookies int }
		if err := json.Unmarshal([]byte(output(t, nil, "optout", "status", "--config", config, "--json")), &status); err != nil || status.Accounts != want {
			t.Errorf("%d accounts, want %d: %v", status.Accounts, want, err)
		}
	}
	if out, err := add(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := add("--table", "default.opt_outs.account"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	listed(3)
	if out, err := add("--table", "default.opt_outs.account", "--replace"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	listed(2)
	for _, table := range []string{"opt_outs", "default.opt_outs.nobody", "default.nothing.account"} {
		out, err := add("--table", table, "--replace")
		if err == nil || strings.Contains(out, "alice") {
			t.Errorf("%s: %v, %s", table, err, out)
		}
		t.Logf("%s: %s", table, out)
	}
	listed(2)
	s.stop(t)
}
