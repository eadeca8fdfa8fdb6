package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"throng"
)

// LogsStoreName is the Store of the items of [Logs].
const LogsStoreName = "server_logs"

// written is how long after its last change a log may still be written to.
const written = time.Hour

// Logs are the web server's own files. They are the operator's: they are removed only where that was asked
// for, and never while they are written. It is safe for concurrent use.
type Logs struct {
	// Globs name the files: a log and what it was rotated to. Required.
	Globs []string
	// Remove lets DropItem remove files.
	Remove bool
	// First is the time of a file's first line; zero where it cannot be told, and then the file is taken
	// to be as old as its last change. Required.
	First func(path string) (time.Time, error)
	// Clock is required.
	Clock throng.Clock
}

// Items lists the files, each with the times of its oldest line and its last change. Empty ones have no
// oldest line.
func (l *Logs) Items(ctx context.Context) ([]throng.Item, error) {
	var paths []string
	for _, glob := range l.Globs {
		found, err := filepath.Glob(glob)
		if err != nil {
			return nil, fmt.Errorf("list server logs: %w", err)
		}
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	var items []throng.Item
	for _, path := range slices.Compact(paths) {
		item, err := l.describe(path)
		if errors.Is(err, fs.ErrNotExist) { // was rotated away
			continue
		}
		if err != nil {
			return nil, &throng.Retryable{Err: fmt.Errorf("look at server log: %w", err)}
		}
		if item.Bytes > 0 {
			items = append(items, item)
		}
	}
	return items, ctx.Err()
}

func (l *Logs) describe(path string) (throng.Item, error) {
	info, err := os.Stat(path)
	if err != nil {
		return throng.Item{}, err
	}
	if !info.Mode().IsRegular() {
		return throng.Item{}, nil
	}
	item := throng.Item{
		Store: LogsStoreName, Class: throng.ClassServerLogs, Kind: throng.KindServerLog, Name: path,
		Bytes: uint64(info.Size()), Newest: info.ModTime().UTC(),
	}
	if item.Bytes > 0 {
		if item.Oldest, err = l.First(path); err != nil {
			return throng.Item{}, err
		}
		if item.Oldest.IsZero() {
			item.Oldest, item.Note = item.Newest, "no time can be read from its first lines, so its last change counts"
		}
	}
	item.Day = throng.DayOf(item.Oldest)
	switch {
	case l.Clock.Now().Sub(item.Newest) < written:
		item.Note = "is still written; rotate it before its first line is too old"
	case l.Remove:
		item.Removal = throng.RemoveFile
	}
	return item, nil
}

// Read does nothing: Items reads the first lines.
func (*Logs) Read(context.Context, []throng.Item) error { return nil }

// DropItem removes a file that one of the globs names, where Items says that it can be removed. Where the
// operating system refuses, the error may go away: these are somebody else's files.
func (l *Logs) DropItem(_ context.Context, item throng.Item) error {
	if !slices.ContainsFunc(l.Globs, func(glob string) bool { ok, err := filepath.Match(glob, item.Name); return ok && err == nil }) {
		return errors.New("remove server log: no glob names it")
	}
	now, err := l.describe(item.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && now.Removal != throng.RemoveFile {
		err = errors.New("it may not be removed: deletion is not configured, or it is still written")
	}
	if err == nil {
		err = remove(item.Name)
	}
	if err != nil {
		return &throng.Retryable{Err: fmt.Errorf("remove server log: %w", err)}
	}
	return nil
}
