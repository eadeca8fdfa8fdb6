package ledger

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"throng"
	"throng/internal/durable"
)

// The names in a ledger's directory.
const (
	FileName       = "ledger.jsonl"
	headName       = "head"
	lockName       = "lock"
	reservationDir = "reservations"
)

// Ledger is an open ledger and its only writer. It is not safe for concurrent use.
type Ledger struct {
	dir   string
	lock  *durable.Lock
	file  *os.File
	disk  durable.Disk
	chain *chain
	// failed is the error of the first append that may or may not have reached the device. What the
	// file holds is then unknown until it is read again, so nothing more is written.
	failed error
}

// head is the last entry that was acknowledged.
type head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Create starts the ledger of a fresh state directory in dir, which it makes, and opens it. Where
// anything of a ledger exists the error matches [fs.ErrExist].
func Create(dir string) (*Ledger, error) {
	return CreateOn(dir, durable.Disk{})
}

// CreateOn is Create on a disk that a test makes fail.
func CreateOn(dir string, d durable.Disk) (*Ledger, error) {
	if err := d.MkdirAll(filepath.Join(dir, reservationDir)); err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	lock, err := durable.LockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	l := &Ledger{dir: dir, lock: lock, disk: d, chain: newChain()}
	if err := l.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("create ledger: %w", err), l.Close())
	}
	return l, nil
}

// begin writes the genesis entry, then the head. What a crash between the two leaves has spent
// nothing, so a later Create may replace it.
func (l *Ledger) begin() error {
	path, headPath := filepath.Join(l.dir, FileName), filepath.Join(l.dir, headName)
	if _, err := os.Lstat(headPath); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s: %w", headPath, fs.ErrExist), err)
	}
	if st, err := os.Lstat(path); err == nil && st.Size() > EntryBytes {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	e := l.chain.next(Genesis)
	name := make([]byte, 16)
	rand.Read(name) // never fails, by its documentation
	e.Format, e.Ledger = Format, hex.EncodeToString(name)
	line, err := e.encode()
	if err != nil {
		return err
	}
	if err := l.disk.WriteFile(path, line); err != nil {
		return err
	}
	if err := l.writeHead(e); err != nil {
		return err
	}
	l.chain.apply(e)
	l.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600)
	return err
}

// Open opens the ledger in dir, checks it whole and cuts off a torn last entry, which is what a
// crash during an append leaves. Every other damage is an error; the program should stop on it.
func Open(dir string) (*Ledger, error) {
	return OpenOn(dir, durable.Disk{})
}

// OpenOn is Open on a disk that a test makes fail.
func OpenOn(dir string, d durable.Disk) (*Ledger, error) {
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		return nil, fmt.Errorf("open ledger: %w: restore %s from its published copy; a new one would spend the budget of past releases again",
			err, FileName)
	}
	lock, err := durable.LockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{dir: dir, lock: lock, disk: d, chain: newChain()}
	if err := errors.Join(durable.RemoveStaged(dir), l.load()); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), l.Close())
	}
	return l, nil
}

func (l *Ledger) load() error {
	h, err := l.readHead()
	if err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(l.dir, FileName))
	if err != nil {
		return err
	}
	if err := l.replay(data, h); err != nil {
		return fmt.Errorf("%w: restore %s from its published copy", err, FileName)
	}
	l.file, err = os.OpenFile(filepath.Join(l.dir, FileName), os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := l.settle(int64(len(data)), h); err != nil {
		return err
	}
	return l.sweep()
}

func (l *Ledger) readHead() (h head, err error) {
	b, err := os.ReadFile(filepath.Join(l.dir, headName))
	if err != nil {
		return h, fmt.Errorf("%w: without it a cut ledger cannot be told from a whole one; restore it with the ledger", err)
	}
	if err := json.Unmarshal(b, &h); err != nil || h.Seq < 0 {
		return h, fmt.Errorf("%s does not name an entry: restore it with the ledger", headName)
	}
	return h, nil
}

// replay applies the entries of the file. All up to the head must be there and be right; one more may
// follow, whole or torn, since the head is replaced after the append.
func (l *Ledger) replay(data []byte, h head) error {
	acknowledged := int(h.Seq) + 1
	if len(data)/EntryBytes < acknowledged {
		return fmt.Errorf("it was cut: the head is entry %d and the file ends after %d entries", h.Seq, len(data)/EntryBytes)
	}
	if len(data) > (acknowledged+1)*EntryBytes {
		return fmt.Errorf("the head is entry %d but more than one entry follows it: head and ledger are not of one time", h.Seq)
	}
	for i := range acknowledged {
		if err := l.chain.add(data[i*EntryBytes : (i+1)*EntryBytes]); err != nil {
			return err
		}
	}
	if got := l.chain.entries[h.Seq].Hash; got != h.Hash {
		return fmt.Errorf("it is a fork: entry %d has hash %s, the head says %s", h.Seq, got, h.Hash)
	}
	if rest := data[acknowledged*EntryBytes:]; len(rest) == EntryBytes {
		// A whole entry counts though nobody was told of it: a reservation is never taken back. One
		// that cannot be read is torn, and settle cuts it off.
		if e, err := decode(rest); err == nil && l.chain.check(e) == nil {
			l.chain.apply(e)
		}
	}
	return nil
}

