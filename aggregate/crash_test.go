package aggregate_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng"
	"throng/aggregate"
	"throng/aggregate/dp"
	"throng/aggregate/ledger"
)

// stopping is the real mechanism of a process that dies at its nth draw.
type stopping struct {
	aggregate.Draws
	left int
}

func (s *stopping) Gate(kind throng.Draw, n int64) (throng.Measure, error) {
	if s.left--; s.left < 0 {
		return throng.Measure{}, errStore
	}
	return s.Draws.Gate(kind, n)
}

func (s *stopping) Visits(kind throng.Draw, n int64) (throng.Estimate, error) {
	if s.left--; s.left < 0 {
		return throng.Estimate{}, errStore
	}
	return s.Draws.Visits(kind, n)
}

func (h *house) dieAtDraw(n int) {
	h.SetMechanism(func(id throng.ReleaseID, p throng.Parameters) (aggregate.Draws, error) {
		m, err := dp.New(id.Period.Kind(), id.Table, p)
		return &stopping{m, n}, err
	})
}

func (h *house) releaseDir() string { return filepath.Join(h.dir, "releases", "www", throng.PathTable) }

func (h *house) staged() []byte {
	files, err := filepath.Glob(filepath.Join(h.dir, "ledger", "reservations", "www*.staged"))
	if err != nil || len(files) == 0 {
		return nil
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ranges is in how many ranges two workers read a small day.
const ranges = 8

// crashes stop the first close at one step after the other. seen tells whether a release may have
// been seen, so that its bytes must stay; otherwise it was staged at most.
var crashes = []struct {
	name string
	// arm makes the close fail; disarm takes the cause away, as the restart finds things.
	arm, disarm func(t *testing.T, h *house)
	staged      bool
}{
	{"before the reservation", failing("Cells", 0), healing("Cells"), false},
	{"at the tally", failing("Tally", 0), healing("Tally"), false},
	{"after the reservation, before the first pass", failing("Units", 0), healing("Units"), false},
	{"in the first pass", failing("Units", 3), healing("Units"), false},
	{"in the second pass", failing("Units", ranges+3), healing("Units"), false},
	{"in the last pass", failing("Units", 6*ranges+3), healing("Units"), false},
	{"at the first draw", dying(0), nothing, false},
	{"between gates", dying(2), nothing, false},
	{"at a visit", dying(7), nothing, false},
	{"staged, not folded", failing("Fold", 0), healing("Fold"), true},
	{"half folded", failing("put", 0), healing("put"), true},
	{"staged, read again to be folded", failing("Units", 7*ranges+3), healing("Units"), true},
	{"staged, not linked", blockLink, unblockLink, true},
	{"linked, not mirrored", failing("MirrorRelease", 0), healing("MirrorRelease"), true},
	{"mirrored, units kept", failing("DropUnits", 0), healing("DropUnits"), true},
}

func failing(call string, after int) func(*testing.T, *house) {
	return func(_ *testing.T, h *house) { h.store.fail[call] = after }
}

func healing(call string) func(*testing.T, *house) {
	return func(_ *testing.T, h *house) { delete(h.store.fail, call) }
}

func dying(draw int) func(*testing.T, *house) {
	return func(_ *testing.T, h *house) { h.dieAtDraw(draw) }
}

func nothing(*testing.T, *house) {}

// blockLink lets the directory of releases lead nowhere.
func blockLink(t *testing.T, h *house) {
	must(t, os.MkdirAll(filepath.Dir(h.releaseDir()), 0o700))
	must(t, os.Symlink(filepath.Join(h.dir, "nowhere"), h.releaseDir()))
}

func unblockLink(t *testing.T, h *house) { must(t, os.Remove(h.releaseDir())) }

func crowded(t *testing.T) *house {
	h := newHouse(t)
	h.options.Memory = 1 // so that each pass reads the store
	h.open()
	h.crowd("www", 0, 8000, "/news/today", "/about")
	h.crowd("www", 0, 4000, "/shop/a")
	h.crowd("www", 4000, 8000, "/shop/b")
	h.store.sort()
	return h
}

func TestACrashAtAnyStepDrawsNothingTwice(t *testing.T) {
	for _, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			h := crowded(t)
			c.arm(t, h)
			if _, err := h.CloseDay(context.Background(), today); err == nil {
				t.Fatal("the close did not fail")
			}
			before := h.staged()
			if before == nil {
				if b, err := os.ReadFile(filepath.Join(h.releaseDir(), today.String()+".json")); err == nil {
					before = b
				}
			}
			if c.staged != (before != nil) {
				t.Fatalf("staged %v, want %v", before != nil, c.staged)
			}
			key := h.samplingKey()

			c.disarm(t, h)
			h.open()
			if again := h.samplingKey(); key != nil && again != nil && !bytes.Equal(key, again) {
				t.Error("the restart has another sampling key")
			}
			if _, err := h.CloseDay(context.Background(), today); err != nil {
				t.Fatal(err)
			}
			h.expectOneRelease(before)
		})
	}
}

