package ingest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"throng/ingest/accesslog"
	"throng/internal/durable"
)

// printKey keys the hashes of first lines, so that a checkpoint says nothing about a line to anyone
// who does not have the key of this machine.
type printKey []byte

func loadPrintKey(path string) (printKey, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b = make([]byte, 32)
		rand.Read(b) // never fails
		err = durable.WriteFile(path, b)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of checkpoints: %w", err)
	}
	return b, nil
}

// headBytes is how much of a file is looked at for its first line.
const headBytes = 64 << 10

// fingerprint is the keyed hash of the file's first complete line, with the directives before it, which
// every W3C log has alike; "" while there is none.
func (k printKey) fingerprint(f io.ReaderAt) (string, error) {
	head := make([]byte, headBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	head = head[:n]
	i := firstLineEnd(head)
	if i < 0 {
		if n < cap(head) {
			return "", nil
		}
		i = n // a first line this long is known by its beginning
	}
	mac := hmac.New(sha256.New, k)
	mac.Write(head[:i])
	return hex.EncodeToString(mac.Sum(nil)[:16]), nil
}

// firstLineEnd finds the newline of the first line that is no directive; -1 is none.
func firstLineEnd(head []byte) int {
	start := 0
	for {
		n := bytes.IndexByte(head[start:], '\n')
		if n < 0 {
			return -1
		}
		if head[start] != '#' {
			return start + n
		}
		start += n + 1
	}
}

// open opens a file and says which it is.
func (k printKey) open(path string) (at file, f *os.File, size uint64, err error) {
	if f, err = os.Open(path); err != nil {
		return file{}, nil, 0, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("open %s: not a regular file", path)
	}
	if err != nil {
		return file{}, nil, 0, errors.Join(err, f.Close())
	}
	at = file{Path: path}
	at.Device, at.Inode = number(st)
	if at.Packed, err = packing(f); err == nil {
		at.Print, err = k.fingerprint(unpacked(f, at.Packed))
	}
	if err != nil {
		return file{}, nil, 0, errors.Join(err, f.Close())
	}
	return at, f, uint64(st.Size()), nil
}

// unpacked is what the front of a file holds.
func unpacked(f io.ReaderAt, packed string) io.ReaderAt {
	if packed == "" {
		return f
	}
	return sectionOf(unpackedHead(f, packed, headBytes))
}

func sectionOf(b []byte) io.ReaderAt { return bytes.NewReader(b) }

// same tells whether two files are one: the same number on the same device, with the same first
// line (numbers are used again after a deletion).
func (a file) same(b file) bool {
	return a.Device == b.Device && a.Inode == b.Inode && a.Print == b.Print
}

// resolve finds the source of the file at path: one that is followed, whatever its name was; one that
// was followed as another file, of which this is the copy or the moved remainder; or a new one. It is
// nil while the file has no complete line, or is a copy of a file that is still there.
func (w *follower) resolve(ctx context.Context, path string) (*followed, error) {
	if st, err := stampOf(path); err == nil && w.known[st] {
		w.settled[st] = true
		return nil, nil
	}
	at, f, size, err := w.ship.key.open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // gone since it was listed
	}
	if err != nil {
		return nil, fmt.Errorf("follow file: %w", err)
	}
	if at.Packed != "" {
		return nil, w.archived(ctx, at, f)
	}
	fo, err := w.match(ctx, at, f, size)
	if fo == nil || fo.f != f {
		err = errors.Join(err, f.Close())
	}
	return fo, err
}

func (w *follower) match(ctx context.Context, at file, f *os.File, size uint64) (*followed, error) {
	for _, fo := range w.files {
		if fo.at.Device != at.Device || fo.at.Inode != at.Inode {
			continue
		}
		if fo.at.Print == at.Print && size >= fo.next() {
			return fo, w.renamed(fo, at)
		}
		if err := w.truncated(ctx, fo); err != nil {
			return nil, err
		}
		break // it may be gone from w.files now
	}
	if at.Print == "" {
		return nil, nil
	}
	for _, fo := range w.files {
		if fo.at.Print == at.Print && fo.at.Inode != at.Inode {
			if copied, err := w.isCopy(fo, f); err != nil || copied {
				return nil, err
			}
		}
	}
	if copied, err := w.isArchived(at, f); err != nil || copied {
		return nil, err
	}
	finished, err := w.wasRead(at, func() (uint64, error) { return size, nil })
	if err != nil || finished {
		return nil, err
	}
	fo := &followed{source: w.ship.newSource(w.feed, w.ship.Dir, at), f: f, at: at, todo: []span{{open: true}}}
	if err := fo.source.journal.update(func(*checkpoint) {}); err != nil {
		return nil, err
	}
	w.files = append(w.files, fo)
	return fo, nil
}

