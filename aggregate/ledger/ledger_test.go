package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/aggregate/ledger"
	"throng/internal/durable"
)

const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func release(site string, day throng.Day) throng.ReleaseID {
	return throng.ReleaseID{Site: site, Table: throng.PathTable, Period: day.Period()}
}

func parameters() throng.Parameters {
	return throng.Parameters{
		K: 5000, Tables: []string{throng.PathTable}, Epsilon: 1, Delta: 1e-9, NoiseDelta: 5e-10, ThresholdDelta: 5e-10,
		GateDelta: 5e-10 / 61, L0: 10, Linf: 3, PerNetwork: 64, Draws: []throng.DrawParameters{
			{Draw: throng.DrawDevices, Weight: .5, L0: 10, Linf: 1, Draws: 4, PassedL0: 80, Sigma: 50.20411682128906, Gate: 5369},
			{Draw: throng.DrawVisits, Weight: .27, L0: 10, Linf: 3, Draws: 1, PassedL0: 38, Sigma: 103.80207824707031},
			{Draw: throng.DrawOptedOutGates, Weight: .12, L0: 10, Linf: 1, Draws: 2, PassedL0: 167, Sigma: 72.53623962402344, Gate: 5541},
			{Draw: throng.DrawOptedOutVisits, Weight: .1, L0: 10, Linf: 3, Draws: 1, PassedL0: 100, Sigma: 168.39044189453125},
			{Draw: throng.DrawClipped, Weight: .01, L0: 1, Linf: 1, Draws: 1, PassedL0: 100, Sigma: 56.13014729817708, Gate: 5415},
		},
	}
}

// shared are the parameters of the path table beside one of hours.
func shared() (path, hour throng.Parameters) {
	path = parameters()
	path.Tables = []string{"hour", throng.PathTable}
	path.GateDelta = 5e-10 / 73
	hour = path
	path.Draws = slices.Clone(path.Draws)
	for i := range path.Draws {
		path.Draws[i].Weight *= .92
	}
	hour.Draws = []throng.DrawParameters{
		{Draw: throng.DrawDevices, Weight: .05, L0: 6, Linf: 1, Draws: 2, PassedL0: 240, Sigma: 87, Gate: 5650},
		{Draw: throng.DrawVisits, Weight: .03, L0: 6, Linf: 3, Draws: 1, PassedL0: 200, Sigma: 238},
	}
	return path, hour
}

func create(t testing.TB) (dir string, l *ledger.Ledger) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "ledger")
	l, err := ledger.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, l
}

