package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"throng"
	"throng/aggregate/ledger"
)

// Create writes an archive of the state directory dir to w. Programs may be at work in the directory: what they
// append meanwhile is left out. A release that is missing, or is not the one in the ledger, is an error.
func Create(w io.Writer, dir string) (Manifest, error) {
	body, entries, err := wholeLedger(dir)
	if err != nil {
		return Manifest{}, fmt.Errorf("create backup: %w", err)
	}
	out := &writer{tar: tar.NewWriter(w), manifest: Manifest{Format: Format, Ledger: endOf(entries), Open: openIn(entries)}}
	err = out.add(throng.LedgerName, body)
	for _, add := range []func(*writer, string) error{addState, addMethods} {
		if err == nil {
			err = add(out, dir)
		}
	}
	if err == nil {
		err = addReleases(out, dir, entries)
	}
	if err == nil {
		err = out.finish()
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("create backup: %w", err)
	}
	return out.manifest, nil
}

// wholeLedger reads the whole entries of a directory's ledger, and checks them.
func wholeLedger(dir string) ([]byte, []ledger.Entry, error) {
	body, err := os.ReadFile(at(dir, throng.LedgerName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: the ledger begins when the first day is closed; before that there is nothing to keep", err)
	}
	if err != nil {
		return nil, nil, err
	}
	body = body[:len(body)/ledger.EntryBytes*ledger.EntryBytes] // one may be half written now
	entries, err := ledger.Read(bytes.NewReader(body))
	return body, entries, err
}

// addState adds the files beside ledger, method and releases, those that are there.
func addState(w *writer, dir string) error {
	for _, name := range []string{genesisName, receiptsName, holdsName, limitsName} {
		body, err := os.ReadFile(at(dir, name))
		if grows(name) {
			body = body[:bytes.LastIndexByte(body, '\n')+1] // a line may be half written now
		}
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(body) == 0 {
			continue
		}
		if err == nil {
			err = checkState(name, body)
		}
		if err == nil {
			err = w.add(name, body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func addMethods(w *writer, dir string) error {
	for number := 1; ; number++ {
		name := throng.MethodVersion{Number: number}.Path()
		body, err := os.ReadFile(at(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = w.add(name, body)
		}
		if err != nil {
			return err
		}
	}
}

// addReleases adds the releases that the ledger says were published, in the order of their entries.
func addReleases(w *writer, dir string, entries []ledger.Entry) error {
	for _, e := range entries {
		if e.SHA256 == "" {
			continue
		}
		body, err := os.ReadFile(at(dir, e.Release.Path()))
		if err == nil && hashOf(body) != e.SHA256 {
			err = errors.New("is not the file that was published")
		}
		if err != nil {
			return fmt.Errorf("release %s: %w: restore it from a published copy or an older backup first", e.Release, err)
		}
		if err := w.add(e.Release.Path(), body); err != nil {
			return err
		}
	}
	return nil
}

// openIn counts the reservations without a release.
func openIn(entries []ledger.Entry) (open int) {
	for _, e := range entries {
		switch e.Kind {
		case ledger.Reservation:
			open++
		case ledger.Publication:
			open--
		}
	}
	return open
}

// at is the path of an archive's file in a state directory.
func at(dir, name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
