package clickhouse_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"throng/internal/clickhouse"
	"throng/internal/clickhouse/embedded"
)

func openEngine(t *testing.T, dir string) *embedded.Engine {
	t.Helper()
	if _, err := embedded.Find(); err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	e, err := embedded.Open(t.Context(), embedded.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// openStore opens a migrated store.
func openStore(t *testing.T, rt http.RoundTripper) *clickhouse.Store {
	t.Helper()
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: rt, NoBackstop: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// run sends a statement past the store.
func run(t *testing.T, rt http.RoundTripper, statement string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine/?"+url.Values{"query": {statement}}.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", statement, b, err)
	}
	return string(b)
}

func TestMigrateAgain(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		e := openEngine(t, dir)
		s := openStore(t, e.RoundTripper())
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMigrateAtOnce(t *testing.T) {
	e := openEngine(t, t.TempDir())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: e.RoundTripper(), NoBackstop: true})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Migrate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := strings.TrimSpace(run(t, e.RoundTripper(), "SELECT count() = max(version), min(version) FROM schema_steps")); got != "1\t1" {
		t.Errorf("steps: %q", got)
	}
}

// A migration that was killed is finished by the next start, and a lock that it left is taken over.
func TestMigrateAfterAKill(t *testing.T) {
	e := openEngine(t, t.TempDir())
	openStore(t, e.RoundTripper())
	for _, statement := range []string{
		"DROP TABLE to_cells", "DROP TABLE marks SYNC", "DROP TABLE schema_steps SYNC", "CREATE TABLE schema_lock (held UInt8) ENGINE = Null",
	} {
		run(t, e.RoundTripper(), statement)
	}
	s := openStore(t, e.RoundTripper())
	if err := s.MarkPassed(t.Context(), day, 0, 1); err != nil {
		t.Error(err)
	}
}

func TestMigrateRefuses(t *testing.T) {
	tests := map[string]string{
		"a newer database":       "INSERT INTO schema_steps VALUES (9999, 'later', '" + strings.Repeat("0", 64) + "')",
		"steps it does not know": "ALTER TABLE schema_steps UPDATE sha256 = '" + strings.Repeat("0", 64) + "' WHERE version = 1 SETTINGS mutations_sync = 1",
	}
	for name, statement := range tests {
		t.Run(name, func(t *testing.T) {
			e := openEngine(t, t.TempDir())
			defer e.Close()
			s := openStore(t, e.RoundTripper())
			if err := s.CheckSchema(t.Context()); err != nil {
				t.Errorf("before: %v", err)
			}
			run(t, e.RoundTripper(), statement)
			if err := s.Migrate(t.Context()); err == nil {
				t.Error("it was accepted")
			}
			if err := s.CheckSchema(t.Context()); err == nil {
				t.Error("the check found nothing")
			}
		})
	}
}
