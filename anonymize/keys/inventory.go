package keys

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"throng"
	"throng/internal/durable"
)

// StoreName is the Store of the items of an [Inventory].
const StoreName = "keys"

// Inventory lists the keys that are in the state file, by reading it and not from memory, and the copies
// that were exported, and ends them: keys are overwritten by advancing the ratchet, copies are
// overwritten and removed. It works while a [Ratchet] has the file open, and where none has had for days.
type Inventory struct {
	// Path is the state file, which need not exist. Required.
	Path string
	// Exports is the list of exported copies, see [Note]. Required.
	Exports string
	// Clock is required.
	Clock throng.Clock
}

// Copy is an exported state, noted when it was written or imported. It holds no secret.
type Copy struct {
	// Path is the file; empty when it went to standard output, where nobody can follow it.
	Path    string    `json:"path,omitempty"`
	Noted   time.Time `json:"noted"`
	Expires time.Time `json:"expires"`
}

// Note adds a copy to the list of exported copies, durably. It is called before the copy is written.
func Note(list string, c Copy) error {
	if c.Path != "" {
		var err error
		if c.Path, err = filepath.Abs(c.Path); err != nil {
			return fmt.Errorf("note exported keys: %w", err)
		}
	}
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("note exported keys: %w", err)
	}
	before, err := os.ReadFile(list)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("note exported keys: %w", err)
	}
	if err := durable.WriteFile(list, append(append(before, line...), '\n')); err != nil {
		return fmt.Errorf("note exported keys: %w", err)
	}
	return nil
}

// ExpiryOf is when an export that [Ratchet.Export] made ends.
func ExpiryOf(data []byte) (time.Time, error) {
	var e exported
	if json.Unmarshal(data, &e) != nil || e.Format != exportFormat || e.Checksum != e.sum() {
		return time.Time{}, errors.New("read exported keys: not an export of this version, or altered")
	}
	return e.Expires, nil
}

// Items lists one item for each span whose key is in either copy of the state, and one for each exported
// copy that is there. Copies on standard output are listed until they expire.
func (n *Inventory) Items(context.Context) ([]throng.Item, error) {
	items, err := n.held()
	if err != nil {
		return nil, err
	}
	copies, err := readCopies(n.Exports)
	if err != nil {
		return nil, err
	}
	listed := map[string]bool{}
	for _, c := range copies {
		item, there, err := c.item(n.Clock.Now())
		if err != nil {
			return nil, err
		}
		if there && !listed[item.Name] { // a path is noted again when a later copy gets it
			listed[item.Name] = true
			items = append(items, item)
		}
	}
	return items, nil
}

func (n *Inventory) held() (items []throng.Item, err error) {
	b, err := os.ReadFile(n.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	seen := map[throng.Span]bool{}
	add := func(s throng.Span) {
		if seen[s] {
			return
		}
		seen[s] = true
		items = append(items, throng.Item{
			Store: StoreName, Class: throng.ClassKeys, Kind: throng.KindKeys, Name: "epoch/" + s.String(), Day: s.First(),
			Bytes: keyBytes, Expires: deadline(s.Next()), Removal: throng.AdvanceKeys,
		})
	}
	for at := 0; at+slotBytes <= len(b); at += slotApart {
		if s, _, ok := parseSlot(b[at : at+slotBytes]); ok {
			add(s.current)
			if s.hasPrevious {
				add(throng.SpanOf(s.current.First() - 1))
			}
		}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("read keys: %s is damaged: neither copy of the keys is whole", n.Path)
	}
	return items, nil
}

func readCopies(list string) (copies []Copy, err error) {
	f, err := os.Open(list)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read exported keys: %w", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c Copy
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("read exported keys: %s is damaged; each line is a copy as `throng keys export` notes it", list)
		}
		copies = append(copies, c)
	}
	return copies, nil
}

// item describes a copy; there is false where its file is gone, or nothing can be known of it any more.
func (c Copy) item(now time.Time) (item throng.Item, there bool, err error) {
	item = throng.Item{
		Store: StoreName, Class: throng.ClassKeys, Kind: throng.KindExportedKeys, Name: c.Path,
		Day: throng.DayOf(c.Noted), Expires: c.Expires,
	}
	if c.Path == "" {
		sum := sha256.Sum256([]byte(c.Noted.Format(time.RFC3339Nano)))
		item.Name = "standard output/" + hex.EncodeToString(sum[:4])
		item.Note = "went to standard output; from its expiry on it is not imported any more"
		return item, now.Before(c.Expires), nil
	}
	item.Removal = throng.OverwriteFile
	b, err := os.ReadFile(c.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return item, false, nil
	}
	if err != nil {
		return item, false, fmt.Errorf("read exported keys: %w", err)
	}
	item.Bytes = uint64(len(b))
	if item.Expires, err = ExpiryOf(b); err != nil {
		return item, false, nil // another file has its name by now
	}
	return item, true, nil
}

// Read does nothing: Items reads the files.
func (*Inventory) Read(context.Context, []throng.Item) error { return nil }

// DropItem ends an expired key by bringing the state file to the clock's time, and an exported copy by
// overwriting and removing its file.
func (n *Inventory) DropItem(_ context.Context, item throng.Item) error {
	if strings.HasPrefix(item.Name, "epoch/") {
		r, err := Open(n.Path, n.Clock)
		if err != nil {
			return err
		}
		return r.Close()
	}
	copies, err := readCopies(n.Exports)
	if err != nil {
		return err
	}
	for _, c := range copies {
		if c.Path != item.Name || c.Path == "" {
			continue
		}
		if _, there, err := c.item(n.Clock.Now()); err != nil || !there {
			return err
		}
		return durable.Shred(c.Path)
	}
	return errors.New("end keys: no such copy")
}
