package clickhouse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throng"
	"throng/ingest/block"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
)

// counts are what the store says of the day.
type counts struct {
	Events, Visits uint64
	Units          uint64 // visits summed over open units
	Cells          int
}

func count(t *testing.T, s *clickhouse.Store) (c counts) {
	t.Helper()
	var err error
	if c.Events, c.Visits, err = s.CountEvents(t.Context(), "main", day); err != nil {
		t.Fatal(err)
	}
	for _, r := range units(t, s, 0, ^throng.UnitToken(0)) {
		c.Units += uint64(r.visits)
	}
	cells, err := s.Cells(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	c.Cells = len(cells)
	return c
}

type unitRow struct {
	unit     throng.UnitToken
	cell     throng.CellID
	optedOut bool
	visits   uint32
}

func units(t *testing.T, s *clickhouse.Store, lo, hi throng.UnitToken) (all []unitRow) {
	t.Helper()
	err := s.Units(t.Context(), day, lo, hi, func(r throng.UnitRows) error {
		for i := range r.Unit {
			all = append(all, unitRow{r.Unit[i], r.Cell[i], r.OptedOut[i], r.Visits[i]})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sample is a block of a few hundred events and what it must come to.
func sample(t testing.TB, seed uint64) (bytes []byte, rows int, want counts) {
	tr := newTraffic(50, 100)
	events := make([]throng.Event, 400)
	cells := map[throng.CellID]bool{}
	for i := range events {
		events[i] = tr.event(day.Start().Unix() + int64(i)*200)
		events[i].Unit += throng.UnitToken(seed)
		if events[i].Visit {
			want.Visits++
			want.Units++
			cells[events[i].Cell] = true
		}
	}
	want.Events, want.Cells = uint64(len(events)), len(cells)
	return native(t, events...), len(events), want
}

func TestBlockReachesEveryTable(t *testing.T) {
	s := clickhousetest.Open(t)
	data, rows, want := sample(t, 0)
	if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, count(t, s)); diff != "" {
		t.Error(diff)
	}
	cells, err := s.Cells(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if c.Site != "main" || c.Table != throng.PathTable || !strings.HasPrefix(c.Key, "/section-") {
			t.Errorf("cell %+v", c)
		}
	}
	if !slices.IsSortedFunc(cells, func(a, b throng.CellKey) int { return cmpUint(uint64(a.Cell), uint64(b.Cell)) }) {
		t.Error("cells are not in order")
	}
}

func cmpUint(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestColumnsMatchTheBlock(t *testing.T) {
	s := clickhousetest.Open(t)
	e := newTraffic(1, 1).event(day.Start().Unix())
	if err := s.InsertBlock(t.Context(), blockID(0), 1, native(t, e)); err != nil {
		t.Fatalf("the columns of events_in are not those of a block (%v): %v", block.Columns(), err)
	}
}

// A block is counted once, however its inserts end: the table says what happens to them before the
// block is sent again as it was.
func TestBlockIsCountedOnce(t *testing.T) {
	data, rows, want := sample(t, 0)
	insert := func(t *testing.T, s *clickhouse.Store) {
		t.Helper()
		if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
			t.Fatal(err)
		}
	}
	faults := map[string]func(t *testing.T, dir string){
		"acknowledged": func(t *testing.T, dir string) {
			s, done := clickhousetest.OpenDir(t, dir)
			defer done()
			insert(t, s)
			insert(t, s)
		},
		"twice at once": func(t *testing.T, dir string) {
			s, done := clickhousetest.OpenDir(t, dir)
			defer done()
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() { insert(t, s) })
			}
			wg.Wait()
		},
		"answer lost": func(t *testing.T, dir string) {
			e := openEngine(t, dir)
			defer e.Close()
			s := openStore(t, dropAnswers{e.RoundTripper()})
			if err := s.InsertBlock(t.Context(), blockID(0), rows, data); !throng.IsRetryable(err) {
				t.Errorf("error is %v", err)
			}
		},
		"one table refuses": func(t *testing.T, dir string) {
			e := openEngine(t, dir)
			defer e.Close()
			s := openStore(t, e.RoundTripper())
			run(t, e.RoundTripper(), "ALTER TABLE cells ADD CONSTRAINT broken CHECK throwIf(cell > 0) = 0")
			if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err == nil {
				t.Error("the insert succeeded")
			}
			run(t, e.RoundTripper(), "ALTER TABLE cells DROP CONSTRAINT broken")
		},
		"merged since": func(t *testing.T, dir string) {
			e := openEngine(t, dir)
			defer e.Close()
			s := openStore(t, e.RoundTripper())
			insert(t, s)
			other, n, _ := sample(t, 1)
			if err := s.InsertBlock(t.Context(), blockID(1), n, other); err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"events", "open_units", "cells"} {
				run(t, e.RoundTripper(), "OPTIMIZE TABLE "+table+" FINAL")
			}
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fault(t, dir)
			want := want
			if name == "merged since" {
				want.Events, want.Visits, want.Units = 2*want.Events, 2*want.Visits, 2*want.Units
			}
			s, _ := clickhousetest.OpenDir(t, dir)
			insert(t, s)
			if diff := cmp.Diff(want, count(t, s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// dropAnswers lets inserts of blocks through and loses the answer.
type dropAnswers struct{ http.RoundTripper }

func (d dropAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := d.RoundTripper.RoundTrip(r)
	if err == nil && strings.Contains(r.URL.Query().Get("query"), "events_in") {
		res.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return res, err
}

func TestBlockIsRefused(t *testing.T) {
	s := clickhousetest.Open(t)
	data, rows, _ := sample(t, 0)
	tests := map[string]struct {
		data []byte
		rows int
	}{
		"nothing":         {nil, 1},
		"no rows":         {data, 0},
		"other row count": {data, rows + 1},
		"cut short":       {data[:len(data)/2], rows},
		"cut by a byte":   {data[:len(data)-1], rows},
		"not Native":      {[]byte("SELECT 1"), 1},
		"without columns": {[]byte{0, 1}, 1},
		"one column":      {[]byte("\x01\x01\x04time\x05UInt8\x01"), 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := s.InsertBlock(t.Context(), blockID(9), tt.rows, tt.data)
			if err == nil {
				t.Fatal("it was inserted")
			}
			if diff := cmp.Diff(counts{}, count(t, s)); diff != "" {
				t.Errorf("after %v: %s", err, diff)
			}
		})
	}
}

func TestUnitsComeInOrder(t *testing.T) {
	s := clickhousetest.Open(t)
	var want []unitRow
	for n := range 5 { // parts that are merged while they are read
		data, rows, _ := sample(t, uint64(n%3))
		if err := s.InsertBlock(t.Context(), blockID(n), rows, data); err != nil {
			t.Fatal(err)
		}
	}
	all := units(t, s, 0, ^throng.UnitToken(0))
	if !slices.IsSortedFunc(all, func(a, b unitRow) int {
		if a.unit != b.unit {
			return cmpUint(uint64(a.unit), uint64(b.unit))
		}
		return cmpUint(uint64(a.cell), uint64(b.cell))
	}) {
		t.Error("rows are not ordered by unit and cell")
	}
	middle := all[len(all)/2].unit
	want = append(units(t, s, 0, middle), units(t, s, middle+1, ^throng.UnitToken(0))...)
	if diff := cmp.Diff(len(all), len(want)); diff != "" || !slices.Equal(all, want) {
		t.Errorf("two ranges do not give what one gives: %s", diff)
	}
	stop := errors.New("enough")
	if err := s.Units(t.Context(), day, 0, ^throng.UnitToken(0), func(throng.UnitRows) error { return stop }); err != stop {
		t.Errorf("error is %v", err)
	}
	if err := s.Units(t.Context(), day+1, 0, ^throng.UnitToken(0), func(throng.UnitRows) error { return stop }); err != nil {
		t.Errorf("a day without units gives %v", err)
	}
}

func header(n int, feed string, watermark time.Time) throng.BlockHeader {
	return throng.BlockHeader{BlockID: blockID(n), Feed: feed, Watermark: watermark, Rows: 10, Rejected: 2, Late: 1}
}

func TestProgress(t *testing.T) {
	s := clickhousetest.Open(t)
	noon := day.Start().Add(12*time.Hour + 300*time.Millisecond)
	headers := []throng.BlockHeader{
		header(0, "nginx@web1", noon), header(1, "nginx@web1", noon.Add(-time.Hour)), header(2, "nginx@web2", time.Time{}),
		header(0, "nginx@web1", noon), // again
	}
	for _, h := range headers {
		if err := s.RecordBlock(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range [][2]int64{{0, 40}, {1, 7}, {0, 55}, {1, 7}} {
		if err := s.MarkPassed(t.Context(), day, int(m[0]), m[1]); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, want, got any, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", what, err, diff)
		}
	}
	tally, err := s.Tally(t.Context(), day)
	check("tally", throng.Tally{Events: 30, Rejected: 6, Late: 3}, tally, err)
	tally, err = s.Tally(t.Context(), day+1)
	check("tally of no day", throng.Tally{}, tally, err)
	feeds, err := s.Feeds(t.Context(), day)
	check("feeds", map[string]time.Time{"nginx@web1": noon.Truncate(time.Second), "nginx@web2": {}}, feeds, err)
	feeds, err = s.Feeds(t.Context(), day+1)
	check("feeds since", map[string]time.Time{}, feeds, err)
	marks, err := s.Marks(t.Context(), day)
	check("marks", map[int]int64{0: 40, 1: 7}, marks, err)
	days, err := s.OpenDays(t.Context())
	check("open days", []throng.Day{day}, days, err)
}

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
	items, err := s.Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
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
	if diff := cmp.Diff(want, classes); diff != "" {
		t.Error(diff)
	}
	for _, it := range items {
		oldest, err := s.Oldest(t.Context(), it)
		if err != nil || !strings.Contains(it.Name, "detached") && oldest.Sub(day.Start()).Abs() > 24*time.Hour {
			t.Errorf("oldest of %s is %s, %v", it.Name, oldest, err)
		}
		if err := errors.Join(s.DropItem(t.Context(), it), s.DropItem(t.Context(), it)); err != nil {
			t.Errorf("drop %s twice: %v", it.Name, err)
		}
	}
	if items, err = s.Items(t.Context()); err != nil || len(items) > 0 {
		t.Errorf("after all drops there are %v, %v", items, err)
	}
	if left := dataFiles(t, dir); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// dataFiles are the files of columns under a directory, those of schema_steps apart.
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
	if err := s.DropUnits(t.Context(), day); err != nil {
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

func TestItemNamesAreChecked(t *testing.T) {
	s := clickhousetest.Open(t)
	for _, name := range []string{"", "events", "schema_steps/all", "events/x'; DROP TABLE events", "events/detached", "events/a/b", "../x/1"} {
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

func TestErrorsCarryTheCode(t *testing.T) {
	e := openEngine(t, t.TempDir())
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	run(t, e.RoundTripper(), "DROP TABLE to_cells")
	run(t, e.RoundTripper(), "DROP TABLE events SYNC")
	data, rows, _ := sample(t, 0)
	err := s.InsertBlock(t.Context(), blockID(0), rows, data)
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) || ex.Code != 60 || throng.IsRetryable(err) {
		t.Fatalf("error is %v", err)
	}
	if strings.Contains(err.Error(), "DB::Exception") || !strings.Contains(err.Error(), "UNKNOWN_TABLE") {
		t.Errorf("error reads %v", err)
	}
}

func TestRetryableCodes(t *testing.T) {
	for code, want := range map[int]bool{241: true, 243: true, 252: true, 202: true, 47: false, 60: false, 27: false, 516: false} {
		answer := roundTripper(func(r *http.Request) (*http.Response, error) {
			text := fmt.Sprintf("Code: %d. DB::Exception: it is what it is. (SOME_NAME)", code)
			return &http.Response{StatusCode: 500, Body: io.NopCloser(strings.NewReader(text)), Header: http.Header{}, Request: r}, nil
		})
		s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: answer})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil || throng.IsRetryable(err) != want {
			t.Errorf("code %d: %v is retryable %t", code, err, throng.IsRetryable(err))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestServerThatIsAway(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	addr := strings.TrimPrefix(srv.URL, "http://")
	srv.Close()
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{Addr: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); !throng.IsRetryable(err) {
		t.Errorf("error is %v", err)
	}
}

// The same code over a socket, with a password that the file ends with a new line.
func TestStoreOverASocket(t *testing.T) {
	e := openEngine(t, t.TempDir())
	defer e.Close()
	var user, password string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		e.Handler().ServeHTTP(w, r)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{
		Addr: []string{strings.TrimPrefix(srv.URL, "http://")}, User: "loader", PasswordFile: file, NoBackstop: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := errors.Join(s.Ping(t.Context()), s.Migrate(t.Context())); err != nil {
		t.Fatal(err)
	}
	data, rows, want := sample(t, 0)
	if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, count(t, s)); diff != "" {
		t.Error(diff)
	}
	if user != "loader" || password != "s3cret" {
		t.Errorf("user %q, password %q", user, password)
	}
}

func TestBackstopGoesByTheServersClock(t *testing.T) {
	e := openEngine(t, t.TempDir())
	for _, off := range []bool{true, false, false, true} {
		s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: e.RoundTripper(), NoBackstop: off})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := run(t, e.RoundTripper(), "SELECT count() FROM system.tables WHERE create_table_query LIKE '%TTL time + toIntervalDay(11)%'")
		if want := map[bool]string{true: "0", false: "1"}[off]; strings.TrimSpace(got) != want {
			t.Errorf("NoBackstop %t: %s tables have the TTL", off, got)
		}
	}
}

func TestOptionsExclude(t *testing.T) {
	for name, o := range map[string]clickhouse.Options{
		"nothing":         {},
		"both":            {Transport: http.DefaultTransport, Addr: []string{"a:1"}},
		"user and engine": {Transport: http.DefaultTransport, User: "u"},
		"no such file":    {Addr: []string{"a:1"}, PasswordFile: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := clickhouse.Open(context.Background(), o); err == nil {
			t.Errorf("%s: it opened", name)
		}
	}
}

func TestCancelledInsert(t *testing.T) {
	s := clickhousetest.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	data, rows, _ := sample(t, 0)
	err := s.InsertBlock(ctx, blockID(0), rows, data)
	if !errors.Is(err, context.Canceled) || throng.IsRetryable(err) {
		t.Errorf("error is %v", err)
	}
	if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
		t.Error(fmt.Errorf("the next insert: %w", err))
	}
}
