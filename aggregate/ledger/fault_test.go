package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng/aggregate/ledger"
	"throng/internal/durable"
)

var errDisk = errors.New("disk is broken")

// faults fail one step of an append, with and without having reached the device.
var faults = map[string]fault{
	"write: nothing persisted":  {"write", ledger.FileName, nothing},
	"write: half persisted":     {"write", ledger.FileName, half},
	"write: all persisted":      {"write", ledger.FileName, all},
	"sync: all persisted":       {"fsync", ledger.FileName, nothing},
	"sync: nothing persisted":   {"fsync", ledger.FileName, cutOff},
	"rename: nothing persisted": {"rename", "head", nothing},
	"rename: all persisted":     {"rename", "head", all},
	"head: half persisted":      {"write", "head", half},
	"head: not durable":         {"fsync", "ledger", all},
}

// fault fails a step of a file, after doing as much of it as do says.
type fault struct {
	op, file string
	do       func(s durable.Step, do func() error) error
}

func (f fault) disk() durable.Disk {
	return durable.Disk{Around: func(s durable.Step, do func() error) error {
		name := strings.TrimPrefix(filepath.Base(s.Path), ".")
		if s.Op != f.op || name != f.file && !strings.HasPrefix(name, f.file+".tmp-") {
			return do()
		}
		return errors.Join(errDisk, f.do(s, do))
	}}
}

func nothing(durable.Step, func() error) error { return nil }

func all(_ durable.Step, do func() error) error { return do() }

func half(s durable.Step, _ func() error) error {
	f, err := os.OpenFile(s.Path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(s.Data[:len(s.Data)/2])
	return errors.Join(err, f.Close())
}

func cutOff(s durable.Step, _ func() error) error {
	st, err := os.Stat(s.Path)
	if err != nil {
		return err
	}
	return os.Truncate(s.Path, st.Size()-ledger.EntryBytes)
}

// Whatever fails, the caller is told, the ledger takes nothing more until it is opened again, and
// after that each reservation is there once or can be made.
func TestAFailedAppendLosesNothingAndDoublesNothing(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			l, err := ledger.OpenOn(dir, fault.disk())
			if err != nil {
				t.Fatal(err)
			}
			id := release("www", 20010)
			if err := l.Reserve(id, 1, parameters()); !errors.Is(err, errDisk) {
				t.Fatalf("reserve: %v", err)
			}
			if _, ok := l.Reservation(id); ok {
				t.Error("an append that failed counts as a reservation")
			}
			if err := l.Reserve(release("www", 20011), 1, parameters()); !errors.Is(err, errDisk) {
				t.Errorf("reserve after a failure: %v", err)
			}
			l.Close()

			l, err = ledger.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			_, reserved := l.Reservation(id)
			err = l.Reserve(id, 1, parameters())
			if reserved != errors.Is(err, ledger.ErrOverdraft) || !reserved && err != nil {
				t.Errorf("reserved before %v: %v", reserved, err)
			}
			for _, e := range l.Entries()[:7] {
				if e.Seq > 0 && e.Release.Period.First() > 20002 {
					t.Errorf("entry %d was replaced", e.Seq)
				}
			}
			if err := l.Publish(id, sum); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestACreateThatFailsCanBeMadeAgain(t *testing.T) {
	for _, at := range []string{ledger.FileName, "head"} {
		for _, persisted := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "ledger")
			f := fault{"rename", at, nothing}
			if persisted {
				f.do = all
			}
			if _, err := ledger.CreateOn(dir, f.disk()); !errors.Is(err, errDisk) {
				t.Fatalf("%s: %v", at, err)
			}
			open := ledger.Create
			if at == "head" && persisted {
				open = ledger.Open // all of it was written
			}
			l, err := open(dir)
			if err != nil {
				t.Fatalf("%s, persisted %v: %v", at, persisted, err)
			}
			if err := l.Reserve(release("www", 20000), 1, parameters()); err != nil {
				t.Error(err)
			}
			l.Close()
		}
	}
}

func TestAKeyThatWasNotWrittenIsNotUsed(t *testing.T) {
	dir := filled(t)
	broken := false
	l, err := ledger.OpenOn(dir, durable.Disk{Around: func(s durable.Step, do func() error) error {
		if broken && s.Op == "rename" {
			return errDisk
		}
		return do()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	id := release("www", 20010)
	if err := l.Reserve(id, 1, parameters()); err != nil {
		t.Fatal(err)
	}
	broken = true
	if _, err := l.SamplingKey(id); !errors.Is(err, errDisk) {
		t.Errorf("sampling key: %v", err)
	}
	if err := l.Stage(id, []byte("drawn")); !errors.Is(err, errDisk) {
		t.Errorf("stage: %v", err)
	}
}
