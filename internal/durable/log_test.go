package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"throng/internal/durable"
)

func openLog(t *testing.T, path string) (l *durable.Log, lines []string) {
	t.Helper()
	l, err := durable.OpenLog(path, func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, lines
}

// At whichever byte a crash cuts the last line, the lines before it are there and the next one follows them.
func TestLogCutsATornLineOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	const first, last = "one\ntwo\n", "three\n"
	for size := range len(last) {
		if err := os.WriteFile(path, []byte(first+last[:size]), 0o600); err != nil {
			t.Fatal(err)
		}
		l, lines := openLog(t, path)
		if !slices.Equal(lines, []string{"one", "two"}) {
			t.Errorf("cut at byte %d: %q", size, lines)
		}
		if err := errors.Join(l.Append([]byte("four\n")), l.Append([]byte("five\nsix\n")), l.Close()); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != first+"four\nfive\nsix\n" {
			t.Errorf("cut at byte %d: the file is %q, %v", size, b, err)
		}
	}
}

func TestLogHasOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, _ := openLog(t, path)
	defer l.Close()
	if _, err := durable.OpenLog(path, func([]byte) error { return nil }); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
}

// A line that is refused keeps the log closed, and gives the lock back.
func TestLogIsNotOpenedOverABadLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("bad\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if _, err := durable.OpenLog(path, func([]byte) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("opened: %v", err)
	}
	l, _ := openLog(t, path)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestReadLogGivesWhatHasNoEnd(t *testing.T) {
	var lines []string
	rest, err := durable.ReadLog(strings.NewReader("a\n\nb"), func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	if err != nil || string(rest) != "b" || !slices.Equal(lines, []string{"a", ""}) {
		t.Errorf("lines %q, rest %q, %v", lines, rest, err)
	}
}
