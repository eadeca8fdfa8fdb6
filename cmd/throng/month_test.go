package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng"
	"throng/aggregate/simulation"
)

// monthOf closes a made-up month of two sites, one of them with further tables, into a state directory.
func monthOf(t *testing.T, first throng.Day) (dir string) {
	t.Helper()
	dir = t.TempDir()
	w, err := simulation.New(simulation.Options{
		Dir: dir, Sites: []string{"blog", "www"}, K: 20, Watermark: "test",
		Tables: map[string][]string{"www": {throng.ClientTable, throng.HourTable}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cells := []throng.CellKey{
		{Cell: 1, Site: "www", Table: throng.PathTable, Key: "/news/a"}, {Cell: 2, Site: "www", Table: throng.PathTable, Key: "/news/b"},
		{Cell: 3, Site: "www", Table: throng.ClientTable, Key: "firefox"}, {Cell: 4, Site: "www", Table: throng.HourTable, Key: "10"},
		{Cell: 5, Site: "blog", Table: throng.PathTable, Key: "/post"},
	}
	for day := first; day <= throng.MonthOf(first).Last(); day++ {
		var u throng.UnitRows
		visit := func(device int, cell throng.CellID) {
			u.Unit, u.Cell = append(u.Unit, throng.UnitToken(device)<<40), append(u.Cell, cell)
			u.OptedOut, u.Visits = append(u.OptedOut, device%3 == 0), append(u.Visits, 1)
		}
		for device := range 4000 {
			switch {
			case device >= 3000:
				visit(device, 5)
			case device/400 == int(day)%8:
				visit(device, 2) // under the gate on its day, above it in the span
				fallthrough
			default:
				if len(u.Unit) == 0 || u.Unit[len(u.Unit)-1] != throng.UnitToken(device)<<40 {
					visit(device, 1)
				}
				visit(device, 3)
				visit(device, 4)
			}
		}
		w.Store.Put(day, u, cells)
		if err := w.EndDay(context.Background(), day); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A month is a release like any other to whoever lists, shows, serves, publishes or checks what there is.
func TestEveryCommandKnowsMonthsOfSeveralSites(t *testing.T) {
	const first throng.Day = 20_485 // 2026-02-01
	dir := monthOf(t, first)
	month, bundle := throng.MonthOf(first).String(), filepath.Join(t.TempDir(), "bundle")
	config := filepath.Join(t.TempDir(), "throng.yaml")
	text := fmt.Sprintf("dir: %s\nsites: [{id: www, tables: [client, hour]}, {id: blog}]\n", dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ command, says string }{
		{"ledger verify --dir " + dir, "ok: "},
		{"ledger show --dir " + dir, "www/hour/" + month},
		{"ledger show --dir " + dir + " --site blog", "blog/path/" + month},
		{"release list --dir " + dir, "www/client/" + month},
		{"release show --dir " + dir + " blog/path/" + month, `"/post"`},
		{"release export --dir " + dir + " www/path/" + month, "/news/a"},
		{"verify " + dir, "ok     a month is the sum of its days and spans"},
		{"attack " + dir, "ok: no sum or difference"},
		{"publish --config " + config + " " + bundle, "files in " + bundle},
		{"verify " + bundle, "ok     the manifest is of a form that is known"},
	} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), strings.Fields(tc.command), streams{strings.NewReader(""), &out, &errs}, nil, systemClock{}); code != exitOK {
			t.Errorf("%s: exit code %d: %s%s", tc.command, code, out.String(), errs.String())
		} else if !strings.Contains(out.String(), tc.says) {
			t.Errorf("%s: no word of %q:\n%s", tc.command, tc.says, out.String())
		}
	}
}
