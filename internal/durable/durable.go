// Package durable writes files that survive a crash: whole files by atomic rename, and a lock that
// keeps a second process out of a directory.
//
// A nil error means that the bytes and the name are on the device, as far as the file system and
// the device keep their promise of fsync. An error can come after the change was made, when only its
// durability is unknown; the caller reads what is there. Files are created with mode 0600, directories
// with 0700.
//
// A file is written under another name first. A crash can leave that copy behind, with all that the
// file was to hold: [RemoveStaged] at the start of the program takes such copies away.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// WriteFile replaces the file at path by data, atomically: after a crash there is the old file or
// the new one, never a mixture.
func WriteFile(path string, data []byte) error { return Disk{}.WriteFile(path, data) }

// WriteOnce creates the file at path with data. Where a file of that name exists it returns an error
// that matches [fs.ErrExist] and leaves that file as it is.
func WriteOnce(path string, data []byte) error { return Disk{}.WriteOnce(path, data) }

// stagedMark is in the name of every file that is being written, and of no other.
const stagedMark = ".tmp-"

// RemoveStaged removes what a crash left half done in a directory: unfinished files, and second names
// of finished ones. Nobody may write in the directory meanwhile. A missing directory is no error.
func RemoveStaged(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	removed := false
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") || !strings.Contains(e.Name(), stagedMark) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
		removed = true
	}
	if !removed {
		return nil
	}
	return SyncDir(dir)
}

// SyncDir makes the names in a directory durable.
func SyncDir(dir string) error { return Disk{}.SyncDir(dir) }

// MkdirAll creates a directory and its parents with mode 0700 and makes their names durable.
func MkdirAll(dir string) error { return Disk{}.MkdirAll(dir) }

// Shred overwrites a file with zeros in place, syncs it and removes it. On file systems that copy
// on write, and on devices that remap, old bytes can outlive it. A missing file is no error.
func Shred(path string) error { return Disk{}.Shred(path) }

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("in use by another process")

// Lock is a lock on a file, held until Unlock or the end of the process.
type Lock struct{ f *os.File }

// LockFile takes the lock at path, creating the file where it is missing. It does not wait: where
// another process holds the lock, the error matches [ErrLocked].
func LockFile(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return &Lock{f}, nil
}

// Unlock gives the lock back. The file stays.
func (l *Lock) Unlock() error { return l.f.Close() }
