package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"throng/internal/durable"
)

// ErrNotPreceding says that a directory's ledger has entries that another one has not.
var ErrNotPreceding = errors.New("the ledger that is there has entries that the other has not")

// Precedes tells whether all that is left of the ledger in dir is the beginning of a whole ledger's file. A
// directory without one precedes every ledger. The error matches [ErrNotPreceding] where it does not.
func Precedes(dir string, file []byte) error {
	there, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("compare ledgers: %w", err)
	}
	if !bytes.HasPrefix(file, there[:len(there)/EntryBytes*EntryBytes]) {
		return fmt.Errorf("compare ledgers: %s: %w", filepath.Join(dir, FileName), ErrNotPreceding)
	}
	var h head
	b, err := os.ReadFile(filepath.Join(dir, headName))
	if errors.Is(err, fs.ErrNotExist) || err == nil && json.Unmarshal(b, &h) != nil { // a damaged head tells nothing
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare ledgers: %w", err)
	}
	entries, err := Read(bytes.NewReader(file))
	if err == nil && (h.Seq < 0 || h.Seq >= int64(len(entries)) || entries[h.Seq].Hash != h.Hash) {
		err = fmt.Errorf("%s names entry %d: %w", filepath.Join(dir, headName), h.Seq, ErrNotPreceding)
	}
	if err != nil {
		return fmt.Errorf("compare ledgers: %w", err)
	}
	return nil
}

// Replace puts a whole ledger's file into dir, which it makes, in the place of one that precedes it. The error
// matches [ErrNotPreceding] where that one does not, and [durable.ErrLocked] where it is open.
func Replace(dir string, file []byte) (err error) {
	entries, err := Read(bytes.NewReader(file))
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(dir); err != nil {
		return fmt.Errorf("replace ledger: %w", err)
	}
	lock, err := durable.LockFile(filepath.Join(dir, lockName))
	if err != nil {
		return fmt.Errorf("replace ledger: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if err := Precedes(dir, file); err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, FileName), file); err != nil {
		return fmt.Errorf("replace ledger: %w", err)
	}
	l := Ledger{dir: dir}
	if err := l.writeHead(entries[len(entries)-1]); err != nil {
		return fmt.Errorf("replace ledger: %w", err)
	}
	return nil
}
