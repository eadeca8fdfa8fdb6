package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Step is one change that a [Disk] makes.
type Step struct {
	// Op is the system call's name: mkdir, create, write, fsync, rename, link, unlink or truncate.
	Op string
	// Path is the file or directory that is changed; for rename and link the new name.
	Path string
	// Data is what is written; nil for all but write.
	Data []byte
}

// Disk changes files, one step after the other. The zero value is the machine's disk; the functions of
// this package are its methods.
type Disk struct {
	// Around is called for each step with what makes it. A test fails a step without calling do, after
	// it, or half way through. Defaults to calling do.
	Around func(s Step, do func() error) error
}

func (d Disk) step(op, path string, do func() error) error {
	if d.Around == nil {
		return do()
	}
	return d.Around(Step{Op: op, Path: path}, do)
}

// Write appends data to an open file, or writes it where the file stands.
func (d Disk) Write(f *os.File, data []byte) error {
	do := func() error {
		_, err := f.Write(data)
		return err
	}
	if d.Around == nil {
		return do()
	}
	return d.Around(Step{Op: "write", Path: f.Name(), Data: data}, do)
}

// Sync makes what was written to an open file durable.
func (d Disk) Sync(f *os.File) error { return d.step("fsync", f.Name(), f.Sync) }

// Truncate cuts an open file.
func (d Disk) Truncate(f *os.File, size int64) error {
	return d.step("truncate", f.Name(), func() error { return f.Truncate(size) })
}

// WriteFile is [WriteFile] on this disk.
func (d Disk) WriteFile(path string, data []byte) error {
	tmp, err := d.stage(path, data)
	if err != nil {
		return err
	}
	if err := d.step("rename", path, func() error { return os.Rename(tmp, path) }); err != nil {
		return d.undo(err, tmp)
	}
	return d.SyncDir(filepath.Dir(path))
}

// WriteOnce is [WriteOnce] on this disk.
func (d Disk) WriteOnce(path string, data []byte) error {
	tmp, err := d.stage(path, data)
	if err != nil {
		return err
	}
	if err := d.step("link", path, func() error { return os.Link(tmp, path) }); err != nil {
		return d.undo(err, tmp)
	}
	if err := d.remove(tmp); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}

// stage writes data to a new file beside path and syncs it.
func (d Disk) stage(path string, data []byte) (name string, err error) {
	var f *os.File
	err = d.step("create", path, func() (err error) {
		f, err = os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+stagedMark+"*")
		return err
	})
	if f == nil {
		return "", err
	}
	if err == nil {
		err = d.Write(f, data)
	}
	if err == nil {
		err = d.Sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", d.undo(err, f.Name())
	}
	return f.Name(), nil
}

// undo removes a file that was staged in vain, if it is there still.
func (d Disk) undo(err error, tmp string) error {
	if again := d.remove(tmp); !errors.Is(again, fs.ErrNotExist) {
		err = errors.Join(err, again)
	}
	return err
}

func (d Disk) remove(path string) error {
	return d.step("unlink", path, func() error { return os.Remove(path) })
}

// SyncDir is [SyncDir] on this disk.
func (d Disk) SyncDir(dir string) error {
	return d.step("fsync", dir, func() error {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// MkdirAll is [MkdirAll] on this disk.
func (d Disk) MkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if err := d.MkdirAll(parent); err != nil {
		return err
	}
	err := d.step("mkdir", dir, func() error { return os.Mkdir(dir, 0o700) })
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.SyncDir(parent)
}

// Shred is [Shred] on this disk.
func (d Disk) Shred(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := errors.Join(d.zero(f), f.Close()); err != nil {
		return err
	}
	if err := d.remove(path); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}

func (d Disk) zero(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := d.Write(f, make([]byte, st.Size())); err != nil {
		return err
	}
	return d.Sync(f)
}
