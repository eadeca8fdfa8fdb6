package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"throng/ingest/accesslog"
)

// rotatedIdle is how long a file that was renamed away has to be idle before it is taken to be
// complete: web servers go on writing to it until they have reopened their log.
const rotatedIdle = 2 * time.Minute

// follower follows the files of one feed. It belongs to one goroutine.
type follower struct {
	ship  *Shipper
	feed  *feed
	files []*followed
	// archives are compressed files that are being read, or wait until they change.
	archives []*archive
	// settled are compressed files of which there is nothing to read, as this look found them; known are
	// those of the look before.
	settled, known map[stamp]bool
	warned         bool // that no file matches
}

// followed is a file with its source. The file stays open until it is read to its end, so that it
// can be renamed or deleted meanwhile.
type followed struct {
	source  *source
	f       *os.File
	held    sync.WaitGroup // by ranges that workers read
	at      file
	todo    []span
	since   time.Time // when the first unread byte was seen; zero: all is read
	missing time.Time // since when no name of the feed leads to it; zero: one does
	seen    uint64    // its size when it was last looked at
	grown   time.Time // when that last changed

	preamble accesslog.Preamble // of the bytes before scanned
	scanned  uint64
}

// follow ships the feed's files until ctx ends or, with Once, until all is read.
func (s *Shipper) follow(ctx context.Context, f *feed) error {
	w := &follower{ship: s, feed: f}
	defer w.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := w.start(ctx); err != nil {
		return err
	}
	for {
		if err := w.scan(ctx); err != nil {
			return err
		}
		if s.Once && !w.underway() {
			return nil
		}
		t := s.Clock.NewTimer(s.Poll)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// start opens what the checkpoints know of this feed.
func (w *follower) start(ctx context.Context) error {
	journals, err := loadJournals(w.ship.Dir)
	if err != nil {
		return err
	}
	for _, j := range journals {
		if j.cp.Feed != w.feed.Name || !j.cp.Finished.IsZero() {
			continue
		}
		if err := w.resume(ctx, j); err != nil {
			return err
		}
	}
	return nil
}

// resume opens the file of a checkpoint wherever it is now.
func (w *follower) resume(ctx context.Context, j *journal) error {
	at, f, err := w.find(j.cp.File, j.cp.Done)
	if errors.Is(err, fs.ErrNotExist) {
		w.ship.Logger.Error("a file that was not read to its end is gone; what was not read of it is lost",
			slog.String("feed", w.feed.Name), slog.String("source", j.cp.ID.String()), slog.Uint64("read", j.cp.Done))
		return j.update(func(cp *checkpoint) { cp.Finished = w.ship.Clock.Now() })
	}
	if err != nil {
		return err
	}
	if at.Packed != "" {
		return w.continueArchive(ctx, w.ship.openSource(w.feed, j), at, f)
	}
	w.files = append(w.files, &followed{source: w.ship.openSource(w.feed, j), f: f, at: at, todo: j.cp.todo()})
	if at == j.cp.File {
		return nil
	}
	return j.update(func(cp *checkpoint) { cp.File = at })
}

// scan looks at the names, then reads what is due.
func (w *follower) scan(ctx context.Context) error {
	now := w.ship.Clock.Now()
	paths, err := w.feed.paths()
	if err != nil {
		return err
	}
	w.settled, w.known = map[stamp]bool{}, w.settled
	w.forgetArchives()
	named := map[*followed]bool{}
	for _, path := range paths {
		fo, err := w.resolve(ctx, path)
		if err != nil {
			return err
		}
		if fo != nil {
			named[fo] = true
		}
	}
	if err := w.read(ctx, now); err != nil {
		return err
	}
	return w.retire(ctx, now, named)
}

// read reads every file's unread lines, oldest file first, and marks how far the feed is at now.
func (w *follower) read(ctx context.Context, now time.Time) error {
	ends := make([]position, 0, len(w.files))
	var lag int64
	moved := false // to a copy, which the next look reads
	for _, fo := range slices.Clone(w.files) {
		size, err := fo.size()
		if err != nil {
			return err
		}
		truncated, err := w.wasTruncated(fo, size)
		if err != nil {
			return err
		}
		if truncated {
			if err := w.truncated(ctx, fo); err != nil {
				return err
			}
			moved = true
			continue
		}
		if size != fo.seen {
			fo.seen, fo.grown = size, now
		}
		end, err := w.readDue(ctx, fo, now, size)
		if err != nil {
			return err
		}
		ends = append(ends, position{fo.source.journal, end})
		lag += int64(size) - int64(fo.next())
	}
	packed, reading := w.unread()
	w.feed.lag.Store(lag + packed)
	if found := len(w.files)+len(w.archives)+len(w.settled) > 0; found && !reading && !moved {
		w.feed.watermark.mark(now, ends)
	} else if !found && !w.warned { // a pattern that matches nothing must not pass for a log that is quiet
		w.warned = true
		w.ship.Logger.Warn("no file matches; the feed's days wait for it", slog.String("feed", w.feed.Name), slog.String("globs", strings.Join(w.feed.Globs, " ")))
	}
	return nil
}

// wasTruncated tells whether a file is no longer what it was when it was found; it had a line then. That it
// was written anew shows only in its first line, and then no range of it could be read.
func (w *follower) wasTruncated(fo *followed, size uint64) (bool, error) {
	if size == 0 || size < fo.next() {
		return true, nil
	}
	if !fo.source.failed.Load() {
		return false, nil
	}
	now, err := w.ship.key.fingerprint(fo.f)
	return now != fo.at.Print, err
}

// readDue sends what has to be read of one file to the workers and returns the end of its whole lines,
// as far as that is known.
func (w *follower) readDue(ctx context.Context, fo *followed, now time.Time, size uint64) (end uint64, err error) {
	if fo.waits() {
		return wholeLines(fo.f, fo.next(), size)
	}
	for len(fo.todo) > 1 {
		for sp := &fo.todo[0]; sp.start < sp.end; {
			if sp.start, err = w.readRange(ctx, fo, *sp); err != nil {
				return 0, err
			}
		}
		fo.todo = fo.todo[1:]
	}
	for {
		unread := int64(size) - int64(fo.next())
		if unread <= 0 {
			fo.since = time.Time{}
			return fo.next(), nil
		}
		if fo.since.IsZero() {
			fo.since = now
		}
		due := w.ship.Once || now.Sub(fo.since) >= w.ship.MaxAge
		if !due && uint64(unread) < w.ship.blockBytes(w.feed) {
			return wholeLines(fo.f, fo.next(), size)
		}
		before := fo.next()
		fo.todo[0].start, err = w.readRange(ctx, fo, span{start: before, end: size, final: w.ship.Once && fo.ended(now)})
		if !due || fo.next() == before {
			fo.since = time.Time{}
		}
		if err != nil || fo.next() == before {
			return fo.next(), err
		}
	}
}

// waits tells whether a file cannot be read yet, after a range of it could not be read to its end or its
// copy took its place: what is under way is waited for, and then the file is started again at what is
// durable.
func (fo *followed) waits() bool {
	if !fo.source.failed.Load() {
		return false
	}
	if fo.source.underway.Load() > 0 {
		return true
	}
	fo.source.failed.Store(false)
	fo.todo = fo.source.journal.todo()
	return false
}

// readRange sends one range that begins at sp.start to a worker and returns its end: sp.end, or less
// where that is more than a block, or where the last line is not whole yet.
func (w *follower) readRange(ctx context.Context, fo *followed, sp span) (end uint64, err error) {
	end = sp.end
	if !sp.recut {
		if end, err = w.rangeEnd(fo, sp); err != nil || end == sp.start {
			return sp.start, err
		}
	}
	preamble, err := fo.preambleAt(sp.start)
	if err != nil {
		return sp.start, err
	}
	fo.source.underway.Add(1)
	j := &job{source: fo.source, start: sp.start, end: end, recut: sp.recut, days: sp.days, preamble: preamble,
		lines: newFileRange(fo, sp.start, end, w.ship)}
	select {
	case w.ship.jobs <- j:
		return end, nil
	case <-ctx.Done():
		j.lines.close()
		fo.source.underway.Add(-1)
		return sp.start, ctx.Err()
	}
}

// preambleAt are the lines before start that say how those after it are to be read. They are looked for
// in the file itself, so that a range made again has the same: from where they were looked for last,
// or from the file's beginning after a start.
func (fo *followed) preambleAt(start uint64) ([]byte, error) {
	if !fo.source.readsPreamble() {
		return nil, nil
	}
	if start < fo.scanned {
		fo.preamble, fo.scanned = accesslog.Preamble{}, 0
	}
	n, err := io.Copy(&fo.preamble, io.NewSectionReader(fo.f, int64(fo.scanned), int64(start-fo.scanned)))
	if err != nil {
		return nil, fmt.Errorf("follow file: %w", err)
	}
	fo.scanned += uint64(n) // less than start where the file was truncated; its range cannot be read then
	return fo.preamble.Lines(), nil
}

// rangeEnd is the end of a line at which a range can be cut: about as many bytes as make a block.
func (w *follower) rangeEnd(fo *followed, sp span) (uint64, error) {
	block := w.ship.blockBytes(w.feed)
	if sp.end-sp.start > block+block/8 {
		end, err := nextLine(fo.f, sp.start+block, sp.end)
		if err != nil || end < sp.end {
			return end, err
		}
	}
	if sp.final {
		return sp.end, nil
	}
	return wholeLines(fo.f, sp.start, sp.end)
}

// retire closes files that no name leads to any more and that were idle for long enough.
func (w *follower) retire(ctx context.Context, now time.Time, named map[*followed]bool) error {
	kept := w.files[:0]
	for _, fo := range w.files {
		switch {
		case named[fo]:
			fo.missing = time.Time{}
		case fo.missing.IsZero():
			fo.missing = now
		}
		done, err := w.finish(ctx, fo, now)
		if err != nil {
			return err
		}
		if !done {
			kept = append(kept, fo)
		}
	}
	clear(w.files[len(kept):])
	w.files = kept
	return nil
}

// finish ends the source of a file that was rotated away, once all of it is acknowledged. An
// unterminated last line is read as a line then.
func (w *follower) finish(ctx context.Context, fo *followed, now time.Time) (bool, error) {
	if !fo.rotated(now) {
		return false, nil
	}
	size, err := fo.size()
	if err != nil {
		return false, err
	}
	if fo.next() < size {
		fo.todo[0].start, err = w.readRange(ctx, fo, span{start: fo.next(), end: size, final: true})
		return false, err
	}
	if fo.source.journal.done() < size {
		return false, nil
	}
	if err := fo.source.journal.update(func(cp *checkpoint) { cp.Finished = now }); err != nil {
		return false, err
	}
	return true, fo.f.Close()
}

// next is the offset from which nothing was read yet.
func (fo *followed) next() uint64 { return fo.todo[len(fo.todo)-1].start }

func (fo *followed) size() (uint64, error) {
	st, err := fo.f.Stat()
	if err != nil {
		return 0, fmt.Errorf("follow file: %w", err)
	}
	return uint64(st.Size()), nil
}

// rotated tells whether the file was renamed away, and last written to, so long ago that nothing more
// is written to it.
func (fo *followed) rotated(now time.Time) bool {
	return !fo.missing.IsZero() && now.Sub(fo.missing) >= rotatedIdle && now.Sub(fo.grown) >= rotatedIdle
}

// ended tells whether a file that is read once is complete, as far as its time of change says.
func (fo *followed) ended(now time.Time) bool {
	st, err := fo.f.Stat()
	return err == nil && now.Sub(st.ModTime()) >= rotatedIdle
}

// underway tells whether a range was sent to a worker and is not acknowledged.
func (w *follower) underway() bool {
	_, reading := w.unread()
	return reading || slices.ContainsFunc(w.files, func(fo *followed) bool { return fo.source.underway.Load() > 0 || fo.source.failed.Load() })
}

// close closes the files that are still followed, when no worker reads them any more.
func (w *follower) close() {
	for _, fo := range w.files {
		fo.held.Wait()
		_ = fo.f.Close() // opened for reading only
	}
	for _, a := range w.archives {
		<-a.done
		_ = a.f.Close()
	}
}