// renamed notes a followed file's new name.
func (w *follower) renamed(fo *followed, at file) error {
	if fo.at == at {
		return nil
	}
	fo.at = at
	return fo.source.journal.update(func(cp *checkpoint) { cp.File = at })
}

// wasRead tells whether a file is one that was read to its end earlier, under this number or, as a
// copy, under another. A size that cannot be told, of a compressed file that is still being written, is
// that of no file.
func (w *follower) wasRead(at file, size func() (uint64, error)) (bool, error) {
	journals, err := loadJournals(w.ship.Dir)
	if err != nil {
		return false, err
	}
	var read []uint64
	for _, j := range journals {
		cp := &j.cp
		if cp.Finished.IsZero() || cp.Feed != w.feed.Name || cp.File.Print != at.Print {
			continue
		}
		if cp.File.Inode == at.Inode && cp.File.Packed == at.Packed {
			return true, nil
		}
		read = append(read, cp.Done)
	}
	if len(read) == 0 {
		return false, nil
	}
	n, err := size()
	return err == nil && slices.Contains(read, n), nil
}

// truncated continues a source whose file was truncated (copytruncate) in the copy that was made of
// it. Without a copy what was not read is lost, as it is for everyone.
func (w *follower) truncated(ctx context.Context, fo *followed) error {
	log := w.ship.Logger.With(slog.String("feed", w.feed.Name), slog.String("source", fo.source.journal.cp.ID.String()))
	// What was sent to workers since, and marked, may have been of the next generation already, and longer than
	// the copy: that has what is durable, and is read again from there when nothing is under way any more.
	w.feed.watermark.unmark()
	fo.todo = fo.source.journal.todo()
	fo.source.failed.Store(true)
	// A worker may be reading the file: it is closed when nobody holds it any more.
	at, f, err := w.findCopy(fo.at, fo.next())
	if errors.Is(err, fs.ErrNotExist) {
		log.Warn("a file was truncated and no copy of it was found; what was not read of it is lost", slog.Uint64("read", fo.next()))
		w.files = slices.DeleteFunc(w.files, func(o *followed) bool { return o == fo })
		return fo.source.journal.update(func(cp *checkpoint) { cp.Finished = w.ship.Clock.Now() })
	}
	if err != nil {
		return err
	}
	log.Info("a file was truncated; its copy is read to the end")
	if at.Packed != "" {
		w.files = slices.DeleteFunc(w.files, func(o *followed) bool { return o == fo })
		return w.continueArchive(ctx, fo.source, at, f)
	}
	fo.f = f
	fo.preamble, fo.scanned = accesslog.Preamble{}, 0
	return w.renamed(fo, at)
}

// continueArchive reads a source on in the compressed file that its file has become.
func (w *follower) continueArchive(ctx context.Context, src *source, at file, f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("follow file: %w", err), f.Close())
	}
	if err := src.journal.update(func(cp *checkpoint) { cp.File = at }); err != nil {
		return errors.Join(err, f.Close())
	}
	w.addArchive(ctx, src, at, f, stampOfInfo(st))
	return nil
}

// reaches tells whether a file holds the first n bytes of a source.
func reaches(at file, f io.ReaderAt, size, n uint64) bool {
	if at.Packed == "" {
		return size >= n
	}
	held, err := unpackedSize(f, at.Packed)
	return err == nil && held >= n
}

// isCopy tells whether f is a copy of a followed file. Where that was truncated since it was looked at,
// it cannot be told before the next look, and f has to wait.
func (w *follower) isCopy(fo *followed, f *os.File) (bool, error) {
	same, err := sameStart(fo.f, f)
	if err != nil || same {
		return same, err
	}
	now, err := w.ship.key.fingerprint(fo.f)
	return now != fo.at.Print, err
}

// sameBytes is how much of two files is compared.
const sameBytes = 1 << 20

// sameStart tells whether two files agree over the first MiB that both have: then one is a copy.
func sameStart(a, b io.ReaderAt) (bool, error) {
	var bufs [2][]byte
	for i, f := range []io.ReaderAt{a, b} {
		buf := make([]byte, sameBytes)
		n, err := f.ReadAt(buf, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		bufs[i] = buf[:n]
	}
	n := min(len(bufs[0]), len(bufs[1]))
	return bytes.Equal(bufs[0][:n], bufs[1][:n]), nil
}
