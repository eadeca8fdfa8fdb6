package optout_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"throng/anonymize/optout"
)

type clock struct{}

func (clock) Now() time.Time                       { return time.Now() }
func (clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

func files(t testing.TB) optout.Files {
	dir := t.TempDir()
	return optout.Files{List: filepath.Join(dir, "optout", "list"), Key: filepath.Join(dir, "keys", "optout")}
}

func newKey(t testing.TB) *optout.Key {
	t.Helper()
	k, err := optout.CreateKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func change(k *optout.Key, kind optout.Kind, names ...string) *optout.Change {
	c := optout.NewChange(k, kind)
	for _, n := range names {
		c.Name([]byte(n))
	}
	return c
}

// add puts accounts on the list of files.
func add(t testing.TB, f optout.Files, names ...string) {
	t.Helper()
	update(t, f, func(l *optout.List, k *optout.Key) *optout.List { return l.Add(change(k, optout.Account, names...)) })
}

func update(t testing.TB, f optout.Files, do func(*optout.List, *optout.Key) *optout.List) {
	t.Helper()
	if err := f.Update(func(l *optout.List) (*optout.List, error) { return do(l, l.Key()), nil }); err != nil {
		t.Fatal(err)
	}
}

// TestListIsASet holds lists to a map, through their files.
func TestListIsASet(t *testing.T) {
	key := newKey(t)
	names := rapid.SliceOfN(rapid.StringMatching(`[a-z]{0,2}`), 0, 50)
	rapid.Check(t, func(t *rapid.T) {
		list, want := optout.New(key), map[optout.Kind]map[string]bool{optout.Account: {}, optout.Cookie: {}}
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			kind := optout.Kind(rapid.IntRange(0, 1).Draw(t, "kind"))
			drawn := names.Draw(t, "names")
			c := change(key, kind, drawn...)
			switch rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				list = list.Add(c)
			case 1:
				list = list.Remove(c)
				for _, n := range drawn {
					delete(want[kind], n)
				}
				drawn = nil
			default:
				list = list.Replace(c)
				clear(want[kind])
			}
			for _, n := range drawn {
				want[kind][n] = true
			}
			var b bytes.Buffer
			if err := list.Write(&b); err != nil {
				t.Fatal(err)
			}
			var err error
			if list, err = optout.Read(&b, key); err != nil {
				t.Fatal(err)
			}
		}
		for kind, set := range want {
			if list.Len(kind) != len(set) {
				t.Fatalf("%d entries of kind %s, want %d", list.Len(kind), kind, len(set))
			}
			for _, n := range names.Draw(t, "asked") {
				if list.Has(kind, []byte(n)) != set[n] {
					t.Fatalf("%s %q: listed is %v", kind, n, !set[n])
				}
			}
		}
	})
}