// filled is the directory of a closed ledger of seven entries.
func filled(t testing.TB) string {
	t.Helper()
	dir, l := create(t)
	for day := throng.Day(20000); day < 20003; day++ {
		if err := l.Reserve(release("www", day), 1, parameters()); err != nil {
			t.Fatal(err)
		}
		if err := l.Publish(release("www", day), sum); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t testing.TB, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, ledger.FileName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReservationsOutliveTheProcess(t *testing.T) {
	dir, l := create(t)
	id := release("www", 20000)
	if err := l.Reserve(id, 1, parameters()); err != nil {
		t.Fatal(err)
	}
	key, err := l.SamplingKey(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Stage(id, []byte("drawn")); err != nil {
		t.Fatal(err)
	}
	if err := l.Stage(id, []byte("drawn again")); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("staged twice: %v", err)
	}
	l.Close()

	l, err = ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a, ok := l.Reservation(id)
	if !ok || a.Published() || a.Tree != 1 || a.Parameters.Draws[4].Sigma != parameters().Draws[4].Sigma {
		t.Errorf("reservation after reopening: %+v, %v", a, ok)
	}
	if again, err := l.SamplingKey(id); err != nil || again != key {
		t.Errorf("sampling key after reopening: %v, same %v", err, again == key)
	}
	if b, ok, err := l.Staged(id); err != nil || !ok || string(b) != "drawn" {
		t.Errorf("staged after reopening: %q, %v, %v", b, ok, err)
	}
	if err := l.Publish(id, sum); err != nil {
		t.Fatal(err)
	}
	if err := l.Publish(id, sum); err != nil {
		t.Errorf("publishing the same again: %v", err)
	}
	if err := l.Publish(id, strings.Repeat("0", 64)); err == nil {
		t.Error("another file under the same release: no error")
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "reservations")); len(left) != 0 {
		t.Errorf("after publication %d files are left", len(left))
	}
	if _, err := l.SamplingKey(id); err == nil {
		t.Error("a published release got a sampling key")
	}
	l.Close()
}

func TestOpenErasesWhatBelongsToNoOpenReservation(t *testing.T) {
	dir := filled(t)
	for _, name := range []string{"www%2Fpath%2F2024-10-04.key", "www%2Fpath%2F2024-10-04.staged", ".www%2Fpath%2F2024-10-09.key.tmp-1"} {
		write(t, filepath.Join(dir, "reservations"), name, []byte("secret"))
	}
	l, err := ledger.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if left, _ := os.ReadDir(filepath.Join(dir, "reservations")); len(left) != 0 {
		t.Errorf("%d files are left", len(left))
	}
}

func TestOverdraftFailsClosed(t *testing.T) {
	dir, l := create(t)
	defer l.Close()
	id := release("www", 20000)
	if err := l.Reserve(id, 1, parameters()); err != nil {
		t.Fatal(err)
	}
	before := read(t, dir)
	other := id
	other.Table = "hour"
	_, hour := shared()
	for name, try := range map[string]func() error{
		"the same release":             func() error { return l.Reserve(id, 1, parameters()) },
		"the same, under a new tree":   func() error { return l.Reserve(id, 2, parameters()) },
		"a table that was not planned": func() error { return l.Reserve(other, 1, hour) },
	} {
		if err := try(); !errors.Is(err, ledger.ErrOverdraft) {
			t.Errorf("%s: %v", name, err)
		}
	}
	greedy := parameters()
	greedy.Epsilon = 1.1
	if err := l.Reserve(release("www", 20001), 1, greedy); !errors.Is(err, ledger.ErrOverdraft) {
		t.Errorf("ε over the ceiling: %v", err)
	}
	if !bytes.Equal(before, read(t, dir)) {
		t.Error("a refused reservation changed the file")
	}
	for _, id := range []throng.ReleaseID{release("www", 20001), release("blog", 20000)} {
		if err := l.Reserve(id, 1, parameters()); err != nil {
			t.Errorf("a budget of its own: %v", err)
		}
	}
}

func TestTablesShareABudget(t *testing.T) {
	_, l := create(t)
	defer l.Close()
	path, hour := shared()
	id := release("www", 20000)
	if err := l.Reserve(id, 1, path); err != nil {
		t.Fatal(err)
	}
	id.Table = "hour"
	for name, change := range map[string]func(p *throng.Parameters){
		"a larger share":     func(p *throng.Parameters) { p.Draws[0].Weight = .06 },
		"another ε":          func(p *throng.Parameters) { p.Epsilon = .5 },
		"a lower k":          func(p *throng.Parameters) { p.K = 4000 },
		"other tables":       func(p *throng.Parameters) { p.Tables = []string{"hour"} },
		"too many gates":     func(p *throng.Parameters) { p.Draws[0].Draws = 3 },
		"a larger threshold": func(p *throng.Parameters) { p.ThresholdDelta = 6e-10 },
	} {
		p := hour
		p.Draws = slices.Clone(p.Draws)
		change(&p)
		if err := l.Reserve(id, 1, p); !errors.Is(err, ledger.ErrOverdraft) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := l.Reserve(id, 1, hour); err != nil {
		t.Errorf("as planned: %v", err)
	}
}

func TestOverlapsAreRefused(t *testing.T) {
	_, l := create(t)
	defer l.Close()
	day := release("www", 20000)
	span, next := day, release("www", 20001)
	span.Period = throng.SpanOf(20000).Period()
	month := day
	month.Period = throng.MonthOf(20000)
	for _, id := range []throng.ReleaseID{day, span} {
		if err := l.Reserve(id, 2, parameters()); err != nil {
			t.Fatal(err)
		}
	}
	other := span
	other.Period = throng.SpanOf(20001).Next().Period()
	if err := l.Reserve(other, 3, parameters()); err != nil {
		t.Errorf("a span whose days were under no tree: %v", err)
	}
	if err := l.Reserve(next, 3, parameters()); !errors.Is(err, ledger.ErrOverlap) {
		t.Errorf("a day under another tree than its span: %v", err)
	}
	if err := l.Reserve(month, 2, parameters()); err == nil {
		t.Error("a month was reserved")
	}
	if err := errors.Join(l.Sum(month, sum), l.Sum(month, sum)); err != nil {
		t.Error(err)
	}
	if err := l.Sum(month, strings.ToUpper(sum)); !errors.Is(err, ledger.ErrOverlap) {
		t.Errorf("a second sum: %v", err)
	}
	if err := l.Sum(day, sum); err == nil {
		t.Error("a day was summed")
	}
}

func TestPublishNeedsAReservation(t *testing.T) {
	dir, l := create(t)
	defer l.Close()
	before := read(t, dir)
	if err := l.Publish(release("www", 20000), sum); err == nil {
		t.Error("no error")
	}
	if !bytes.Equal(before, read(t, dir)) {
		t.Error("the file changed")
	}
}

func TestCreateRefusesWhatExists(t *testing.T) {
	dir := filled(t)
	if _, err := ledger.Create(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("whole ledger: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "head")); err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Create(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("ledger without head: %v", err)
	}
}

func TestOneWriter(t *testing.T) {
	dir, l := create(t)
	if _, err := ledger.Open(dir); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second writer: %v", err)
	}
	l.Close()
}

// The file grows by whole entries, keeps every byte it had, and says the same to every reader.
func TestLedgerIsMonotone(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		dir = filepath.Join(dir, "ledger")
		l, err := ledger.Create(dir)
		if err != nil {
			rt.Fatal(err)
		}
		before := read(t, dir)
		spent := map[throng.ReleaseID]bool{}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			id := release(rapid.SampledFrom([]string{"www", "blog"}).Draw(rt, "site"), throng.Day(rapid.IntRange(20000, 20003).Draw(rt, "day")))
			grow := 0
			switch rapid.SampledFrom([]string{"reserve", "publish", "reopen"}).Draw(rt, "step") {
			case "reserve":
				err := l.Reserve(id, 1, parameters())
				if spent[id] != errors.Is(err, ledger.ErrOverdraft) {
					rt.Fatalf("reserved before %v: %v", spent[id], err)
				}
				if err == nil {
					spent[id], grow = true, 1
				}
			case "publish":
				a, _ := l.Reservation(id)
				if err := l.Publish(id, sum); (err == nil) != spent[id] {
					rt.Fatalf("reserved %v: %v", spent[id], err)
				} else if err == nil && !a.Published() {
					grow = 1
				}
			case "reopen":
				l.Close()
				if l, err = ledger.Open(dir); err != nil {
					rt.Fatal(err)
				}
			}
			after := read(t, dir)
			if len(after) != len(before)+grow*ledger.EntryBytes || !bytes.HasPrefix(after, before) {
				rt.Fatalf("%d bytes became %d", len(before), len(after))
			}
			entries, err := ledger.Read(bytes.NewReader(after))
			if err != nil || !slices.EqualFunc(entries, l.Entries(), func(a, b ledger.Entry) bool { return a.Hash == b.Hash }) {
				rt.Fatalf("read: %v", err)
			}
			before = after
		}
		l.Close()
	})
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	dir := filled(t)
	whole := read(t, dir)
	if entries, err := ledger.Read(bytes.NewReader(whole)); err != nil || len(entries) != 7 {
		t.Fatalf("read: %d entries, %v", len(entries), err)
	}
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1 << (i % 8)
		if _, err := ledger.Read(bytes.NewReader(bad)); err == nil {
			t.Fatalf("byte %d: no error", i)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		bad := bytes.Clone(whole)
		bad[rapid.IntRange(0, len(bad)-1).Draw(rt, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flip"))
		write(t, dir, ledger.FileName, bad)
		if _, err := ledger.Open(dir); err == nil {
			rt.Fatal("opened")
		}
		if !bytes.Equal(read(t, dir), bad) {
			rt.Fatal("the evidence was changed")
		}
	})
}

