package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"

	"throng/ingest/accesslog"
)

// archive is a compressed file of a feed. A goroutine of its own reads it once, from front to back, one
// range after the other, so that files that grow do not wait for it.
type archive struct {
	source *source
	at     file
	f      *os.File
	stamp  stamp
	done   chan struct{} // closed when the goroutine has ended
	err    error         // why; nil where all is acknowledged
}

// archived takes a compressed file, which it closes when it is not for it to read: one that was read as
// the file that it was, is followed as such, or is being read.
func (w *follower) archived(ctx context.Context, at file, f *os.File) error {
	read, err := w.startArchive(ctx, at, f)
	if !read {
		err = errors.Join(err, f.Close())
	}
	return err
}

func (w *follower) startArchive(ctx context.Context, at file, f *os.File) (read bool, err error) {
	st, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("follow file: %w", err)
	}
	now := stampOfInfo(st)
	for _, a := range w.archives {
		if a.at.Device == at.Device && a.at.Inode == at.Inode && a.at.Print == at.Print {
			return w.readOn(ctx, a, now)
		}
	}
	if at.Print == "" {
		w.settled[now] = true
		w.ship.Logger.Warn("nothing is read of a compressed file: it is damaged, or holds no whole line, or is still being written",
			slog.String("feed", w.feed.Name))
		return false, nil
	}
	if copied, err := w.isFollowed(at, f); err != nil || copied {
		return false, err
	}
	if finished, err := w.wasRead(at, func() (uint64, error) { return unpackedSize(f, at.Packed) }); err != nil || finished {
		w.settled[now] = finished
		return false, err
	}
	src := w.ship.newSource(w.feed, w.ship.Dir, at)
	if err := src.journal.update(func(*checkpoint) {}); err != nil {
		return false, err
	}
	w.addArchive(ctx, src, at, f, now)
	return true, nil
}

// readOn looks at an archive that was started: what ended too early is read on once the file has changed.
func (w *follower) readOn(ctx context.Context, a *archive, now stamp) (bool, error) {
	select {
	case <-a.done:
	default:
		return false, nil
	}
	if a.err != nil && a.stamp != now {
		a.stamp, a.done, a.err = now, make(chan struct{}), nil
		go w.ship.runArchive(ctx, a)
		return false, nil
	}
	w.settled[now] = true
	return false, nil
}

// isFollowed tells whether a compressed file is a copy of a file that is followed, or is being read.
func (w *follower) isFollowed(at file, f *os.File) (bool, error) {
	head := sectionOf(unpackedHead(f, at.Packed, sameBytes))
	for _, fo := range w.files {
		if fo.at.Print != at.Print {
			continue
		}
		if same, err := sameStart(fo.f, head); err != nil || same {
			return same, err
		}
	}
	return w.isArchived(at, head)
}

// isArchived tells whether a file is a copy of what an archive holds that is being read.
func (w *follower) isArchived(at file, f io.ReaderAt) (bool, error) {
	for _, a := range w.archives {
		if a.at.Print != at.Print {
			continue
		}
		if same, err := sameStart(sectionOf(unpackedHead(a.f, a.at.Packed, sameBytes)), f); err != nil || same {
			return same, err
		}
	}
	return false, nil
}

func (w *follower) addArchive(ctx context.Context, src *source, at file, f *os.File, now stamp) {
	a := &archive{source: src, at: at, f: f, stamp: now, done: make(chan struct{})}
	w.archives = append(w.archives, a)
	go w.ship.runArchive(ctx, a)
}

// unread is the size of the archives that are being read, and whether there are any.
func (w *follower) unread() (bytes int64, reading bool) {
	for _, a := range w.archives {
		select {
		case <-a.done:
		default:
			bytes, reading = bytes+a.stamp.size, true
		}
	}
	return bytes, reading
}

// forgetArchives closes archives that were read to their end.
func (w *follower) forgetArchives() {
	w.archives = slices.DeleteFunc(w.archives, func(a *archive) bool {
		select {
		case <-a.done:
			if a.err == nil {
				_ = a.f.Close() // opened for reading only
			}
			return a.err == nil
		default:
			return false
		}
	})
}

