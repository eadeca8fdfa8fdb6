package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/ledger"
	"throng/internal/backup"
	"throng/internal/durable"
	"throng/retention"
)

const firstDay = throng.Day(20000)

// secret is in every file of a state directory that must not be in a backup.
const secret = "secret-5f0c"

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func write(t testing.TB, dir, name, body string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(body), 0o600)); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func idOf(day throng.Day) throng.ReleaseID {
	return throng.ReleaseID{Site: "www", Table: throng.PathTable, Period: day.Period()}
}

// state is a state directory in use, with days published and one reserved.
func state(t testing.TB, days int) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"keys/epoch", "keys/optout", "optout/list", "ship/a.json", "quarantine/2036-01-01.ndjson", "broker/kfake/x", "clickhouse/data/x", "tmp/x", "lock"} {
		write(t, dir, name, secret)
	}
	l, err := ledger.Create(filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range days {
		publish(t, dir, l, firstDay+throng.Day(i))
	}
	reserve(t, l, firstDay+throng.Day(days))
	if _, err := l.SamplingKey(idOf(firstDay + throng.Day(days))); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "genesis", "2036-01-01T00:00:00Z the ledger was created\n")
	write(t, dir, "limits", `{"format":"throng/limits/1"}`)
	write(t, dir, "receipts", receipts(t, days))
	write(t, dir, "method/000001.json", method(t, 1, ""))
	return dir
}

