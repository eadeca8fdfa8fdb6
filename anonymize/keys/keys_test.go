package keys_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize/keys"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func at(s string) *clock {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return &clock{now: t}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(s string) time.Time {
	t := at(s).now
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
	return t
}

func (*clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

func span(day string) throng.Span {
	d, err := throng.ParseDay(day)
	if err != nil {
		panic(err)
	}
	return throng.SpanOf(d)
}

// create makes a state file at the clock's time and opens it.
func create(t *testing.T, c *clock) (path string, r *keys.Ratchet) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "keys", "state")
	if err := keys.Init(path, c.Now()); err != nil {
		t.Fatal(err)
	}
	return path, reopen(t, path, c)
}

func reopen(t *testing.T, path string, c *clock) *keys.Ratchet {
	t.Helper()
	r, err := keys.Open(path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func epoch(t *testing.T, r *keys.Ratchet, s throng.Span) keys.Epoch {
	t.Helper()
	e, err := r.Epoch(s)
	if err != nil {
		t.Fatalf("span %s: %v", s, err)
	}
	return e
}

func refuses(t *testing.T, r *keys.Ratchet, s throng.Span) {
	t.Helper()
	if _, err := r.Epoch(s); !errors.Is(err, keys.ErrNoKey) {
		t.Fatalf("span %s: want ErrNoKey, got %v", s, err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// secret finds the current key in the first slot of a state file.
func secret(file []byte) []byte { return bytes.Clone(file[24:56]) }

func TestEveryUseAndSpanHasItsOwnKey(t *testing.T) {
	c := at("2026-11-20 12:00")
	_, r := create(t, c)
	now, next := epoch(t, r, span("2026-11-20")), epoch(t, r, span("2026-11-25"))
	seen := map[keys.SipKey]bool{}
	for _, k := range []keys.SipKey{now.Unit, now.Cell, now.Sample, next.Unit, next.Cell, next.Sample} {
		if seen[k] {
			t.Fatal("two uses share a key")
		}
		seen[k] = true
	}
	refuses(t, r, span("2026-11-10"))
	refuses(t, r, span("2026-12-01"))
}

func TestKeysStayThroughRestartAndAdvance(t *testing.T) {
	c := at("2026-11-20 12:00")
	path, r := create(t, c)
	this, next := span("2026-11-20"), span("2026-11-25")
	wantThis, wantNext := epoch(t, r, this), epoch(t, r, next)

	if err := r.Advance(c.set("2026-11-25 00:00")); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*keys.Ratchet{r, reopen(t, path, c)} {
		if epoch(t, r, this) != wantThis || epoch(t, r, next) != wantNext {
			t.Fatal("a key changed")
		}
		if s := r.Status(); s.Current != next || !s.Previous || s.EraseBy != at("2026-11-27 00:00").now {
			t.Fatalf("status %+v", s)
		}
	}
}

func TestKeyOfAnEndedSpanIsErased(t *testing.T) {
	for name, advance := range map[string]func(t *testing.T, path string, r *keys.Ratchet, c *clock) *keys.Ratchet{
		"by advancing": func(t *testing.T, _ string, r *keys.Ratchet, c *clock) *keys.Ratchet {
			for _, when := range []string{"2026-11-25 00:00", "2026-11-26 23:59", "2026-11-27 00:00"} {
				if err := r.Advance(c.set(when)); err != nil {
					t.Fatal(err)
				}
			}
			return r
		},
		"at start, after three spans down": func(t *testing.T, path string, r *keys.Ratchet, c *clock) *keys.Ratchet {
			r.Close()
			c.set("2026-12-20 08:00")
			return reopen(t, path, c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := at("2026-11-20 12:00")
			path, r := create(t, c)
			old := secret(read(t, path))
			r = advance(t, path, r, c)
			if bytes.Contains(read(t, path), old) {
				t.Fatal("the old key is in the file")
			}
			refuses(t, r, span("2026-11-20"))
			if now := throng.SpanOf(throng.DayOf(c.Now())); r.Status().Current != now || r.Status().Previous {
				t.Fatalf("status %+v", r.Status())
			}
		})
	}
}

func TestKeyIsRefusedOnTimeWithoutAdvance(t *testing.T) {
	c := at("2026-11-20 12:00")
	_, r := create(t, c)
	c.set("2026-11-26 23:59")
	epoch(t, r, span("2026-11-20"))
	c.set("2026-11-27 00:00")
	refuses(t, r, span("2026-11-20"))
}

func TestGenerationTellsOfErasure(t *testing.T) {
	c := at("2026-11-20 12:00")
	_, r := create(t, c)
	before := r.Generation()
	if err := r.Advance(c.set("2026-11-21 12:00")); err != nil || r.Generation() != before {
		t.Fatal("nothing was erased")
	}
	if err := r.Advance(c.set("2026-11-27 12:00")); err != nil || r.Generation() == before {
		t.Fatal("a key was erased and the generation stayed")
	}
}

func TestFirstLinesOfASpanHaveAKeyForTheDayBefore(t *testing.T) {
	_, r := create(t, at("2026-11-25 06:00"))
	epoch(t, r, span("2026-11-24"))
	_, r = create(t, at("2026-11-27 06:00"))
	refuses(t, r, span("2026-11-24"))
}

// TestCrashDuringAdvance stops the write of a new state after every byte of its two slots.
func TestCrashDuringAdvance(t *testing.T) {
	c := at("2026-11-20 12:00")
	path, r := create(t, c)
	want := epoch(t, r, span("2026-11-25"))
	before := read(t, path)
	if err := r.Advance(c.set("2026-11-28 12:00")); err != nil {
		t.Fatal(err)
	}
	after, half := read(t, path), len(before)/2
	for i := range 2 * half {
		torn := bytes.Clone(before)
		if i < half { // the second slot is written first
			copy(torn[half:], after[half:half+i])
		} else {
			copy(torn[half:], after[half:])
			copy(torn, after[:i-half])
		}
		if i%half > 160 && i%half != half-1 {
			continue // past the slot all bytes are zero
		}
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		r := reopen(t, path, c)
		if epoch(t, r, span("2026-11-25")) != want {
			t.Fatalf("crash after %d bytes changed the key", i)
		}
		refuses(t, r, span("2026-11-20"))
		if bytes.Contains(read(t, path), secret(before)) {
			t.Fatalf("crash after %d bytes left the old key in the file", i)
		}
		r.Close()
	}
}

func TestDamageIsRefused(t *testing.T) {
	c := at("2026-11-20 12:00")
	path, r := create(t, c)
	r.Close()
	whole := read(t, path)
	for name, damage := range map[string]func(b []byte) []byte{
		"both slots": func(b []byte) []byte { b[30]++; b[len(b)/2+30]++; return b },
		"cut short":  func(b []byte) []byte { return b[:100] },
		"empty":      func([]byte) []byte { return nil },
	} {
		if err := os.WriteFile(path, damage(bytes.Clone(whole)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.Open(path, c); err == nil {
			t.Errorf("%s: was opened", name)
		}
	}
}

func TestInitDoesNotOverwrite(t *testing.T) {
	c := at("2026-11-20 12:00")
	path, _ := create(t, c)
	before := read(t, path)
	if err := keys.Init(path, c.Now()); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Fatal("the file changed")
	}
	if _, err := keys.Open(path+"-none", c); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatal(st.Mode(), err)
	}
}

func TestAdvanceNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := at("2026-11-20 12:00")
		r := keys.Ephemeral(c)
		newest := r.Status().Current
		for _, hours := range rapid.SliceOf(rapid.IntRange(-1000, 3000)).Draw(t, "hours") {
			now := c.Now().Add(time.Duration(hours) * time.Hour)
			if err := r.Advance(now); err != nil {
				t.Fatal(err)
			}
			newest = max(newest, throng.SpanOf(throng.DayOf(now)))
			if r.Status().Current != newest {
				t.Fatalf("current span is %s, want %s", r.Status().Current, newest)
			}
		}
	})
}

func TestExportReachesAnotherMachine(t *testing.T) {
	c := at("2026-11-20 12:00")
	_, r := create(t, c)
	data, expires, err := r.Export(30 * 24 * time.Hour)
	if err != nil || expires != at("2026-11-25 00:00").now {
		t.Fatal(expires, err)
	}
	path := filepath.Join(t.TempDir(), "keys", "state")
	if err := keys.Import(path, data, c.Now()); err != nil {
		t.Fatal(err)
	}
	s := span("2026-11-20")
	if epoch(t, reopen(t, path, c), s) != epoch(t, r, s) {
		t.Fatal("the machines have different keys")
	}
	if err := keys.Import(path, data, c.Now()); !errors.Is(err, fs.ErrExist) {
		t.Fatal("a second import:", err)
	}
}

func TestImportRefuses(t *testing.T) {
	c := at("2026-11-20 12:00")
	_, r := create(t, c)
	data, _, err := r.Export(24 * time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]string
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	prolonged := strings.Replace(string(data), "2026-11-21", "2026-11-24", 1)
	for name, try := range map[string]struct{ data, now string }{
		"expired":        {string(data), "2026-11-21 12:00"},
		"prolonged":      {prolonged, "2026-11-20 12:00"},
		"another span":   {string(data), "2026-11-10 12:00"},
		"damaged":        {string(data[:len(data)/2]), "2026-11-20 12:00"},
		"something else": {`{"format":"throng/release/1"}`, "2026-11-20 12:00"},
		"nothing":        {"", "2026-11-20 12:00"},
	} {
		path := filepath.Join(t.TempDir(), "state")
		err := keys.Import(path, []byte(try.data), at(try.now).now)
		if err == nil || strings.Contains(err.Error(), fields["key"]) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a state file was made", name)
		}
	}
}

func TestClosedRatchetHasNoKey(t *testing.T) {
	c := at("2026-11-20 12:00")
	_, r := create(t, c)
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	refuses(t, r, span("2026-11-20"))
	if err := r.Advance(c.Now()); err == nil {
		t.Fatal("a closed ratchet advanced")
	}
}
