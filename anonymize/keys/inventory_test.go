package keys_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"throng"
	"throng/anonymize/keys"
)

func names(t *testing.T, n *keys.Inventory) (names []string) {
	t.Helper()
	items, err := n.Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}

// TestInventoryTellsOldKeys: the file of a machine that was down holds keys whose time is over; the inventory
// tells, and ends them.
func TestInventoryTellsOldKeys(t *testing.T) {
	c := at("2026-11-08 12:00")
	path, r := create(t, c)
	if err := r.Advance(c.set("2026-11-09 12:00")); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := &keys.Inventory{Path: path, Exports: path + ".exports", Clock: c}
	if got := names(t, n); !slices.Equal(got, []string{"epoch/2026-11-01--2026-11-08", "epoch/2026-11-09--2026-11-16"}) {
		t.Fatalf("keys of %v", got)
	}
	now := c.set("2026-11-20 00:00")
	items, err := n.Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		if i.Class != throng.ClassKeys || !i.Expires.Before(now) {
			t.Errorf("item %+v", i)
		}
		if err := n.DropItem(t.Context(), i); err != nil {
			t.Error(err)
		}
	}
	if got := names(t, n); !slices.Equal(got, []string{"epoch/2026-11-17--2026-11-24"}) {
		t.Errorf("after that there are keys of %v", got)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 24; at < 24+64; at += 32 { // the keys of the first slot
		if key := before[at : at+32]; bytes.Contains(after, key) {
			t.Errorf("the key at byte %d is in the file still", at)
		}
	}
}

func TestExportedCopiesExpire(t *testing.T) {
	c := at("2026-11-20 12:00")
	path, r := create(t, c)
	defer r.Close()
	data, expires, err := r.Export(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	n := &keys.Inventory{Path: path, Exports: filepath.Join(t.TempDir(), "exports"), Clock: c}
	file := filepath.Join(t.TempDir(), "copy")
	for _, copied := range []keys.Copy{{Path: file, Noted: c.Now(), Expires: expires}, {Noted: c.Now(), Expires: expires}} {
		if err := keys.Note(n.Exports, copied); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, n); len(got) != 2 { // the file is not there yet; the current key and the one on standard output are
		t.Errorf("before the copy is written: %v", got)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(t, n); len(got) != 3 || got[0] != file {
		t.Errorf("copies %v", got)
	}
	if err := keys.Note(n.Exports, keys.Copy{Path: file, Noted: c.Now(), Expires: expires.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	items, err := n.Items(t.Context())
	if err != nil || len(items) != 3 || !slices.ContainsFunc(items, func(i throng.Item) bool { return i.Name == file && i.Expires.Equal(expires) }) {
		t.Errorf("a copy that was noted twice: %+v, %v, want it once, with its own expiry", items, err)
	}
	c.set("2026-11-20 13:00")
	if got := names(t, n); len(got) != 2 {
		t.Errorf("after the expiry: %v", got)
	}
	copied := throng.Item{Store: keys.StoreName, Name: file}
	if err := n.DropItem(t.Context(), copied); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the copy is there still")
	}
	if err := n.DropItem(t.Context(), copied); err != nil {
		t.Errorf("a copy that is gone: %v", err)
	}
	if err := os.WriteFile(file, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.DropItem(t.Context(), copied); err != nil {
		t.Errorf("another file of that name: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error("another file of that name was removed")
	}
	if err := n.DropItem(t.Context(), throng.Item{Store: keys.StoreName, Name: path}); err == nil {
		t.Error("a file that is no copy was dropped")
	}
}
