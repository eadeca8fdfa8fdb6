package clickhouse

import (
	"strings"
	"testing"

	"throng"
	"throng/internal/clickhouse/embedded"
)

// A store that an older program made, up to any step, is brought up to date with what is in it, and the older program
// refuses it afterwards.
func TestAnOlderSchemaIsBroughtUpToDate(t *testing.T) {
	if _, err := embedded.Find(); err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	all, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, older := range []int{len(all) - 1, 11, 1} {
		e, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), Options{Transport: e.RoundTripper(), NoBackstop: true})
		if err != nil {
			t.Fatal(err)
		}
		checkSteps(t, s, 0)
		program := schema{s.home(), all[:older], func(text string) string { return text }}
		if err := program.exec(t.Context(), "Store.Migrate.create"); err != nil {
			t.Fatal(err)
		}
		if err := program.apply(t.Context()); err != nil {
			t.Fatalf("the first %d steps: %v", older, err)
		}
		header := throng.BlockHeader{BlockID: throng.BlockID{Start: 1, End: 2, Day: 20000}, Feed: "web", Rejected: 7}
		if older > 9 {
			if err := s.RecordBlock(t.Context(), header); err != nil {
				t.Fatalf("under an older schema: %v", err)
			}
		}
		checkSteps(t, s, older)
		if err := s.CheckSchema(t.Context()); err == nil || !strings.Contains(err.Error(), "are missing") {
			t.Errorf("the check of an older schema says %v", err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatalf("from step %d: %v", older, err)
		}
		checkSteps(t, s, len(all))
		if tally, err := s.Tally(t.Context(), 20000); err != nil || older > 9 && tally.Rejected != 7 {
			t.Errorf("from step %d: what was there is %+v, %v", older, tally, err)
		}
		if _, err := program.pending(t.Context()); err == nil || !strings.Contains(err.Error(), "run that version") {
			t.Errorf("the program of %d steps says %v", older, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

func checkSteps(t *testing.T, s *Store, want int) {
	t.Helper()
	steps, err := s.Steps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, step := range steps {
		if step.Done {
			done++
		}
	}
	if done != want {
		t.Errorf("%d steps are done, want %d", done, want)
	}
}
