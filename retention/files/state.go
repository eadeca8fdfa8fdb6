package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"throng"
	"throng/internal/durable"
)

// StoreName is the Store of the items of a [State].
const StoreName = "files"

// Rule says what a file is by its path.
type Rule struct {
	// Path is what the beginning of the path below the directory looks like, with slashes. What it matches
	// names the item, so that all files below a directory can be one. A group called day holds the event
	// day, as 2006-01-02 or 20060102; without one it is the day of the last change. A group called end holds
	// the last day that the item may be kept. Required.
	Path *regexp.Regexp
	// Name defaults to what Path matched. Files of one name are one item.
	Name string
	// Links allows symbolic links; what is behind them is not looked at.
	Links bool
	// Class, Kind and Removal are the item's. An empty class is for files that another store lists: they
	// are left out.
	Class   throng.Class
	Kind    throng.ItemKind
	Removal throng.Removal
	// Lives is how long after its last change the item is needed; zero leaves its end to its class.
	Lives time.Duration
	// Note is for people.
	Note string
}

// State is a directory all of whose files are known by rules, or reported. The first rule that matches
// counts. It is safe for concurrent use.
type State struct {
	// Dir is the directory. Required.
	Dir string
	// Rules are tried in order. Required.
	Rules []Rule
	// Clock is the program's and Machine the one that gives files the time of their last change. They are the
	// same, unless the program's was moved. Required.
	Clock, Machine throng.Clock
}

// Items walks the directory.
func (s *State) Items(ctx context.Context) ([]throng.Item, error) {
	items := map[string]throng.Item{}
	err := filepath.WalkDir(s.Dir, func(at string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // went away meanwhile
			return nil
		case err != nil:
			return err
		case d.IsDir():
			return ctx.Err()
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(s.Dir, at)
		if err == nil {
			s.add(items, filepath.ToSlash(rel), info)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("walk state directory: %w", err)
	}
	return slices.SortedFunc(maps.Values(items), func(a, b throng.Item) int { return cmp.Compare(a.Name, b.Name) }), nil
}

// add takes a file into the item that it is of.
func (s *State) add(items map[string]throng.Item, rel string, info fs.FileInfo) {
	item, rule := s.describe(rel)
	if kind := info.Mode() & fs.ModeType; kind != 0 && !(kind == fs.ModeSymlink && rule.Links) { // a link, a socket or a device
		item, rule = throng.Item{Name: rel, Kind: throng.KindFile, Note: "is a link, a socket or a device, behind which nothing is looked at"}, Rule{}
	} else if rule.Path != nil && rule.Class == "" {
		return
	}
	item.Store = StoreName
	if old, ok := items[item.Name]; ok {
		item.Bytes, item.Newest = old.Bytes, old.Newest
	}
	item.Bytes += uint64(info.Size())
	if changed := info.ModTime().UTC(); changed.After(item.Newest) {
		item.Newest = changed
	}
	if item.Day == 0 {
		item.Day = throng.DayOf(item.Newest)
	}
	if rule.Lives > 0 {
		item.Expires = s.Clock.Now().Add(rule.Lives - s.Machine.Now().Sub(item.Newest)).UTC()
	}
	items[item.Name] = item
}

// describe finds the rule of a path. Day is left zero where the path does not tell it.
func (s *State) describe(rel string) (throng.Item, Rule) {
	for _, r := range s.Rules {
		m := r.Path.FindStringSubmatch(rel)
		if m == nil {
			continue
		}
		item := throng.Item{Name: cmp.Or(r.Name, strings.TrimRight(m[0], "/_")), Class: r.Class, Kind: r.Kind, Removal: r.Removal, Note: r.Note}
		if i := r.Path.SubexpIndex("day"); i >= 0 {
			item.Day = parseDay(m[i])
		}
		if i := r.Path.SubexpIndex("end"); i >= 0 {
			item.Expires = parseDay(m[i]).End()
		}
		return item, r
	}
	return throng.Item{Name: rel, Kind: throng.KindFile, Note: "nobody knows this file; it does not belong in the state directory"}, Rule{}
}

func parseDay(text string) throng.Day {
	for _, form := range []string{time.DateOnly, "20060102"} {
		if t, err := time.Parse(form, text); err == nil {
			return throng.DayOf(t)
		}
	}
	return 0
}

// Read does nothing: Items tells all that is known without reading content.
func (*State) Read(context.Context, []throng.Item) error { return nil }

// DropItem removes the item's file or directory. It refuses what no rule allows to remove.
func (s *State) DropItem(_ context.Context, item throng.Item) error {
	known, rule := s.describe(item.Name)
	if known.Name != item.Name || path.Clean(item.Name) != item.Name || !filepath.IsLocal(filepath.FromSlash(item.Name)) {
		return errors.New("remove file: not the name of an item")
	}
	at := filepath.Join(s.Dir, filepath.FromSlash(item.Name))
	switch rule.Removal {
	case throng.RemoveFile:
		return remove(at)
	case throng.OverwriteFile:
		return durable.Shred(at)
	}
	return errors.New("remove file: no rule allows to remove it")
}

// remove deletes a file or a directory and makes that durable.
func remove(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove file: %w", err)
	}
	err := durable.SyncDir(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