func (h *house) samplingKey() []byte {
	files, _ := filepath.Glob(filepath.Join(h.dir, "ledger", "reservations", "*.key"))
	if len(files) == 0 {
		return nil
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

// expectOneRelease checks what a close leaves, however often it was begun; before is what had been
// drawn and could not be drawn again, if anything.
func (h *house) expectOneRelease(before []byte) {
	h.t.Helper()
	after := h.file("www")
	if before != nil && !bytes.Equal(before, after) {
		h.t.Error("what had been staged is not what was published")
	}
	if got := keys(h.release("www")); strings.Join(got, " ") != "/about /news/today /shop/*other*" {
		h.t.Errorf("rows %v", got)
	}
	var kinds []string
	for _, e := range h.ledger.Entries() {
		kinds = append(kinds, string(e.Kind))
	}
	if strings.Join(kinds, " ") != "genesis reservation publication" {
		h.t.Errorf("ledger: %v", kinds)
	}
	a, _ := h.ledger.Reservation(throng.ReleaseID{Site: "www", Table: throng.PathTable, Period: today.Period()})
	if h.store.mirror[a.Release] != a.SHA256+string(after) {
		h.t.Error("the mirror differs from the file")
	}
	if left, _ := os.ReadDir(filepath.Join(h.dir, "ledger", "reservations")); len(left) != 0 {
		h.t.Errorf("%d files of the reservation are left", len(left))
	}
	if left, _ := os.ReadDir(h.releaseDir()); len(left) != 1 {
		h.t.Errorf("%d files beside the release", len(left)-1)
	}
	if len(h.store.rows) != 0 {
		h.t.Error("unit tokens are left")
	}
}

// A crash between the link and the publication leaves the ledger of the one and the file of the other.
func TestACrashBetweenLinkAndPublication(t *testing.T) {
	h := crowded(t)
	blockLink(t, h)
	if _, err := h.CloseDay(context.Background(), today); err == nil {
		t.Fatal("the close did not fail")
	}
	unblockLink(t, h)
	before := h.staged()
	must(t, os.MkdirAll(h.releaseDir(), 0o700))
	must(t, os.WriteFile(filepath.Join(h.releaseDir(), today.String()+".json"), before, 0o600))
	h.open()
	if _, err := h.CloseDay(context.Background(), today); err != nil {
		t.Fatal(err)
	}
	h.expectOneRelease(before)
}

func TestStopsWhenReleasesAndLedgerDisagree(t *testing.T) {
	file := func(h *house) string { return filepath.Join(h.releaseDir(), today.String()+".json") }
	for name, tc := range map[string]struct {
		damage func(t *testing.T, h *house)
		say    string
	}{
		"the ledger was started anew": {func(t *testing.T, h *house) {
			h.ledger.Close()
			must(t, os.RemoveAll(filepath.Join(h.dir, "ledger")))
			l, err := ledger.Create(filepath.Join(h.dir, "ledger"))
			must(t, err)
			l.Close()
		}, "does not know it"},
		"the ledger is gone": {func(t *testing.T, h *house) {
			must(t, os.RemoveAll(filepath.Join(h.dir, "ledger")))
		}, "restore"},
		"a release was changed": {func(t *testing.T, h *house) {
			b, err := os.ReadFile(file(h))
			must(t, err)
			must(t, os.WriteFile(file(h), append(b, '\n'), 0o600))
		}, "not the one in the ledger"},
		"a stranger lies between the releases": {func(t *testing.T, h *house) {
			must(t, os.WriteFile(filepath.Join(h.releaseDir(), "notes.json"), nil, 0o600))
		}, "no release"},
	} {
		t.Run(name, func(t *testing.T) {
			h := crowded(t)
			h.close()
			tc.damage(t, h)
			if err := h.tryOpen(); err == nil || !strings.Contains(err.Error(), tc.say) {
				t.Errorf("%v: no word of %q", err, tc.say)
			}
		})
	}
}

func TestAReleaseThatIsGoneIsNotDrawnAgain(t *testing.T) {
	h := crowded(t)
	h.close()
	must(t, os.Remove(filepath.Join(h.releaseDir(), today.String()+".json")))
	h.open()
	h.crowd("www", 0, 8000, "/news/today")
	if _, err := h.CloseDay(context.Background(), today); err == nil || !strings.Contains(err.Error(), "restore") {
		t.Errorf("close: %v", err)
	}
	if n := h.store.calls["DropUnits"]; n != 1 {
		t.Errorf("units dropped %d times", n)
	}
}
