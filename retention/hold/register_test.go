package hold_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"

	"throng/internal/durable"
	"throng/retention/hold"
)

// registerOf is a register with three entries.
func registerOf(t testing.TB) (o *office, data []byte) {
	t.Helper()
	o = newOffice(t)
	o.create(t, nil)
	o.create(t, nil)
	if _, err := o.Release(1, "bob"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(o.path)
	if err := errors.Join(err, o.register.Close()); err != nil {
		t.Fatal(err)
	}
	return o, data
}

func TestRegisterShowsTampering(t *testing.T) {
	o, data := registerOf(t)
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	join := func(l ...[]byte) []byte { return append(bytes.Join(l, nil), '\n') }
	for name, forged := range map[string][]byte{
		"changed":       bytes.Replace(data, []byte("SEC-1"), []byte("SEC-9"), 1),
		"longer":        bytes.Replace(data, []byte(`"until":"2026-12-22"`), []byte(`"until":"2026-12-29"`), 1),
		"first missing": join(lines[1:]...),
		"one missing":   join(lines[0], lines[2]),
		"doubled":       join(slices.Concat(lines[:2], lines[1:])...),
		"unknown field": bytes.Replace(data, []byte(`{"seq"`), []byte(`{"x":1,"seq"`), 1),
		"two in a line": bytes.Replace(data, []byte("}\n"), []byte("}{}\n"), 1),
		"not JSON":      append(slices.Clone(data), "hello\n"...),
	} {
		if _, err := hold.Read(bytes.NewReader(forged)); err == nil {
			t.Errorf("%s: was read", name)
		}
		if err := os.WriteFile(o.path, forged, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := hold.OpenRegister(o.path); err == nil {
			t.Errorf("%s: was opened", name)
			r.Close()
		}
	}
}

// A crash while the last entry is written leaves the entries before it, and the next one follows these.
func TestTornEntryIsCutOff(t *testing.T) {
	o, data := registerOf(t)
	last := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	for size := last; size < len(data); size++ {
		if err := os.WriteFile(o.path, data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if n := len(o.list(t).Entries()); n != 2 {
			t.Fatalf("cut at byte %d: %d entries are read beside the writer", size, n)
		}
		o.open(t)
		if _, err := o.Release(1, "bob"); err != nil {
			t.Fatalf("cut at byte %d: %v", size, err)
		}
		if err := o.register.Close(); err != nil {
			t.Fatal(err)
		}
		if n := len(o.list(t).Entries()); n != 3 {
			t.Fatalf("cut at byte %d: %d entries", size, n)
		}
	}
}

func TestRegisterHasOneWriter(t *testing.T) {
	o := newOffice(t)
	if _, err := hold.OpenRegister(o.path); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	_, data := registerOf(f)
	f.Add(data)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := hold.Read(bytes.NewReader(data))
		if err == nil && len(l.Entries()) != bytes.Count(data, []byte("\n")) {
			t.Errorf("%d entries of %d lines", len(l.Entries()), bytes.Count(data, []byte("\n")))
		}
	})
}
