// Package clickhousetest opens stores on the embedded engine for tests of other packages.
//
// The stores have no TTL: their days are the test's, not the machine's. One engine can be open in a process, so tests that use a store do not run in parallel.
package clickhousetest

import (
	"testing"

	"throng/internal/clickhouse"
	"throng/internal/clickhouse/embedded"
)

// Open gives a migrated, empty store in a temporary directory; it ends with the test. Where the engine
// is not installed, the test is skipped and says so.
func Open(t testing.TB) *clickhouse.Store {
	t.Helper()
	s, _ := OpenDir(t, t.TempDir())
	return s
}

// OpenDir is Open in a given directory. The function that it returns closes the store and the engine
// before the test ends, so that the directory can be opened again or looked at.
func OpenDir(t testing.TB, dir string) (s *clickhouse.Store, closeAll func()) {
	t.Helper()
	library, err := embedded.Find()
	if err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	engine, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, Library: library})
	if err != nil {
		t.Fatal(err)
	}
	s, err = clickhouse.Open(t.Context(), clickhouse.Options{Transport: engine.RoundTripper(), NoBackstop: true})
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	closeAll = func() {
		if closed {
			return
		}
		closed = true
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(closeAll)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, closeAll
}
