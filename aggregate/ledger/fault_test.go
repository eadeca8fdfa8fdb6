package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"throng/aggregate/ledger"
)

var errDisk = errors.New("disk is broken")

// faults fail one step of an append, with and without having reached the device.
var faults = map[string]func(d *ledger.Disk){
	"write: nothing persisted": func(d *ledger.Disk) {
		d.Write = func(*os.File, []byte) (int, error) { return 0, errDisk }
	},
	"write: half persisted": func(d *ledger.Disk) {
		d.Write = func(f *os.File, b []byte) (int, error) {
			n, _ := f.Write(b[:len(b)/2])
			return n, errDisk
		}
	},
	"write: all persisted": func(d *ledger.Disk) {
		d.Write = func(f *os.File, b []byte) (int, error) {
			n, _ := f.Write(b)
			return n, errDisk
		}
	},
	"sync: all persisted": func(d *ledger.Disk) {
		d.Sync = func(*os.File) error { return errDisk }
	},
	"sync: nothing persisted": func(d *ledger.Disk) {
		d.Sync = func(f *os.File) error {
			st, _ := f.Stat()
			return errors.Join(errDisk, f.Truncate(st.Size()-ledger.EntryBytes))
		}
	},
	"rename: nothing persisted": func(d *ledger.Disk) {
		d.Replace = func(string, []byte) error { return errDisk }
	},
	"rename: all persisted": func(d *ledger.Disk) {
		d.Replace = func(path string, b []byte) error { return errors.Join(errDisk, ledger.Device.Replace(path, b)) }
	},
}

// Whatever fails, the caller is told, the ledger takes nothing more until it is opened again, and
// after that each reservation is there once or can be made.
func TestAFailedAppendLosesNothingAndDoublesNothing(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			disk := ledger.Device
			fault(&disk)
			l, err := ledger.OpenOn(dir, disk)
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
			disk := ledger.Device
			disk.Replace = func(path string, b []byte) error {
				if filepath.Base(path) != at {
					return ledger.Device.Replace(path, b)
				}
				if persisted {
					return errors.Join(errDisk, ledger.Device.Replace(path, b))
				}
				return errDisk
			}
			if _, err := ledger.CreateOn(dir, disk); !errors.Is(err, errDisk) {
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
	disk := ledger.Device
	l, err := ledger.OpenOn(dir, disk)
	if err != nil {
		t.Fatal(err)
	}
	id := release("www", 20010)
	if err := l.Reserve(id, 1, parameters()); err != nil {
		t.Fatal(err)
	}
	l.Close()
	disk.Replace = func(string, []byte) error { return errDisk }
	l, err = ledger.OpenOn(dir, disk)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.SamplingKey(id); !errors.Is(err, errDisk) {
		t.Errorf("sampling key: %v", err)
	}
	if err := l.Stage(id, []byte("drawn")); !errors.Is(err, errDisk) {
		t.Errorf("stage: %v", err)
	}
}