func TestEveryCutIsFound(t *testing.T) {
	dir := filled(t)
	whole := read(t, dir)
	rapid.Check(t, func(rt *rapid.T) {
		cut := whole[:rapid.IntRange(0, len(whole)-1).Draw(rt, "length")]
		write(t, dir, ledger.FileName, cut)
		_, err := ledger.Open(dir)
		if err == nil || !strings.Contains(err.Error(), "restore") {
			rt.Fatalf("no word of what to do: %v", err)
		}
		if !bytes.Equal(read(t, dir), cut) {
			rt.Fatal("the evidence was changed")
		}
	})
}

func TestOpenStopsOn(t *testing.T) {
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		damage func(*testing.T, string)
		say    string
	}{
		"a missing ledger": {remove(ledger.FileName), "restore"},
		"a missing head":   {remove("head"), "restore"},
		"an empty head":    {func(t *testing.T, dir string) { write(t, dir, "head", nil) }, "restore"},
		"a fork": {func(t *testing.T, dir string) {
			other := filled(t)
			write(t, dir, ledger.FileName, read(t, other))
		}, "fork"},
		"an old head": {func(t *testing.T, dir string) {
			e, err := ledger.Read(bytes.NewReader(read(t, dir)))
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, "head", fmt.Appendf(nil, `{"seq":4,"hash":%q}`, e[4].Hash))
		}, "not of one time"},
		"an empty directory": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}, "restore"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			tc.damage(t, dir)
			l, err := ledger.Open(dir)
			if err == nil {
				l.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), tc.say) {
				t.Errorf("%v: no word of %q", err, tc.say)
			}
		})
	}
}

