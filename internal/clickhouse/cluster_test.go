package clickhouse_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"throng"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/embedded"
)

const engineDir = "THRONG_TEST_SERVE_ENGINE_IN"

// serveEngine is what this binary does when a test started it: it serves an engine until it is killed.
func serveEngine(dir string) {
	e, err := embedded.Open(context.Background(), embedded.Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	panic(http.Serve(l, e.Handler()))
}

// startEngine serves an engine from a process of its own, since a process can have but one, and gives its address.
func startEngine(t *testing.T) string {
	t.Helper()
	if _, err := embedded.Find(); err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), engineDir+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		cmd.Wait() // killed
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the engine did not start: %v", err)
	}
	return strings.TrimSpace(addr)
}

// openShards opens a migrated store of two servers that share nothing.
func openShards(t *testing.T) *clickhouse.Store {
	t.Helper()
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{Shards: [][]string{{startEngine(t)}, {startEngine(t)}}, NoBackstop: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 2 {
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.CheckSchema(t.Context()), s.Ping(t.Context())); err != nil {
		t.Fatal(err)
	}
	return s
}

// What two shards hold together is what one server would: each block once, however often it comes, and a day
// is gone from both when it is dropped.
func TestShards(t *testing.T) {
	s := openShards(t)
	var want counts
	const blocks = 6
	for n := range blocks {
		data, rows, c := sample(t, uint64(n))
		want = counts{want.Events + c.Events, want.Visits + c.Visits, want.Units + c.Units, c.Cells}
		for range 2 {
			if err := s.InsertBlock(t.Context(), blockID(n), rows, data); err != nil {
				t.Fatal(err)
			}
			h := throng.BlockHeader{BlockID: blockID(n), Feed: "feed", Rows: uint32(rows), Rejected: 1, Watermark: day.Start().AddDate(0, 0, n)}
			if err := s.RecordBlock(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
	}
	if diff := gocmp.Diff(want, count(t, s)); diff != "" {
		t.Error(diff)
	}
	tally, err := s.Tally(t.Context(), day)
	if diff := gocmp.Diff(throng.Tally{Events: want.Events, Rejected: blocks}, tally); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	feeds, err := s.Feeds(t.Context(), day)
	if newest := day.Start().AddDate(0, 0, blocks-1); err != nil || !feeds["feed"].Equal(newest) {
		t.Errorf("%v, %v, want the newest watermark of both shards, %v", feeds, err, newest)
	}
	days, err := s.OpenDays(t.Context())
	if diff := gocmp.Diff([]throng.Day{day}, days); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	deleteDay(t, s, want.Events)
}

// deleteDay drops all that the store lists of the day, as retention does.
func deleteDay(t *testing.T, s *clickhouse.Store, events uint64) {
	t.Helper()
	items, err := s.Items(t.Context())
	if err == nil {
		err = s.Read(t.Context(), items)
	}
	if err != nil {
		t.Fatal(err)
	}
	var listed uint64
	names := map[string]bool{}
	for _, it := range items {
		if names[string(it.Kind)+it.Name] {
			t.Errorf("%s is listed twice", it.Name)
		}
		names[string(it.Kind)+it.Name] = true
		if strings.HasPrefix(it.Name, "events/") {
			listed += it.Rows
		}
		if it.Removal == throng.DropPartition {
			if it.Oldest.IsZero() && it.Rows > 0 {
				t.Errorf("the oldest row of %s was not read", it.Name)
			}
			if err := s.DropItem(t.Context(), it); err != nil {
				t.Fatal(err)
			}
		}
	}
	if listed != events {
		t.Errorf("%d events are listed, want %d", listed, events)
	}
	if diff := gocmp.Diff(counts{}, count(t, s)); diff != "" {
		t.Errorf("left: %s", diff)
	}
}

func TestServersThatAreRefused(t *testing.T) {
	for name, o := range map[string]clickhouse.Options{
		"no server":                           {},
		"an address beside shards":            {Addr: []string{"a:1"}, Shards: [][]string{{"a:1"}}},
		"a cluster without shards":            {Addr: []string{"a:1"}, Cluster: "c"},
		"a shard without servers":             {Shards: [][]string{{"a:1"}, {}}},
		"replicas that nothing would replica": {Shards: [][]string{{"a:1", "b:1"}}},
	} {
		if s, err := clickhouse.Open(t.Context(), o); err == nil {
			s.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

var settingName = regexp.MustCompile(`(?m)^    ([a-z_]+) = |(?:SETTINGS|, )\s*([a-z_]+) = `)

// The engine reads each statement of a cluster's schema, and knows each setting of its tables.
func TestEngineReadsTheSchemaOfACluster(t *testing.T) {
	rt := openEngine(t, t.TempDir()).RoundTripper()
	known := map[string]bool{"materialize_ttl_after_modify": true} // of a statement, not of a table
	for name := range strings.FieldsSeq(run(t, rt, "SELECT name FROM system.merge_tree_settings")) {
		known[name] = true
	}
	settings := 0
	for _, statement := range append(clickhouse.ClusterSchema(), "SYSTEM SYNC REPLICA throng.open_units") {
		run(t, rt, "EXPLAIN AST "+statement) // fails the test when it cannot be read
		for _, m := range settingName.FindAllStringSubmatch(statement, -1) {
			settings++
			if name := m[1] + m[2]; !known[name] {
				t.Errorf("the engine knows no setting %s", name)
			}
		}
	}
	if settings < 50 {
		t.Errorf("only %d settings were found", settings)
	}
}
