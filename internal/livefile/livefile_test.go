package livefile_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng/internal/livefile"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time                     { return c.now }
func (*clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// watched is a file, the clock that its reader goes by, and what is logged.
type watched struct {
	path  string
	clock *clock
	log   bytes.Buffer
	fail  error
	// reading is called while the file is read.
	reading func()
}

func (w *watched) options() livefile.Options[string] {
	return livefile.Options[string]{
		Name: "word", Path: w.path, Clock: w.clock, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		Load: func() (*string, error) {
			b, err := os.ReadFile(w.path)
			if w.reading != nil {
				w.reading()
			}
			text := string(b)
			return &text, errors.Join(err, w.fail)
		},
	}
}

func (w *watched) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(w.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newWatched(t *testing.T, text string) *watched {
	t.Helper()
	w := &watched{path: filepath.Join(t.TempDir(), "word"), clock: &clock{now: time.Unix(1e9, 0)}}
	if text != "" {
		w.write(t, text)
	}
	return w
}

func open(t *testing.T, o livefile.Options[string]) *livefile.File[string] {
	t.Helper()
	f, err := livefile.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestUnchangedFileIsNotReadAgain(t *testing.T) {
	w, reads := newWatched(t, "one"), 0
	w.reading = func() { reads++ }
	f := open(t, w.options())
	for range 3 {
		if f.Check() {
			t.Error("it changed")
		}
	}
	if reads != 1 || *f.Value() != "one" {
		t.Errorf("read %d times: %q", reads, *f.Value())
	}
}

func TestFileThatChangesWhileItIsReadIsReadAgain(t *testing.T) {
	w := newWatched(t, "one")
	f := open(t, w.options())
	w.write(t, "half of ")
	w.reading = func() { w.reading = nil; w.write(t, "half of two") }
	if f.Check() || *f.Value() != "one" {
		t.Errorf("a file in the middle of a write was taken: %q", *f.Value())
	}
	if !strings.Contains(w.log.String(), "changed while it was read") {
		t.Error(w.log.String())
	}
	if !f.Check() || *f.Value() != "half of two" {
		t.Errorf("then %q", *f.Value())
	}
}

func TestReplacedFileOfOneSizeAndTimeIsRead(t *testing.T) {
	w := newWatched(t, "one")
	f := open(t, w.options())
	info, err := os.Stat(w.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path+".new", []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chtimes(w.path+".new", time.Time{}, info.ModTime()), os.Rename(w.path+".new", w.path)); err != nil {
		t.Fatal(err)
	}
	if !f.Check() || *f.Value() != "two" {
		t.Errorf("%q", *f.Value())
	}
}

func TestOtherFilesCount(t *testing.T) {
	w := newWatched(t, "one")
	o := w.options()
	o.Also = []string{w.path + ".key"}
	f := open(t, o)
	if err := os.WriteFile(o.Also[0], nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !f.Check() || f.Check() {
		t.Error("a file beside it appeared: want one new value")
	}
}

func TestFailureIsSaidOncePerHour(t *testing.T) {
	w := newWatched(t, "one")
	f := open(t, w.options())
	w.write(t, "two, which cannot be read")
	w.fail = errors.New("out of order")
	said := func(want int) {
		t.Helper()
		if got := strings.Count(w.log.String(), "out of order"); got != want || *f.Value() != "one" {
			t.Errorf("said %d times, want %d; the value is %q", got, want, *f.Value())
		}
	}
	for range 5 {
		f.Check()
	}
	said(1)
	w.clock.now = w.clock.now.Add(time.Hour)
	f.Check()
	f.Check()
	said(2)
	w.fail = nil
	if !f.Check() || *f.Value() != "two, which cannot be read" {
		t.Errorf("mended: %q", *f.Value())
	}
}

func TestMissingFile(t *testing.T) {
	w := newWatched(t, "")
	if _, err := livefile.Open(w.options()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opened without a file: %v", err)
	}
	none, o := "none", w.options()
	o.Missing = &none
	f := open(t, o)
	if *f.Value() != "none" || f.Check() {
		t.Errorf("%q", *f.Value())
	}
	w.write(t, "one")
	if !f.Check() || *f.Value() != "one" {
		t.Errorf("it appeared: %q", *f.Value())
	}
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	if f.Check() || *f.Value() != "one" || !strings.Contains(w.log.String(), "is gone; put it back") {
		t.Errorf("it is gone: %q\n%s", *f.Value(), &w.log)
	}
}