func TestATornLastEntryIsCutOff(t *testing.T) {
	dir := filled(t)
	whole := read(t, dir)
	rapid.Check(t, func(rt *rapid.T) {
		torn := rapid.SliceOfN(rapid.Byte(), 1, ledger.EntryBytes).Draw(rt, "torn")
		write(t, dir, ledger.FileName, append(bytes.Clone(whole), torn...))
		l, err := ledger.Open(dir)
		if err != nil {
			rt.Fatal(err)
		}
		defer l.Close()
		if !bytes.Equal(read(t, dir), whole) {
			rt.Fatal("the torn entry is still there")
		}
	})
}

func TestReadRefusesABrokenBudget(t *testing.T) {
	// Two ledgers of one entry each, joined: every line is right, the chain is not.
	a, b := read(t, filled(t)), read(t, filled(t))
	joined := append(bytes.Clone(a[:3*ledger.EntryBytes]), b[3*ledger.EntryBytes:]...)
	if _, err := ledger.Read(bytes.NewReader(joined)); err == nil {
		t.Error("no error")
	}
	if _, err := ledger.Read(bytes.NewReader(nil)); err == nil {
		t.Error("an empty file is no ledger")
	}
}

// What is reserved and not published tells how much of its period's budget hangs on it, across a restart too.
func TestUnpublished(t *testing.T) {
	dir, l := create(t)
	want := func(releases int, spent float64) {
		t.Helper()
		if n, share := l.Unpublished(); n != releases || share < spent-1e-9 || share > spent+1e-9 {
			t.Errorf("%d releases and %g are unpublished, want %d and %g", n, share, releases, spent)
		}
	}
	want(0, 0)
	path, hour := shared()
	id := throng.ReleaseID{Site: "a", Table: "hour", Period: throng.Day(20_000).Period()}
	if err := errors.Join(l.Reserve(id, 1, hour), l.Publish(id, sum)); err != nil {
		t.Fatal(err)
	}
	want(0, 0)
	if err := l.Reserve(release("a", 20_000), 1, path); err != nil {
		t.Fatal(err)
	}
	want(1, 1) // .08 of the one and .92 of the other
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if l, err = ledger.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	want(1, 1)
	if err := l.Publish(release("a", 20_000), sum); err != nil {
		t.Fatal(err)
	}
	want(0, 0)
}
