package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// find opens the file of a checkpoint: at its path, else beside it under another name, else a copy.
func (w *follower) find(want file, done uint64) (file, *os.File, error) {
	var open *os.File
	var found file
	err := w.siblings(want.Path, func(at file, f *os.File, size uint64) bool {
		if at.same(want) && reaches(at, f, size, done) {
			found, open = at, f
		}
		return open != nil
	})
	if err != nil || open != nil {
		return found, open, err
	}
	return w.findCopy(want, done)
}

// findCopy opens a file that begins like want, is another one and has at least done bytes.
func (w *follower) findCopy(want file, done uint64) (file, *os.File, error) {
	var open *os.File
	var found file
	err := w.siblings(want.Path, func(at file, f *os.File, size uint64) bool {
		taken := slices.ContainsFunc(w.files, func(fo *followed) bool { return fo.at.same(at) }) ||
			slices.ContainsFunc(w.archives, func(a *archive) bool { return a.at.same(at) })
		if at.Print == want.Print && at.Inode != want.Inode && !taken && reaches(at, f, size, done) {
			found, open = at, f
		}
		return open != nil
	})
	if err == nil && open == nil {
		err = fs.ErrNotExist
	}
	return found, open, err
}

// siblings opens, one after the other, the file at path and those beside it whose names begin with
// its name, as rotation makes them, newest first. A file for which take is true stays open. A file can
// be renamed after its directory was listed and before it is opened, and is then met under neither
// name: all are looked at again until none was renamed, added or deleted meanwhile.
func (w *follower) siblings(path string, take func(at file, f *os.File, size uint64) bool) error {
	names, err := rotatedNames(path)
	if err != nil {
		return err
	}
	for {
		taken, err := w.takeOne(names, take)
		if taken || err != nil {
			return err
		}
		now, err := rotatedNames(path)
		if err != nil || slices.EqualFunc(names, now, rotatedName.same) {
			return err
		}
		names = now
	}
}

// takeOne opens files until take is true for one, which stays open.
func (w *follower) takeOne(names []rotatedName, take func(at file, f *os.File, size uint64) bool) (bool, error) {
	for _, n := range slices.SortedFunc(slices.Values(names), func(a, b rotatedName) int { return b.changed.Compare(a.changed) }) {
		at, f, size, err := w.ship.key.open(n.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return false, err
		}
		if take(at, f, size) {
			return true, nil
		}
		if err := f.Close(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// rotatedName is a name that a file or a rotated generation of it has.
type rotatedName struct {
	path          string
	device, inode uint64
	changed       time.Time
}

// same tells whether a name still leads to the same file.
func (n rotatedName) same(o rotatedName) bool {
	return n.path == o.path && n.device == o.device && n.inode == o.inode
}

// rotatedNames are the names beside path that begin with its name, in their order.
func rotatedNames(path string) ([]rotatedName, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("look for a rotated file: %w", err)
	}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	var names []rotatedName
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), stem) {
			continue
		}
		n := rotatedName{path: filepath.Join(filepath.Dir(path), e.Name())}
		st, err := e.Info()
		switch {
		case err == nil:
			n.device, n.inode = number(st)
			n.changed = st.ModTime()
		case !errors.Is(err, fs.ErrNotExist): // else renamed since, which the next listing shows
			return nil, fmt.Errorf("look for a rotated file: %w", err)
		}
		names = append(names, n)
	}
	return names, nil
}