func TestFileHoldsNoIdentifier(t *testing.T) {
	f := files(t)
	add(t, f, "alice@example.org", "bob")
	for _, path := range []string{f.List, f.Key} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte("alice")) || bytes.Contains(b, []byte("bob")) {
			t.Errorf("%s holds a name", path)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	other := files(t)
	add(t, other, "alice@example.org", "bob")
	one, _ := os.ReadFile(f.List)
	two, _ := os.ReadFile(other.List)
	for line := range strings.Lines(string(one)) {
		if bytes.Contains(two, []byte(line)) {
			t.Errorf("two keys make one line: %s", line)
		}
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	key := newKey(t)
	var b bytes.Buffer
	if err := optout.New(key).Add(change(key, optout.Account, "a", "b", "c")).Write(&b); err != nil {
		t.Fatal(err)
	}
	good := b.String()
	lines := strings.SplitAfter(good, "\n")
	for name, c := range map[string]struct{ text, says string }{
		"empty":           {"", "line 1: not an opt-out list"},
		"something else":  {"alice\nbob\n", "line 1: not an opt-out list"},
		"cut in a line":   {good[:len(good)-5], "cut short"},
		"cut at a line":   {strings.Join(lines[:3], ""), "line 4: the list ends here"},
		"cut to nothing":  {lines[0], "line 2: the list ends here"},
		"too long":        {good + lines[1], "line 5: there is more"},
		"twice":           {strings.Replace(good, lines[2], lines[1], 1), "line 3: entries are not in ascending order"},
		"another order":   {lines[0] + lines[3] + lines[2] + lines[1], "line 3: entries are not in ascending order"},
		"not hexadecimal": {strings.Replace(good, lines[1], "alice@exampleorg\n", 1), "line 2: not an entry"},
		"long line":       {strings.Replace(good, lines[1], strings.Repeat("a", 1<<17)+"\n", 1), "line 2: not an entry"},
		"other version":   {strings.Replace(good, "/1", "/2", 1), "line 1: not an opt-out list"},
		"too many":        {strings.Replace(good, "entries=3", "entries=99999999999", 1), "line 1: not an opt-out list"},
		"fewer than none": {strings.Replace(good, "entries=3", "entries=-3", 1), "line 1: not an opt-out list"},
	} {
		_, err := optout.Read(strings.NewReader(c.text), key)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "alice") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
	if _, err := optout.Read(strings.NewReader(good), newKey(t)); err == nil || !strings.Contains(err.Error(), "another") && !strings.Contains(err.Error(), "was made under the key") {
		t.Errorf("another key: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	key := newKey(f)
	var b bytes.Buffer
	if err := optout.New(key).Add(change(key, optout.Cookie, "a", "b")).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("throng-optout/1 key="))
	f.Fuzz(func(t *testing.T, file []byte) {
		file = bytes.ReplaceAll(file, []byte("KEY"), []byte(key.ID()))
		list, err := optout.Read(bytes.NewReader(file), key)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := list.Write(&again); err != nil {
			t.Fatal(err)
		}
		if second, err := optout.Read(&again, key); err != nil || second.Len(optout.Account) != list.Len(optout.Account) || second.Len(optout.Cookie) != list.Len(optout.Cookie) {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
	})
}

func TestKeyIsForItsOwnerOnly(t *testing.T) {
	f := files(t)
	if _, err := optout.CreateKey(f.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := optout.CreateKey(f.Key); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key: %v", err)
	}
	if err := os.Chmod(f.Key, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := optout.ReadKey(f.Key); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by a group: %v", err)
	}
	for _, text := range []string{"", "throng-optout-key/1 ", "throng-optout-key/1 00", "secret" + strings.Repeat("0", 70)} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := optout.ReadKey(path); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLostListIsNoEmptyList(t *testing.T) {
	f := files(t)
	open := func(required bool) error {
		_, err := optout.Open(optout.LiveOptions{Files: f, Required: required, Clock: clock{}, Logger: slog.New(slog.DiscardHandler)})
		return err
	}
	if err := open(false); err != nil {
		t.Errorf("no list was ever made: %v", err)
	}
	if err := open(true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a list that was configured is missing: %v", err)
	}
	add(t, f, "alice")
	if err := os.Remove(f.List); err != nil {
		t.Fatal(err)
	}
	if err := open(false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the key without its list: %v", err)
	}
	add(t, f, "alice")
	if err := os.Remove(f.Key); err != nil {
		t.Fatal(err)
	}
	if err := open(false); err == nil || !strings.Contains(err.Error(), "not its key") {
		t.Errorf("the list without its key: %v", err)
	}
	if err := f.Update(func(l *optout.List) (*optout.List, error) { return l, nil }); err == nil {
		t.Error("a list without its key was begun anew")
	}
}

// journal is a log that a test reads while it is written. Time that passes in a bubble of synctest orders
// nothing for the race detector.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// take is what was written since the last call.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.text.Reset()
	return j.text.String()
}

func TestListIsReloaded(t *testing.T) {
	f := files(t)
	synctest.Test(t, func(t *testing.T) {
		var log journal
		live, err := optout.Open(optout.LiveOptions{Files: f, Clock: clock{}, Logger: slog.New(slog.NewTextHandler(&log, nil)), Every: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- live.Run(ctx) }()
		listed := func(what, name string, want bool) {
			t.Helper()
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			if live.HasAccount([]byte(name)) != want {
				t.Errorf("%s: %s is listed: %v", what, name, !want)
			}
		}
		listed("no list", "alice", false)
		add(t, f, "alice")
		listed("a list appears", "alice", true)
		add(t, f, "bob")
		listed("one more", "bob", true)
		update(t, f, func(l *optout.List, k *optout.Key) *optout.List { return l.Remove(change(k, optout.Account, "alice")) })
		listed("one less", "alice", false)

		good, err := os.ReadFile(f.List)
		if err != nil {
			t.Fatal(err)
		}
		for what, spoil := range map[string]func() error{
			"cut short": func() error { return os.WriteFile(f.List, good[:len(good)-3], 0o600) },
			"gone":      func() error { return os.Remove(f.List) },
			"key gone":  func() error { return os.Rename(f.Key, f.Key+".away") },
		} {
			log.take()
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				listed(what, "bob", true)
			}
			if n := strings.Count(log.take(), "cannot be loaded"); n != 1 {
				t.Errorf("%s: said %d times", what, n)
			}
			if _, err := os.Stat(f.Key + ".away"); err == nil {
				if err := os.Rename(f.Key+".away", f.Key); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(f.List, good, 0o600); err != nil {
				t.Fatal(err)
			}
			listed(what+", mended", "bob", true)
			if !strings.Contains(log.take(), "file loaded") {
				t.Errorf("%s: nobody was told that it works again", what)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestAMillionEntries measures the memory that a list takes, and what it takes to load another one while
// it is in use.
func TestAMillionEntries(t *testing.T) {
	const n = 1_000_000
	f := files(t)
	update(t, f, func(l *optout.List, k *optout.Key) *optout.List {
		c := optout.NewChange(k, optout.Account)
		for i := range n {
			c.Name(fmt.Appendf(nil, "account-%d@example.org", i))
		}
		return l.Add(c)
	})
	before := heap()
	live, err := optout.Open(optout.LiveOptions{Files: f, Clock: clock{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	loaded := heap() - before
	allocated := totalAlloc()
	if err := os.Chtimes(f.List, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if !live.Check() {
		t.Fatal("the list was not loaded again")
	}
	allocated = totalAlloc() - allocated
	t.Logf("a list of %d: %.1f MB; loading it anew allocates %.1f MB", n, float64(loaded)/1e6, float64(allocated)/1e6)
	if worst := loaded + allocated; worst > 100e6 {
		t.Errorf("%d bytes while another list is loaded", worst)
	}
	if !live.HasAccount([]byte("account-999999@example.org")) || live.HasAccount([]byte("account-1000000@example.org")) {
		t.Error("the list is wrong")
	}
	name := []byte("account-77@example.org")
	if a := testing.AllocsPerRun(100, func() { live.HasAccount(name) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// heap is what lives on the heap.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func totalAlloc() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func BenchmarkHas(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			key := newKey(b)
			c := optout.NewChange(key, optout.Account)
			for i := range n {
				c.Name(fmt.Appendf(nil, "account-%d", i))
			}
			list := optout.New(key).Add(c)
			names := make([][]byte, 1<<12)
			for i := range names { // every other one is listed
				names[i] = fmt.Appendf(nil, "account-%d", i*6113%(2*n))
			}
			b.ReportAllocs()
			i, found := 0, 0
			for b.Loop() {
				if list.HasAccount(names[i&(len(names)-1)]) {
					found++
				}
				i++
			}
			if i > len(names) && found == 0 {
				b.Fatal("nobody is listed")
			}
		})
	}
}
