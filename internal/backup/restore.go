package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"throng"
	"throng/aggregate/ledger"
	"throng/internal/durable"
)

// ErrOlder says that a ledger would become shorter than it was, or another one: released days could be drawn
// again.
var ErrOlder = errors.New("the backup's ledger is not up to date")

// Published is where all that was published lies, by the names of [throng.Manifest]. The error of a file that
// does not exist wraps [fs.ErrNotExist].
type Published interface {
	ReadFile(ctx context.Context, name string) ([]byte, error)
}

// Options configure a restore.
type Options struct {
	// Dir is the state directory; it is made where it is missing. No program may be at work in it. Required.
	Dir string
	// Published is the latest published copy. What it has and the archive has not is restored from it. This or
	// Head is required.
	Published Published
	// Head is the hash of the last entry of the ledger, as far as whoever restores knows; the ledger has to hold it.
	Head string
}

// Restored says what a restore brought back.
type Restored struct {
	Ledger End
	// Fetched is the number of ledger entries that are of the published copy and not of the archive.
	Fetched int
	// Releases is the number of release files, and Replaced how many of them were there with other content.
	Releases, Replaced int
	// Open is the number of reservations without a release.
	Open int
}

// Restore reads an archive twice, first to check it, and brings its files back into the directory. It writes
// nothing unless the ledger that would result has every entry that is known of otherwise; the error matches
// [ErrOlder] where it has not, and [durable.ErrLocked] where a program is at work in the directory.
func Restore(ctx context.Context, archive io.ReadSeeker, o Options) (Restored, error) {
	if o.Dir == "" || o.Published == nil && o.Head == "" {
		return Restored{}, errors.New("restore backup: a required option is missing")
	}
	c, err := read(archive)
	if err != nil {
		return Restored{}, fmt.Errorf("restore backup: %w", err)
	}
	r := &restore{Options: o, contents: c, fetched: map[string][]byte{}}
	if err := r.complete(ctx); err != nil {
		return Restored{}, fmt.Errorf("restore backup: %w", err)
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return Restored{}, fmt.Errorf("restore backup: %w", err)
	}
	if err := r.run(archive); err != nil {
		return Restored{}, fmt.Errorf("restore backup: %w", err)
	}
	return r.done, nil
}

// restore is one restore on its way.
type restore struct {
	Options
	*contents
	fetched map[string][]byte // releases that the archive does not have
	done    Restored
}

// complete takes what was published after the archive was made, and asks whether the ledger is up to date then.
func (r *restore) complete(ctx context.Context) error {
	if r.Published != nil {
		if err := r.fetch(ctx); err != nil {
			return fmt.Errorf("read published copy: %w", err)
		}
	}
	if r.Head != "" && !slices.ContainsFunc(r.entries, func(e ledger.Entry) bool { return e.Hash == r.Head }) {
		return fmt.Errorf("%w: it has no entry with the given hash: take a newer backup, or name the published copy", ErrOlder)
	}
	r.done.Ledger, r.done.Open = endOf(r.entries), openIn(r.entries)
	return nil
}

// fetch extends the ledger by that of the published copy, and reads what its further entries name.
func (r *restore) fetch(ctx context.Context) error {
	body, err := r.Published.ReadFile(ctx, throng.LedgerName)
	if err != nil {
		return err
	}
	longer, err := longerOf(r.ledger, body)
	if err != nil {
		return fmt.Errorf("%w: the published ledger and the backup's are two: find out which is right", ErrOlder)
	}
	known := len(r.entries)
	if r.entries, err = ledger.Read(bytes.NewReader(longer)); err != nil {
		return err
	}
	r.ledger, r.done.Fetched = longer, len(r.entries)-known
	for _, e := range r.entries[known:] {
		if e.SHA256 == "" {
			continue
		}
		release, err := r.Published.ReadFile(ctx, e.Release.Path())
		if err == nil && hashOf(release) != e.SHA256 {
			err = errors.New("is not the one in the published ledger")
		}
		if err != nil {
			return fmt.Errorf("release %s: %w", e.Release, err)
		}
		r.fetched[e.Release.Path()] = release
	}
	return r.fetchMethods(ctx)
}

func (r *restore) fetchMethods(ctx context.Context) error {
	for {
		name := throng.MethodVersion{Number: len(r.methods) + 1}.Path()
		body, err := r.Published.ReadFile(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = checkMethod(r.methods, body)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.methods = append(r.methods, body)
	}
}

// run checks what is in the directory, then writes. The file that says that there was a ledger comes first and
// the ledger last, so that after a crash in between no program starts a new one.
func (r *restore) run(archive io.Reader) (err error) {
	if err := durable.MkdirAll(r.Dir); err != nil {
		return err
	}
	for _, name := range []string{"lock", receiptsName, holdsName} { // held by those who write them
		lock, err := durable.LockFile(at(r.Dir, name))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Unlock()) }()
	}
	if err := r.compare(); err != nil {
		return err
	}
	if err := r.writeState(); err != nil {
		return err
	}
	if err := r.writeReleases(archive); err != nil {
		return err
	}
	return older(ledger.Replace(at(r.Dir, path.Dir(throng.LedgerName)), r.ledger))
}