// goOn publishes the reserved day and the one after, and reserves another.
func goOn(t testing.TB, dir string, days int) {
	t.Helper()
	l, err := ledger.Open(filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	link(t, dir, l, firstDay+throng.Day(days))
	publish(t, dir, l, firstDay+throng.Day(days)+1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "receipts", receipts(t, days+1))
	write(t, dir, "method/000002.json", method(t, 2, hashOf([]byte(read(t, dir, "method/000001.json")))))
}

func reserve(t testing.TB, l *ledger.Ledger, day throng.Day) {
	t.Helper()
	p, err := aggregate.Calibrate(aggregate.Budget{K: 5000, Epsilon: 1, Delta: 1e-9}, "")
	if err == nil {
		err = l.Reserve(idOf(day), 1, p)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func publish(t testing.TB, dir string, l *ledger.Ledger, day throng.Day) {
	t.Helper()
	reserve(t, l, day)
	link(t, dir, l, day)
}

func link(t testing.TB, dir string, l *ledger.Ledger, day throng.Day) {
	t.Helper()
	body := "the release of " + day.String() + "\n"
	write(t, dir, idOf(day).Path(), body)
	if err := l.Publish(idOf(day), hashOf([]byte(body))); err != nil {
		t.Fatal(err)
	}
}

func receipts(t testing.TB, n int) string {
	t.Helper()
	var out []byte
	prev := hashOf([]byte(retention.ReceiptFormat))
	for i := range n {
		r := retention.Receipt{Seq: uint64(i) + 1, Time: time.Unix(int64(i), 0).UTC(), Step: retention.Planned, Prev: prev}
		r.Item = throng.Item{Store: "files", Name: idOf(firstDay + throng.Day(i)).String()}
		line, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		prev, out = hashOf(line), append(append(out, line...), '\n')
	}
	return string(out)
}

func method(t testing.TB, number int, prev string) string {
	t.Helper()
	b, err := json.Marshal(throng.MethodVersion{Format: throng.MethodVersionFormat, Number: number, Prev: prev})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func create(t testing.TB, dir string) []byte {
	t.Helper()
	var archive bytes.Buffer
	if _, err := backup.Create(&archive, dir); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// bundle is a published copy in a directory.
type bundle string

func (b bundle) ReadFile(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(b), filepath.FromSlash(name)))
}

func restore(t testing.TB, archive []byte, o backup.Options) (backup.Restored, error) {
	t.Helper()
	return backup.Restore(t.Context(), bytes.NewReader(archive), o)
}

// kept are the files of a directory that a backup is of.
func kept(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, at)
		if body := read(t, dir, name); body != secret && name != "lock" && !strings.HasPrefix(name, "ledger/reservations") && name != "ledger/lock" && body != "" {
			files[name] = body
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestAStateComesBack(t *testing.T) {
	dir, to := state(t, 3), filepath.Join(t.TempDir(), "new", "state")
	archive := create(t, dir)
	m, err := backup.Verify(bytes.NewReader(archive))
	if err != nil || m.Ledger.Entries != 8 || m.Open != 1 {
		t.Fatalf("verified %+v, %v", m, err)
	}
	done, err := restore(t, archive, backup.Options{Dir: to, Head: m.Ledger.Head})
	if err != nil || done.Releases != 3 || done.Open != 1 || done.Ledger != m.Ledger {
		t.Fatalf("restored %+v, %v", done, err)
	}
	if want, got := kept(t, dir), kept(t, to); !maps.Equal(want, got) {
		t.Errorf("restored %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	l, err := ledger.Open(filepath.Join(to, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, ok := l.Reservation(idOf(firstDay + 3)); !ok || a.Published() {
		t.Errorf("the open reservation came back as %+v, %v", a, ok)
	}
	if err := l.Reserve(idOf(firstDay), 1, *l.Entries()[1].Parameters); !errors.Is(err, ledger.ErrOverdraft) {
		t.Errorf("a published day is reserved again: %v", err)
	}
	if !bytes.Equal(archive, create(t, to)) {
		t.Error("the same state makes another archive")
	}
}

func TestAnArchiveHoldsNothingElse(t *testing.T) {
	archive := create(t, state(t, 2))
	if bytes.Contains(archive, []byte(secret)) {
		t.Error("the archive holds what must not leave the directory")
	}
	var names []string
	for files := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	want := []string{"ledger/ledger.jsonl", "genesis", "receipts", "limits", "method/000001.json", idOf(firstDay).Path(), idOf(firstDay + 1).Path(), "backup.json"}
	if !slices.Equal(names, want) {
		t.Errorf("the archive has %q, want %q", names, want)
	}
}

func TestNoBackupOfWhatIsDamaged(t *testing.T) {
	for name, c := range map[string]struct{ file, body, want string }{
		"a release is gone":        {idOf(firstDay).Path(), "", "restore it from a published copy"},
		"a release was changed":    {idOf(firstDay).Path(), "x", "is not the file that was published"},
		"the ledger is gone":       {"ledger/ledger.jsonl", "", "the ledger begins when the first day is closed"},
		"the ledger was changed":   {"ledger/ledger.jsonl", strings.Repeat("x", ledger.EntryBytes), "entry 0"},
		"the receipts are no file": {"receipts", "{}\n", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := state(t, 1)
			if c.body == "" {
				if err := os.Remove(filepath.Join(dir, c.file)); err != nil {
					t.Fatal(err)
				}
			} else {
				write(t, dir, c.file, c.body)
			}
			if _, err := backup.Create(io.Discard, dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestEveryCutAndEveryFlippedByteIsFound(t *testing.T) {
	archive := create(t, state(t, 1))
	for n := 0; n <= bytes.LastIndexByte(archive, '}'); n += 101 { // what follows is padding
		if _, err := backup.Verify(bytes.NewReader(archive[:n])); err == nil {
			t.Fatalf("cut to %d of %d bytes, and nothing was said", n, len(archive))
		}
	}
	flipped, harmless := bytes.Clone(archive), 0
	for n := 0; n < len(archive); n += 47 {
		flipped[n] ^= 0x11
		m, err := backup.Verify(bytes.NewReader(flipped))
		if err == nil { // padding: the files are the same all the same
			harmless++
			if m.Ledger.Entries != 4 || m.Files[len(m.Files)-1].Path != idOf(firstDay).Path() {
				t.Fatalf("byte %d was flipped, and the archive is another: %+v", n, m)
			}
		}
		flipped[n] ^= 0x11
	}
	if harmless > len(archive)/47/4 {
		t.Errorf("%d of %d flipped bytes were not found", harmless, len(archive)/47)
	}
}

func TestForeignFilesAreRefused(t *testing.T) {
	for _, name := range []string{"keys/epoch", "../outside", "/etc/passwd", "releases/../../outside", "releases/www/path/2036-01-01.json", "method/000007.json"} {
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		for _, f := range []struct{ name, body string }{{name, "x"}, {"backup.json", `{"format":"throng/backup/1"}`}} {
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.body))}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, f.body); err != nil {
				t.Fatal(err)
			}
		}
		dir := t.TempDir()
		if _, err := restore(t, archive.Bytes(), backup.Options{Dir: dir, Head: "x"}); err == nil {
			t.Errorf("%s was taken", name)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s left %v, %v", name, left, err)
		}
	}
}

func TestANewerLedgerIsNotReplaced(t *testing.T) {
	dir := state(t, 2)
	archive := create(t, dir)
	m, err := backup.Verify(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	goOn(t, dir, 2)
	for name, damage := range map[string]func(string) error{
		"whole":             func(string) error { return nil },
		"without a head":    func(d string) error { return os.Remove(filepath.Join(d, "ledger/head")) },
		"without its file":  func(d string) error { return os.Remove(filepath.Join(d, "ledger/ledger.jsonl")) },
		"only the releases": func(d string) error { return os.RemoveAll(filepath.Join(d, "ledger")) },
	} {
		t.Run(name, func(t *testing.T) {
			to := t.TempDir()
			if err := errors.Join(os.CopyFS(to, os.DirFS(dir)), damage(to)); err != nil {
				t.Fatal(err)
			}
			before := kept(t, to)
			_, err := restore(t, archive, backup.Options{Dir: to, Head: m.Ledger.Head})
			if !errors.Is(err, backup.ErrOlder) || !strings.Contains(err.Error(), "take a newer backup") {
				t.Errorf("got %v", err)
			}
			if after := kept(t, to); !maps.Equal(before, after) {
				t.Errorf("the directory has changed: %q", slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

func TestAnotherLedgerIsNotReplaced(t *testing.T) {
	archive := create(t, state(t, 1))
	other := state(t, 1)
	if _, err := restore(t, archive, backup.Options{Dir: other, Published: bundle(other)}); !errors.Is(err, backup.ErrOlder) {
		t.Errorf("a published copy of another ledger: %v", err)
	}
	if _, err := restore(t, archive, backup.Options{Dir: t.TempDir(), Head: strings.Repeat("0", 64)}); !errors.Is(err, backup.ErrOlder) {
		t.Errorf("a head of another ledger: %v", err)
	}
	if _, err := restore(t, archive, backup.Options{Dir: t.TempDir()}); err == nil {
		t.Error("restored without asking what was published")
	}
}

func TestWhatWasPublishedSinceIsFetched(t *testing.T) {
	dir := state(t, 2)
	archive := create(t, dir)
	goOn(t, dir, 2)
	to := t.TempDir()
	done, err := restore(t, archive, backup.Options{Dir: to, Published: bundle(dir)})
	if err != nil || done.Fetched != 3 || done.Releases != 4 || done.Open != 0 {
		t.Fatalf("restored %+v, %v", done, err)
	}
	want, got := kept(t, dir), kept(t, to)
	delete(want, "receipts") // are not in a published copy
	delete(got, "receipts")
	if !maps.Equal(want, got) {
		t.Errorf("restored %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	write(t, dir, idOf(firstDay+3).Path(), "another")
	if _, err := restore(t, archive, backup.Options{Dir: t.TempDir(), Published: bundle(dir)}); err == nil || !strings.Contains(err.Error(), "is not the one in the published ledger") {
		t.Errorf("a changed release of the published copy: %v", err)
	}
}

func TestDamageIsMended(t *testing.T) {
	dir := state(t, 3)
	archive := create(t, dir)
	want := kept(t, dir)
	write(t, dir, idOf(firstDay).Path(), "damaged")
	longer := receipts(t, 5)
	write(t, dir, "receipts", longer)
	if err := os.Remove(filepath.Join(dir, "ledger/head")); err != nil {
		t.Fatal(err)
	}
	done, err := restore(t, archive, backup.Options{Dir: dir, Published: bundle(dir)})
	if err != nil || done.Replaced != 1 {
		t.Fatalf("restored %+v, %v", done, err)
	}
	want["receipts"] = longer // they only grow
	if got := kept(t, dir); !maps.Equal(want, got) {
		t.Errorf("restored %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestChainsThatForkAreLeft(t *testing.T) {
	dir := state(t, 2)
	archive := create(t, dir)
	for name, body := range map[string]string{"receipts": "another\n", "method/000001.json": "another"} {
		to := t.TempDir()
		write(t, to, name, body)
		if _, err := restore(t, archive, backup.Options{Dir: to, Published: bundle(dir)}); err == nil || !strings.Contains(err.Error(), "find out which is right") {
			t.Errorf("%s: %v", name, err)
		}
		if read(t, to, name) != body {
			t.Errorf("%s was replaced", name)
		}
	}
}

func TestNoRestoreUnderARunningProgram(t *testing.T) {
	dir := state(t, 1)
	archive := create(t, dir)
	for _, name := range []string{"lock", "receipts", "ledger/lock"} {
		lock, err := durable.LockFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := restore(t, archive, backup.Options{Dir: dir, Published: bundle(dir)}); !errors.Is(err, durable.ErrLocked) {
			t.Errorf("%s is held: %v", name, err)
		}
		if err := lock.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(create(f, state(f, 1)))
	f.Fuzz(func(t *testing.T, archive []byte) {
		if m, err := backup.Verify(bytes.NewReader(archive)); err == nil && m.Ledger.Entries == 0 {
			t.Error("an archive without a ledger was taken")
		}
	})
}
