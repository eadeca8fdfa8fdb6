package optout

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"throng"
	"throng/internal/durable"
	"throng/internal/livefile"
)

// Files are where a list and its key lie.
type Files struct {
	List, Key string
}

// Load reads list and key. Where there is no list, the error matches [io/fs.ErrNotExist].
func (f Files) Load() (*List, error) {
	file, err := os.Open(f.List)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; restore it if it was lost, else make it with `throng optout add`", err)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	key, err := ReadKey(f.Key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is a list, %s, but not its key, %s: copy that from where the list was made", f.List, f.Key)
	}
	if err != nil {
		return nil, err
	}
	l, err := Read(file, key)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.List, err)
	}
	return l, nil
}

// Update replaces the list by what change makes of it, durably and atomically, and makes list and key
// where there are none. It keeps other updates out meanwhile.
func (f Files) Update(change func(*List) (*List, error)) error {
	if err := durable.MkdirAll(filepath.Dir(f.List)); err != nil {
		return fmt.Errorf("update opt-out list: %w", err)
	}
	lock, err := durable.LockFile(f.List + ".lock")
	if err != nil {
		return fmt.Errorf("update opt-out list: %w", err)
	}
	return errors.Join(f.update(change), lock.Unlock())
}

func (f Files) update(change func(*List) (*List, error)) error {
	before, err := f.Load()
	if errors.Is(err, fs.ErrNotExist) {
		before, err = f.begin()
	}
	if err != nil {
		return fmt.Errorf("update opt-out list: %w", err)
	}
	after, err := change(before)
	if err != nil {
		return fmt.Errorf("update opt-out list: %w", err)
	}
	var b bytes.Buffer
	if err := after.Write(&b); err != nil {
		return fmt.Errorf("update opt-out list: %w", err)
	}
	if err := durable.WriteFile(f.List, b.Bytes()); err != nil {
		return fmt.Errorf("update opt-out list: %w", err)
	}
	return nil
}

// begin is a list of nobody, under the key that is there or a new one.
func (f Files) begin() (*List, error) {
	key, err := ReadKey(f.Key)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = CreateKey(f.Key)
	}
	if err != nil {
		return nil, err
	}
	return New(key), nil
}

// LiveOptions say how a list is kept up to date.
type LiveOptions struct {
	Files
	// Required says that the list must be there. Defaults to false: where there is neither a list nor
	// its key, nobody is on it until there is one. A key without its list is an error in any case: the
	// list was lost.
	Required bool
	Clock    throng.Clock // Required.
	Logger   *slog.Logger // Required.
	// Every is the time between two looks at the files. Defaults to 10 s.
	Every time.Duration
}

// Live is the list as its file has it. Its methods may be called from anywhere.
type Live struct{ *livefile.File[List] }

// Open reads the list. Run of what it returns reads it again whenever list or key change; as long as
// they cannot be read, the list stays what it is.
func Open(o LiveOptions) (*Live, error) {
	lo := livefile.Options[List]{
		Name: "opt-out list", Path: o.List, Also: []string{o.Key}, Load: o.Load, Clock: o.Clock, Logger: o.Logger, Every: o.Every,
	}
	if _, err := os.Stat(o.Key); errors.Is(err, fs.ErrNotExist) && !o.Required {
		lo.Missing = New(&Key{}) // nobody ever made a list here
	}
	f, err := livefile.Open(lo)
	if err != nil {
		return nil, err
	}
	return &Live{f}, nil
}

// HasAccount tells whether an account is on the list.
func (l *Live) HasAccount(account []byte) bool { return l.Value().HasAccount(account) }

// HasCookie tells whether a cookie's value is on the list.
func (l *Live) HasCookie(value []byte) bool { return l.Value().HasCookie(value) }
