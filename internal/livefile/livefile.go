// Package livefile keeps what is made of a file at hand, and makes it anew when the file changes.
//
// It guarantees: readers never wait and see the old value or the new one, whole; a file that cannot be
// read, or that changes while it is read, changes nothing, and is said once, at most every hour again
// as long as it stays so. A change is noticed by the file's modification time, size, device and inode,
// so a writer should replace the file atomically (rename); one that keeps all four is not noticed.
//
// It does not keep the file open, and it maps nothing into memory: a file that is truncated while it is
// in use harms nobody.
package livefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"throng"
)

// Options say which file it is and what is made of it.
type Options[T any] struct {
	// Name is what the file is called in the log, such as "opt-out list". Required.
	Name string
	// Path is the file. Required.
	Path string
	// Also are files that Load reads as well, such as a key: a change of any makes the value anew.
	Also []string
	// Load makes the value of the file at Path. Its error must hold none of the file's content. Required.
	Load func() (*T, error)
	// Missing is the value as long as there is no file at Path. Defaults to none: then a file that is
	// missing is an error. A file that was there and is gone is one in any case.
	Missing *T
	Clock   throng.Clock // Required.
	Logger  *slog.Logger // Required.
	// Every is the time between two looks at the file. Defaults to 10 s.
	Every time.Duration
}

// sayAgain is the time after which a file that still cannot be read is said again.
const sayAgain = time.Hour

// File is a file and what was made of it. Value may be called from anywhere; Check belongs to one
// goroutine, that of Run once it runs.
type File[T any] struct {
	o       Options[T]
	current atomic.Pointer[T]
	stamps  []stamp   // of the files that current was made of
	failed  string    // the last error; "" after a success
	said    time.Time // when it was logged
}

// stamp tells versions of a file apart. The zero value is a file that does not exist.
type stamp struct {
	modified   time.Time
	size       int64
	dev, inode uint64
}

// Open reads the file for the first time. Nothing runs before Run.
func Open[T any](o Options[T]) (*File[T], error) {
	if o.Name == "" || o.Path == "" || o.Load == nil || o.Clock == nil || o.Logger == nil {
		return nil, errors.New("open live file: a required option is missing")
	}
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	f := &File[T]{o: o}
	if _, err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// Value is what was made of the file when it could last be read.
func (f *File[T]) Value() *T { return f.current.Load() }

// Run looks at the file again and again until ctx ends; then it returns nil.
func (f *File[T]) Run(ctx context.Context) error {
	for {
		t := f.o.Clock.NewTimer(f.o.Every)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
			f.Check()
		}
	}
}

// Check looks at the file once and tells whether there is a new value. What fails is logged and tried
// again at the next look: the old value stays in use meanwhile.
func (f *File[T]) Check() (changed bool) {
	changed, err := f.load()
	now := f.o.Clock.Now()
	switch {
	case err != nil && (err.Error() != f.failed || now.Sub(f.said) >= sayAgain):
		f.failed, f.said = err.Error(), now
		f.o.Logger.Error("a file cannot be loaded: what was loaded before stays in use", slog.String("file", f.o.Name), slog.Any("error", err))
	case err == nil && (changed || f.failed != ""):
		f.failed = ""
		f.o.Logger.Info("file loaded", slog.String("file", f.o.Name))
	}
	return changed
}

// load makes the value anew where a file has changed.
func (f *File[T]) load() (changed bool, err error) {
	before, err := f.look()
	if err != nil {
		return false, fmt.Errorf("load %s: %w", f.o.Name, err)
	}
	if f.current.Load() != nil && equal(before, f.stamps) {
		return false, nil
	}
	value := f.o.Missing
	if exists := before[0] != (stamp{}); exists || value == nil {
		if value, err = f.o.Load(); err != nil {
			return false, fmt.Errorf("load %s: %w", f.o.Name, err)
		}
	} else if len(f.stamps) > 0 && f.stamps[0] != (stamp{}) {
		return false, fmt.Errorf("load %s: %s is gone; put it back", f.o.Name, f.o.Path)
	}
	after, err := f.look()
	if err != nil {
		return false, fmt.Errorf("load %s: %w", f.o.Name, err)
	}
	if !equal(before, after) {
		return false, fmt.Errorf("load %s: %s changed while it was read; replace it by a rename, so that it is whole at any time", f.o.Name, f.o.Path)
	}
	f.stamps = after
	f.current.Store(value)
	return true, nil
}

func (f *File[T]) look() ([]stamp, error) {
	var stamps []stamp
	for _, path := range append([]string{f.o.Path}, f.o.Also...) {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			stamps = append(stamps, stamp{})
			continue
		}
		if err != nil {
			return nil, err
		}
		s := stamp{modified: info.ModTime(), size: info.Size()}
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			s.dev, s.inode = uint64(sys.Dev), uint64(sys.Ino) //nolint:unconvert // their types differ from system to system
		}
		stamps = append(stamps, s)
	}
	return stamps, nil
}

func equal(a, b []stamp) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].modified.Equal(b[i].modified) || a[i].size != b[i].size || a[i].dev != b[i].dev || a[i].inode != b[i].inode {
			return false
		}
	}
	return true
}