// runArchive reads an archive. It ends with ctx, or when all is acknowledged.
func (s *Shipper) runArchive(ctx context.Context, a *archive) {
	defer close(a.done)
	if a.err = s.readArchive(ctx, a); a.err != nil && ctx.Err() == nil {
		s.Logger.Warn("a compressed file could not be read to its end; it is tried again when it has changed",
			slog.String("feed", a.source.feed.Name), slog.String("source", a.source.journal.cp.ID.String()), slog.Any("error", a.err))
	}
}

func (s *Shipper) readArchive(ctx context.Context, a *archive) error {
	for a.source.underway.Load() > 0 { // it was followed as another file until now
		t := s.Clock.NewTimer(s.Poll)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
	}
	a.source.failed.Store(false)
	a.source.preamble = accesslog.Preamble{}
	r, err := unpack(a.f, a.at.Packed)
	if err != nil {
		return fmt.Errorf("unpack file: %w", err)
	}
	defer r.Close()
	end := uint64(0)
	for _, sp := range a.source.journal.todo() {
		if _, err := io.CopyN(a.source.passed(), r, int64(sp.start-end)); err != nil {
			return fmt.Errorf("unpack file: %w", err)
		}
		if end, err = s.readSpan(ctx, a, r, sp); err != nil {
			return err
		}
	}
	if err := a.source.journal.await(ctx, end); err != nil {
		return err
	}
	return a.source.journal.update(func(cp *checkpoint) { cp.Finished = s.Clock.Now() })
}

// readSpan sends a span through workers, one range after the other, and returns its end.
func (s *Shipper) readSpan(ctx context.Context, a *archive, r io.Reader, sp span) (end uint64, err error) {
	limit := math.MaxInt
	if sp.open {
		limit = s.blockRows(a.source.feed)
	} else {
		r = io.LimitReader(r, int64(sp.end-sp.start))
	}
	ch := newChunker(r, s.pool, sp.start)
	defer ch.close()
	for {
		lines := &archiveRange{chunker: ch, source: a.source, limit: limit, read: make(chan struct{})}
		a.source.underway.Add(1)
		select {
		case s.jobs <- &job{source: a.source, start: ch.off, recut: sp.recut, days: sp.days, preamble: a.source.preamble.Lines(), lines: lines}:
		case <-ctx.Done():
			a.source.underway.Add(-1)
			return ch.off, ctx.Err()
		}
		<-lines.read
		switch {
		case lines.err != nil:
			return ch.off, lines.err
		case lines.over && !sp.open && ch.off != sp.end:
			return ch.off, fmt.Errorf("unpack file: %w", io.ErrUnexpectedEOF)
		case lines.over:
			return ch.off, nil
		}
	}
}

// archiveRange is a part of an archive: about limit lines from where the one before it ended.
type archiveRange struct {
	*chunker
	source       *source
	limit, lines int
	over         bool  // there are no more lines
	err          error // why no more can be read
	read         chan struct{}
}

func (r *archiveRange) next() (chunk, error) {
	if r.lines >= r.limit {
		return chunk{}, io.EOF
	}
	c, err := r.chunker.next(context.Background())
	if errors.Is(err, io.EOF) {
		var ok bool
		r.over = true
		if c, ok, err = r.rest(context.Background()); err == nil && !ok {
			err = io.EOF
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = fmt.Errorf("unpack file: %w", err)
		return chunk{}, errShort // nothing is made of what was read of this range
	}
	r.lines += c.lines()
	r.source.pass(c)
	return c, err
}

// passed takes bytes that are not read again, for what they say of those after them.
func (s *source) passed() io.Writer {
	if s.readsPreamble() {
		return &s.preamble
	}
	return io.Discard
}

func (r *archiveRange) intact() error { return nil }

// close hands the archive back to its goroutine.
func (r *archiveRange) close() { close(r.read) }