// settle makes file and head agree with the chain.
func (l *Ledger) settle(size int64, h head) error {
	if whole := int64(len(l.chain.entries)) * EntryBytes; size != whole {
		if err := errors.Join(l.disk.Truncate(l.file, whole), l.disk.Sync(l.file)); err != nil {
			return fmt.Errorf("cut off torn entry: %w", err)
		}
	}
	if last := l.chain.entries[len(l.chain.entries)-1]; last.Seq != h.Seq {
		// The entry was written by a process that may have died before its fsync.
		if err := l.disk.Sync(l.file); err != nil {
			return fmt.Errorf("sync ledger: %w", err)
		}
		return l.writeHead(last)
	}
	return nil
}

// append makes e the last entry, durably.
func (l *Ledger) append(e Entry) error {
	if l.failed != nil {
		return fmt.Errorf("append to ledger: an earlier append failed, open it again: %w", l.failed)
	}
	if err := l.chain.check(e); err != nil {
		return err
	}
	line, err := e.encode()
	if err != nil {
		return err
	}
	if err := l.write(line, e); err != nil {
		l.failed = err
		return fmt.Errorf("append to ledger: %w", err)
	}
	l.chain.apply(e)
	return nil
}

func (l *Ledger) write(line []byte, e Entry) error {
	if err := l.disk.Write(l.file, line); err != nil {
		return err
	}
	if err := l.disk.Sync(l.file); err != nil {
		return err
	}
	return l.writeHead(e)
}

func (l *Ledger) writeHead(e Entry) error {
	b, err := json.Marshal(head{e.Seq, e.Hash})
	if err != nil {
		return err
	}
	return l.disk.WriteFile(filepath.Join(l.dir, headName), append(b, '\n'))
}

// Reserve sets the budget of a release aside. It returns when the entry is on the device; only then
// may anything be drawn. The error matches [ErrOverdraft] when the release was reserved before or
// the site's budget for the period does not suffice.
func (l *Ledger) Reserve(id throng.ReleaseID, tree int, p throng.Parameters) error {
	e := l.chain.next(Reservation)
	e.Release, e.Tree, e.Parameters = &id, tree, &p
	return l.append(e)
}

// Publish records the SHA-256 of a reserved release's file and then erases its sampling key and its
// staged bytes. The same call made again does nothing; another SHA-256 is an error.
func (l *Ledger) Publish(id throng.ReleaseID, sha256 string) error {
	if a, ok := l.chain.accounts[id]; !ok || a.SHA256 != sha256 {
		e := l.chain.next(Publication)
		e.Release, e.SHA256 = &id, sha256
		if err := l.append(e); err != nil {
			return err
		}
	}
	return l.erase(id)
}

// Sum records a month that was summed from published releases, and the SHA-256 of its file. The same
// call made again does nothing; another SHA-256 is an error.
func (l *Ledger) Sum(id throng.ReleaseID, sha256 string) error {
	if a, ok := l.chain.accounts[id]; ok && a.SHA256 == sha256 {
		return nil
	}
	e := l.chain.next(Sum)
	e.Release, e.SHA256 = &id, sha256
	return l.append(e)
}

// Reservation is the account of a release; ok is false when it was never reserved.
func (l *Ledger) Reservation(id throng.ReleaseID) (a Account, ok bool) {
	if p, found := l.chain.accounts[id]; found {
		return *p, true
	}
	return Account{}, false
}

// Releases are the ids of all releases that were reserved or summed, by site, table, kind of period and
// time.
func (l *Ledger) Releases() []throng.ReleaseID {
	return slices.SortedFunc(maps.Keys(l.chain.accounts), func(a, b throng.ReleaseID) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Table, b.Table),
			cmp.Compare(a.Period.Kind(), b.Period.Kind()), cmp.Compare(a.Period.First(), b.Period.First()))
	})
}

// Unpublished is the number of releases that were reserved and are not published, and the largest share, from 0
// to 1, that is spent of the budget of a site and period that has one. It is 0 where every reservation has its
// release.
func (l *Ledger) Unpublished() (releases int, spent float64) {
	for _, a := range l.chain.accounts {
		if !a.Published() {
			releases++
			spent = max(spent, l.chain.budgets[period{a.Release.Site, a.Release.Period}].weight)
		}
	}
	return releases, spent
}

// Entries are all entries, oldest first. They belong to the caller.
func (l *Ledger) Entries() []Entry { return slices.Clone(l.chain.entries) }

// Close gives the ledger back.
func (l *Ledger) Close() error {
	var err error
	if l.file != nil {
		err = l.file.Close()
	}
	return errors.Join(err, l.lock.Unlock())
}
