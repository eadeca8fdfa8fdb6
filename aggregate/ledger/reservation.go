package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"throng"
)

// What is kept of an open reservation: its sampling key and, once drawn, the release.
const (
	keySuffix    = ".key"
	stagedSuffix = ".staged"
)

var suffixes = [...]string{keySuffix, stagedSuffix}

// KeyBytes is the size of a sampling key.
const KeyBytes = 16

// SamplingKey is the key by which the cells of a device are chosen for this reservation. It is drawn at
// the first call and is the same until the release is published, when it is erased.
func (l *Ledger) SamplingKey(id throng.ReleaseID) (key [KeyBytes]byte, err error) {
	if err := l.checkOpen(id); err != nil {
		return key, fmt.Errorf("get sampling key: %w", err)
	}
	path := l.reservationPath(id, keySuffix)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		rand.Read(key[:]) // never fails, by its documentation
		if err := l.disk.WriteFile(path, key[:]); err != nil {
			return key, fmt.Errorf("write sampling key: %w", err)
		}
		return key, nil
	}
	if err != nil {
		return key, fmt.Errorf("read sampling key: %w", err)
	}
	if copy(key[:], b) != KeyBytes || len(b) != KeyBytes {
		return key, fmt.Errorf("read sampling key: %d bytes, want %d", len(b), KeyBytes)
	}
	return key, nil
}

// Stage keeps the bytes of a drawn release until it is published. Once staged, they are the release:
// a reservation is staged once.
func (l *Ledger) Stage(id throng.ReleaseID, release []byte) error {
	_, ok, err := l.Staged(id)
	if err == nil && ok {
		err = fs.ErrExist
	}
	if err == nil {
		err = l.disk.WriteFile(l.reservationPath(id, stagedSuffix), release)
	}
	if err != nil {
		return fmt.Errorf("stage release: %w", err)
	}
	return nil
}

// Staged is the staged release; ok is false when there is none.
func (l *Ledger) Staged(id throng.ReleaseID) (release []byte, ok bool, err error) {
	if err := l.checkOpen(id); err != nil {
		return nil, false, fmt.Errorf("read staged release: %w", err)
	}
	release, err = os.ReadFile(l.reservationPath(id, stagedSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read staged release: %w", err)
	}
	return release, true, nil
}

// checkOpen tells whether the release has an open reservation.
func (l *Ledger) checkOpen(id throng.ReleaseID) error {
	a, ok := l.chain.accounts[id]
	switch {
	case !ok:
		return fmt.Errorf("%s was never reserved", id)
	case a.Published():
		return fmt.Errorf("%s is published", id)
	}
	return nil
}

func (l *Ledger) erase(id throng.ReleaseID) error {
	for _, suffix := range suffixes {
		if err := l.disk.Shred(l.reservationPath(id, suffix)); err != nil {
			return fmt.Errorf("erase reservation: %w", err)
		}
	}
	return nil
}

// sweep erases every file that belongs to no open reservation: what a crash left between a
// publication and its erasure, or in the middle of writing a key.
func (l *Ledger) sweep() error {
	dir := filepath.Join(l.dir, reservationDir)
	if err := l.disk.MkdirAll(dir); err != nil {
		return err
	}
	keep := map[string]bool{}
	for id, a := range l.chain.accounts {
		for _, suffix := range suffixes {
			keep[l.reservationPath(id, suffix)] = !a.Published()
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if path := filepath.Join(dir, f.Name()); !keep[path] {
			if err := l.disk.Shred(path); err != nil {
				return fmt.Errorf("erase reservation: %w", err)
			}
		}
	}
	return nil
}

// reservationPath escapes the separators of a release id, so that each id has a name of its own.
func (l *Ledger) reservationPath(id throng.ReleaseID, suffix string) string {
	return filepath.Join(l.dir, reservationDir, url.PathEscape(id.String())+suffix)
}
