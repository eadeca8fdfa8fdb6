package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"throng/aggregate/ledger"
	"throng/internal/durable"
)

func TestALedgerIsReplacedByAContinuation(t *testing.T) {
	whole := read(t, filled(t))
	for name, there := range map[string][]byte{
		"nothing": nil, "the same": whole, "the beginning": whole[:3*ledger.EntryBytes], "the beginning, and a torn entry": whole[:3*ledger.EntryBytes+100],
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ledger")
			if there != nil {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				write(t, dir, ledger.FileName, there)
			}
			if err := ledger.Replace(dir, whole); err != nil {
				t.Fatal(err)
			}
			l, err := ledger.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(l.Entries()); n != 7 {
				t.Errorf("%d entries, want 7", n)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if n, err := ledger.Check(dir); n != 7 || err != nil {
				t.Errorf("%d entries by its head: %v", n, err)
			}
		})
	}
}

func TestALedgerIsNotReplacedByLess(t *testing.T) {
	longer, other := filled(t), filled(t)
	whole := read(t, longer)
	for name, c := range map[string]struct {
		dir  string
		file []byte
	}{"older": {longer, whole[:3*ledger.EntryBytes]}, "another": {other, whole}} {
		before := read(t, c.dir)
		if err := ledger.Replace(c.dir, c.file); !errors.Is(err, ledger.ErrNotPreceding) {
			t.Errorf("%s: %v", name, err)
		}
		if string(read(t, c.dir)) != string(before) {
			t.Errorf("%s: the ledger was changed", name)
		}
	}
	if err := os.Remove(filepath.Join(longer, ledger.FileName)); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Replace(longer, whole[:3*ledger.EntryBytes]); !errors.Is(err, ledger.ErrNotPreceding) {
		t.Errorf("older than the head that is left: %v", err)
	}
	if err := ledger.Replace(longer, whole[:len(whole)-1]); err == nil {
		t.Error("a torn file was taken")
	}
	l, err := ledger.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := ledger.Replace(other, read(t, other)); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("an open ledger: %v", err)
	}
}