// compare refuses to write over anything that is newer than what is to be written.
func (r *restore) compare() error {
	if err := older(ledger.Precedes(at(r.Dir, path.Dir(throng.LedgerName)), r.ledger)); err != nil {
		return err
	}
	if err := r.compareReleases(); err != nil {
		return err
	}
	if err := r.compareMethods(); err != nil {
		return err
	}
	for name, body := range r.state {
		kept, err := r.kept(name, body)
		if err != nil {
			return err
		}
		r.state[name] = kept
	}
	return nil
}

// older says what to do where the directory's ledger is the newer one.
func older(err error) error {
	if errors.Is(err, ledger.ErrNotPreceding) {
		return fmt.Errorf("%w: %w: take a newer backup, or restore into an empty directory and compare", ErrOlder, err)
	}
	return err
}

// compareReleases looks for release files that the ledger does not know: they were made after it.
func (r *restore) compareReleases() error {
	known := map[string]bool{}
	for _, e := range r.entries {
		if e.Release != nil {
			known[e.Release.Path()] = true
		}
	}
	files, err := filepath.Glob(at(r.Dir, throng.ReleasesName+"/*/*/*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		name, err := filepath.Rel(r.Dir, f)
		if err != nil {
			return err
		}
		if !known[filepath.ToSlash(name)] {
			return fmt.Errorf("%w: %s is of a release that it does not know: take a newer backup", ErrOlder, f)
		}
	}
	return nil
}

// compareMethods refuses to change a version of the method.
func (r *restore) compareMethods() error {
	for i, body := range r.methods {
		file := at(r.Dir, throng.MethodVersion{Number: i + 1}.Path())
		there, err := os.ReadFile(file)
		if err == nil && !bytes.Equal(there, body) {
			err = fmt.Errorf("%s is another version of the method than the backup's: find out which is right, and move the other away", file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// kept decides between the file in the directory and the archive's: a chain of lines only grows, and limits that
// are there are at least as new.
func (r *restore) kept(name string, body []byte) ([]byte, error) {
	there, err := os.ReadFile(at(r.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return body, nil
	}
	if err != nil || !grows(name) {
		return there, err
	}
	longer, err := longerOf(body, there[:bytes.LastIndexByte(there, '\n')+1])
	if err != nil {
		return nil, fmt.Errorf("%s and that of the backup are two: find out which is right, and move the other away", at(r.Dir, name))
	}
	return longer, nil
}

// longerOf is the longer one of two files of which one is the beginning of the other.
func longerOf(a, b []byte) ([]byte, error) {
	if len(b) > len(a) {
		a, b = b, a
	}
	if !bytes.HasPrefix(a, b) {
		return nil, errors.New("neither is the beginning of the other")
	}
	return a, nil
}

func (r *restore) writeState() error {
	names := []string{genesisName}
	if _, ok := r.state[genesisName]; !ok {
		r.state[genesisName] = []byte("the ledger was restored\n")
	}
	for name := range r.state {
		if name != genesisName {
			names = append(names, name)
		}
	}
	slices.Sort(names[1:])
	for _, name := range names {
		if err := durable.WriteFile(at(r.Dir, name), r.state[name]); err != nil {
			return err
		}
	}
	for i, body := range r.methods {
		name := throng.MethodVersion{Number: i + 1}.Path()
		if err := durable.MkdirAll(filepath.Dir(at(r.Dir, name))); err != nil {
			return err
		}
		if err := durable.WriteFile(at(r.Dir, name), body); err != nil {
			return err
		}
	}
	return nil
}

// writeReleases reads the archive again, for its releases, and then writes those that it does not have.
func (r *restore) writeReleases(archive io.Reader) error {
	_, err := each(archive, func(name string, body []byte) error {
		if !strings.HasPrefix(name, throng.ReleasesName+"/") {
			return nil
		}
		if r.releases[name] != hashOf(body) {
			return errors.New("the archive has changed while it was read")
		}
		return r.writeRelease(name, body)
	})
	if err != nil {
		return err
	}
	for name, body := range r.fetched {
		if err := r.writeRelease(name, body); err != nil {
			return err
		}
	}
	return nil
}

// writeRelease writes a release that the ledger has the hash of, over whatever has its name.
func (r *restore) writeRelease(name string, body []byte) error {
	file := at(r.Dir, name)
	r.done.Releases++
	there, err := os.ReadFile(file)
	switch {
	case err == nil && bytes.Equal(there, body):
		return nil
	case err == nil:
		r.done.Replaced++
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(file)); err != nil {
		return err
	}
	return durable.WriteFile(file, body)
}
