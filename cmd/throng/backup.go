package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"throng/internal/backup"
	"throng/internal/durable"
)

type backupCommand struct {
	Create  backupCreate  `cmd:"" help:"Write an archive of the state directory; programs may be at work in it."`
	Verify  backupVerify  `cmd:"" help:"Read an archive whole and check it."`
	Restore backupRestore `cmd:"" help:"Bring an archive back into a state directory; nothing there becomes less."`
}

func (backupCommand) Help() string {
	return "An archive is a tar file with the releases, the privacy ledger, the method's versions, the receipts, the hold register\n" +
		"and the limits: what was published, and what proves it. Events, tokens, keys and positions of lines are never in it.\n\n" +
		"Example:\n  throng backup create --dir /var/lib/throng /backup/throng-$(date +%F).tar"
}

type backupCreate struct {
	located
	To string `arg:"" placeholder:"FILE" help:"The archive, which must not exist yet; - is standard output."`
}

func (backupCreate) Help() string {
	return example("throng backup create --dir /var/lib/throng /backup/throng-$(date +%F).tar")
}

func (c backupCreate) Run(a *app) error {
	d, err := c.layout(a)
	if err != nil {
		return err
	}
	if c.To == "-" {
		_, err := backup.Create(a.out, string(d))
		return err
	}
	if within(string(d), c.To) {
		return usageError{fmt.Errorf("backup create: %s is in the state directory: a copy there is lost with it", c.To)}
	}
	m, err := writeArchive(c.To, string(d))
	if err != nil {
		return err
	}
	return printBackup(a.out, c.To, m)
}

// within tells whether a file would lie below a directory.
func within(dir, file string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	file, err = filepath.Abs(file)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(rel)
}

// writeArchive writes an archive under another name first and checks it there, so that a file of this name is a
// whole one.
func writeArchive(file, dir string) (m backup.Manifest, err error) {
	if _, err := os.Lstat(file); err == nil {
		return m, fmt.Errorf("create backup: %s: %w: give each backup a name of its own", file, fs.ErrExist)
	}
	f, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".tmp-*")
	if err != nil {
		return m, fmt.Errorf("create backup: %w", err)
	}
	m, err = backup.Create(f, dir)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = backup.Verify(f)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Link(f.Name(), file) // never over another backup
	}
	return m, errors.Join(err, os.Remove(f.Name()), durable.SyncDir(filepath.Dir(file)))
}

// printBackup says what an archive has. The head is what to note elsewhere.
func printBackup(w io.Writer, name string, m backup.Manifest) error {
	_, err := fmt.Fprintf(w, "ok: %s: %d files, %d ledger entries%s; the ledger's head is %s\n", name, len(m.Files), m.Ledger.Entries, sayOpen(m.Open), m.Ledger.Head)
	return err
}

// sayOpen says how many releases were being made.
func sayOpen(open int) string {
	if open == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them reservations whose release is not published yet", open)
}

type backupVerify struct {
	File string `arg:"" placeholder:"FILE" help:"The archive; - is standard input."`
	JSON bool   `help:"Write the archive's manifest as JSON."`
}

func (backupVerify) Help() string {
	return "Exit code: 0 it is whole, 1 it is not, 3 it could not be opened.\n\n" + example("throng backup verify /backup/throng-2026-11-22.tar")
}

func (c backupVerify) Run(a *app) error {
	in := a.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return unreadError{fmt.Errorf("verify backup: %w", err)}
		}
		defer f.Close()
		in = f
	}
	m, err := backup.Verify(in)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(a.out).Encode(m)
	}
	return printBackup(a.out, c.File, m)
}

type backupRestore struct {
	File      string `arg:"" placeholder:"FILE" help:"The archive."`
	Dir       string `required:"" placeholder:"D" help:"The state directory; made where it does not exist. Nothing may be running in it."`
	Published string `placeholder:"DIR|URL" help:"The latest published copy: a bundle of throng publish, or the address under which manifest.json lies. What it has and the archive has not comes from there."`
	Head      string `placeholder:"HASH" help:"The hash of the last ledger entry that was ever published, as you noted it; the ledger has to hold it."`
}

func (backupRestore) Help() string {
	return "A ledger that is older than what was published would let days be drawn a second time. So say what was published last, by\n" +
		"--published or --head (of which `throng backup verify` prints the archive's own). A restore never makes a ledger shorter, and\n" +
		"leaves releases, receipts and holds that are newer than the archive's as they are, or refuses.\n\n" +
		"Keys are not in an archive: docs/operations.md says what to do about them before anything is shipped again.\n\n" +
		example("throng backup restore --dir /var/lib/throng --published https://readers.example.org/ /backup/throng-2026-11-22.tar")
}

func (c backupRestore) Run(a *app, ctx context.Context) error {
	o := backup.Options{Dir: c.Dir, Head: strings.ToLower(c.Head)}
	if c.Published == "" && c.Head == "" {
		return usageError{errors.New("backup restore: say what was published last: --published DIR|URL, or --head HASH; an older ledger would let days be drawn a second time")}
	}
	if c.Published != "" {
		var err error
		if o.Published, err = (verifyCommand{Where: c.Published}).published(); err != nil {
			return unreadError{fmt.Errorf("backup restore: %w", err)}
		}
	}
	f, err := os.Open(c.File)
	if err != nil {
		return unreadError{fmt.Errorf("backup restore: %w", err)}
	}
	defer f.Close()
	done, err := backup.Restore(ctx, f, o)
	if errors.Is(err, durable.ErrLocked) {
		err = fmt.Errorf("%w: stop `throng serve`, `throng close` and `throng retention`, whichever runs, first", err)
	}
	if err != nil {
		return err
	}
	return c.print(a.out, done)
}

func (c backupRestore) print(w io.Writer, done backup.Restored) error {
	fmt.Fprintf(w, "ok: %d releases and %d ledger entries in %s%s; the ledger's head is %s\n", done.Releases, done.Ledger.Entries, c.Dir, sayOpen(done.Open), done.Ledger.Head)
	if done.Fetched > 0 {
		fmt.Fprintf(w, "%d entries are newer than the archive and came from the published copy\n", done.Fetched)
	}
	if done.Replaced > 0 {
		fmt.Fprintf(w, "%d release files were there with other content, and were replaced\n", done.Replaced)
	}
	_, err := fmt.Fprintf(w, "check it with `throng ledger verify --dir %s`\n", c.Dir)
	return err
}
