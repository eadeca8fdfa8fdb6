package clickhouse_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"throng"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
)

func TestItemsAndDrops(t *testing.T) {
	dir := t.TempDir()
	e := openEngine(t, dir)
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	for n := range 3 {
		data, rows, _ := sample(t, uint64(n))
		err := errors.Join(s.InsertBlock(t.Context(), blockID(n), rows, data), s.RecordBlock(t.Context(), header(n, "f", time.Time{})))
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, e.RoundTripper(), "OPTIMIZE TABLE open_units FINAL") // leaves parts that are not active
	run(t, e.RoundTripper(), "ALTER TABLE events DETACH PARTITION ID '1-"+strings.ReplaceAll(day.String(), "-", "")+"'")
	if err := s.MarkPassed(t.Context(), day, 0, 1); err != nil {
		t.Fatal(err)
	}
	items := storeItems(t, s)
	classes := map[string]throng.Class{}
	for _, it := range items {
		if it.Store != clickhouse.StoreName || it.Day != day || it.Bytes == 0 {
			t.Errorf("item %+v", it)
		}
		name := it.Name
		if i := strings.Index(name, "/detached/"); i > 0 {
			name = name[:i] + "/detached"
		}
		classes[name] = it.Class
	}
	id := strings.ReplaceAll(day.String(), "-", "")
	want := map[string]throng.Class{
		"events/0-" + id: throng.ClassStandard, "events/detached": throng.ClassOptedOut,
		"open_units/" + id: throng.ClassOpenUnits, "cells/" + id: throng.ClassOpenUnits,
		"blocks/" + id: throng.ClassStandard, "marks/" + id: throng.ClassStandard,
	}
	if diff := gocmp.Diff(want, classes); diff != "" {
		t.Error(diff)
	}
	if err := s.Read(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if !strings.Contains(it.Name, "detached") && (it.Oldest.Sub(day.Start()).Abs() > 24*time.Hour || it.Newest.Before(it.Oldest)) {
			t.Errorf("%s has records from %s to %s", it.Name, it.Oldest, it.Newest)
		}
		if err := errors.Join(s.DropItem(t.Context(), it), s.DropItem(t.Context(), it)); err != nil {
			t.Errorf("drop %s twice: %v", it.Name, err)
		}
	}
	if items := storeItems(t, s); len(items) > 0 {
		t.Errorf("after all drops there are %v", items)
	}
	if left := dataFiles(t, dir); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// storeItems are the store's items but for the tables that are kept.
func storeItems(t *testing.T, s *clickhouse.Store) []throng.Item {
	t.Helper()
	items, err := s.Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(items, func(it throng.Item) bool { return it.Kind == throng.KindTable })
}

// TestInventoryAsksTheServer: what Throng did not make, or does not know, is listed all the same.
func TestInventoryAsksTheServer(t *testing.T) {
	e := openEngine(t, t.TempDir())
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	for _, sql := range []string{
		"CREATE TABLE system.query_log (event_date Date, query String) ENGINE = MergeTree PARTITION BY toYYYYMM(event_date) ORDER BY query",
		"INSERT INTO system.query_log VALUES ('2026-11-03', 'a'), ('2026-11-09', 'b')",
		"CREATE TABLE somebodys (day Date) ENGINE = MergeTree ORDER BY day",
		"INSERT INTO somebodys VALUES ('2026-11-03')",
		"ALTER TABLE somebodys DELETE WHERE day = '2026-11-04'",
	} {
		run(t, e.RoundTripper(), sql)
	}
	items := storeItems(t, s)
	if err := s.Read(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	got := map[string]throng.Item{}
	for _, it := range items {
		name, _, isMutation := strings.Cut(it.Name, "/mutation/")
		if isMutation {
			name += "/mutation"
		}
		got[name] = it
	}
	log := got["system.query_log/202611"]
	if log.Class != throng.ClassStandard || log.Rows != 2 || log.Oldest.Format(time.DateOnly) != "2026-11-03" || log.Newest.Format(time.DateOnly) != "2026-11-09" {
		t.Errorf("the server's log: %+v", log)
	}
	if it, ok := got["somebodys/all"]; !ok || it.Class != "" || it.Removal != throng.NotRemoved {
		t.Errorf("an unknown table: %+v", it)
	}
	if it, ok := got["somebodys/mutation"]; !ok || it.Class != throng.ClassStandard || it.Removal != throng.NotRemoved {
		t.Errorf("a mutation: %+v", it)
	}
	if err := s.DropItem(t.Context(), log); err != nil {
		t.Error(err)
	}
	if slices.ContainsFunc(storeItems(t, s), func(it throng.Item) bool { return it.Name == log.Name }) {
		t.Error("the server's log was not dropped")
	}
}

func dataFiles(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "data", "store"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".bin") && !strings.Contains(path, "/all_") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestDropUnitsLeavesNoToken(t *testing.T) {
	dir := t.TempDir()
	e := openEngine(t, dir)
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	event := newTraffic(1, 1).event(day.Start().Unix())
	event.Visit, event.Unit = true, 0x6e656b6f74217975 // "uy!token" in the file
	for n := range 4 {
		if err := s.InsertBlock(t.Context(), blockID(n), 1, native(t, event)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, e.RoundTripper(), "OPTIMIZE TABLE open_units FINAL")
	token := []byte("uy!token")
	if !contains(t, dir, token) {
		t.Fatal("the token is in no file before the drop, so the test would prove nothing")
	}
	if err := s.DropUnits(t.Context(), day.Period()); err != nil {
		t.Fatal(err)
	}
	if contains(t, dir, token) {
		t.Error("the token is in a file after the drop")
	}
	if c := count(t, s); c.Events != 4 || c.Units != 0 || c.Cells != 0 {
		t.Errorf("counts are %+v", c)
	}
}

func contains(t *testing.T, dir string, token []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(b, token)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestDropItems: many items of several tables go, more than a statement takes, detached ones and those that are gone
// already among them; what was not named stays.
func TestDropItems(t *testing.T) {
	dir := t.TempDir()
	e := openEngine(t, dir)
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	const days = 250
	var items []throng.Item
	for d := range throng.Day(days) {
		id := strings.ReplaceAll((day + d).String(), "-", "")
		items = append(items, throng.Item{Store: clickhouse.StoreName, Name: "marks/" + id})
	}
	for _, d := range []throng.Day{0, 100, days - 1, days} {
		if err := s.MarkPassed(t.Context(), day+d, 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	id := strings.ReplaceAll((day + 100).String(), "-", "")
	run(t, e.RoundTripper(), "ALTER TABLE marks DETACH PARTITION ID '"+id+"'")
	run(t, e.RoundTripper(), "INSERT INTO cells (day, cell) VALUES ('"+day.String()+"', 1)")
	items = append(items, throng.Item{Store: clickhouse.StoreName, Name: "cells/" + items[0].Name[len("marks/"):]})
	for _, it := range storeItems(t, s) {
		if it.Kind == throng.KindDetached {
			items = append(items, it)
		}
	}
	if len(items) != days+2 {
		t.Fatalf("%d items to drop, want %d", len(items), days+2)
	}
	for range 2 {
		if err := s.DropItems(t.Context(), items); err != nil {
			t.Fatal(err)
		}
	}
	left := storeItems(t, s)
	if len(left) != 1 || left[0].Day != day+days {
		t.Errorf("left are %v, want the one of %s", left, day+days)
	}
	if err := s.DropItems(t.Context(), []throng.Item{{Name: "releases/all"}, left[0]}); err == nil {
		t.Error("what is kept was dropped")
	}
}

func TestItemNamesAreChecked(t *testing.T) {
	s := clickhousetest.Open(t)
	for _, name := range []string{"", "events", "schema_steps/all", "events/x'; DROP TABLE events", "events/detached", "events/a/b", "../x/1",
		"releases/all", "system.parts/all", "system.query_log/x'", "system.query_log/detached/x", "events/mutation/x"} {
		if err := s.DropItem(t.Context(), throng.Item{Name: name}); err == nil {
			t.Errorf("item %q was dropped", name)
		}
	}
}

func TestMirrorRelease(t *testing.T) {
	dir := t.TempDir()
	e := openEngine(t, dir)
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	id := throng.ReleaseID{Site: "main", Table: throng.PathTable, Period: day.Period()}
	text := "{\"key\":\"/a\\tb\",\"ü\":1}\n"
	for range 2 {
		if err := s.MirrorRelease(t.Context(), id, strings.Repeat("a", 64), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := run(t, e.RoundTripper(), "SELECT release FROM releases FORMAT RawBLOB"); got != text {
		t.Errorf("release is %q", got)
	}
}
