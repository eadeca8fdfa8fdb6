package ingest

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"throng"
	"throng/ingest/accesslog"
	"throng/ingest/block"
)

// feedID is the source id of a feed's own messages, which stand for no bytes.
func feedID(name string) throng.SourceID {
	sum := sha256.Sum256([]byte("throng feed\x00" + name))
	return throng.SourceID(sum[:16])
}

// source is one generation of one file, or one stream, that is being read.
type source struct {
	feed    *feed
	journal *journal

	mu     sync.Mutex // guards format
	format string     // "" until it is known

	// preamble is that of a stream, as far as it was read; its reader owns it.
	preamble accesslog.Preamble

	// underway counts jobs and parcels that are not done; failed says that a range could not be read.
	underway atomic.Int64
	failed   atomic.Bool
}

// resolveFormat is the format of the source's lines. A format that is found out is kept, so that a
// range made again is read in the same way. Where no line of the first chunk is recognized the next
// chunk decides; until then lines are read as combined, which refuses them with a reason.
func (s *source) resolveFormat(preamble, first []byte) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.format != "" {
		return s.format, nil
	}
	lines := append(firstLines(preamble, 2), firstLines(first, 100)...)
	format, err := accesslog.Resolve(s.feed.Format, lines)
	if err != nil {
		return "combined", nil
	}
	s.format = format
	return format, s.journal.update(func(cp *checkpoint) { cp.Format = format })
}

// readsPreamble tells whether a range of the source's lines is read as lines before it say. While the
// format is not known, it may be.
func (s *source) readsPreamble() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.format == "" || accesslog.ReadsPreamble(s.format)
}

// noteSignals says once, after the first lines, that a feed's log carries no opt-out signals.
func (f *feed) noteSignals(log *slog.Logger, p *accesslog.Parser) {
	if p.HasSignals() {
		return
	}
	f.warned.Do(func() {
		log.Warn("this log has no DNT and Sec-GPC fields: nobody's opt-out signal can be seen in it; add them to the log format",
			slog.String("feed", f.Name), slog.String("format", p.Format()))
	})
}

// Sizes of a feed before any of its blocks was made: of an encoded row, and of a line.
const (
	usualRowBytes  = 64
	usualLineBytes = 256
)

// learn remembers how large the lines of a well-filled piece are, and its rows.
func (f *feed) learn(p *parcel, b *block.Builder) {
	if n := b.Rows(); n >= 1000 {
		f.rowBytes.Store(int64(b.Size()/n + 1))
		f.lineBytes.Store(int64((p.end-p.start)/p.tally.Lines + 1))
	}
}

// blockRows is how many lines make a block that is nearly full: what is over would make a small one.
func (s *Shipper) blockRows(f *feed) int {
	rows := min(s.MaxRows, s.MaxBytes/cmp.Or(int(f.rowBytes.Load()), usualRowBytes))
	return max(rows-rows/16, 1)
}

// blockBytes is how many bytes of log that is.
func (s *Shipper) blockBytes(f *feed) uint64 {
	return uint64(s.blockRows(f)) * uint64(cmp.Or(f.lineBytes.Load(), usualLineBytes))
}

// watermark follows up to which time a feed's lines are in the broker. At most one mark is pending:
// the positions that were the ends of the feed's sources at a time.
type watermark struct {
	mu      sync.Mutex
	at      time.Time // reached
	pending time.Time // zero: no mark is pending
	need    []position
}

type position struct {
	journal *journal
	offset  uint64
}

// mark says that at time t the feed's sources ended at these positions. It is ignored while an
// earlier mark is pending.
func (w *watermark) mark(t time.Time, ends []position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	if w.pending.IsZero() {
		w.pending, w.need = t, ends
		w.settle()
	}
}

// unmark takes back the mark that is pending: a position of it may be one that its source never reaches.
func (w *watermark) unmark() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	w.pending, w.need = time.Time{}, nil
}

// last is mark for a feed that has ended: it takes the place of an earlier mark.
func (w *watermark) last(t time.Time, ends []position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending, w.need = t, ends
}

// reached is the latest time up to which every line is acknowledged; ok is false before the first.
func (w *watermark) reached() (t time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	return w.at, !w.at.IsZero()
}

// settle takes over a pending mark whose positions are acknowledged; the caller holds mu.
func (w *watermark) settle() {
	if w.pending.IsZero() {
		return
	}
	for _, p := range w.need {
		if p.journal.done() < p.offset {
			return
		}
	}
	w.at, w.pending, w.need = w.pending, time.Time{}, nil
}

// paths are the files that match any of the feed's patterns, each once.
func (f *feed) paths() ([]string, error) {
	var all []string
	for _, glob := range f.Globs {
		paths, err := filepath.Glob(glob)
		if err != nil {
			return nil, fmt.Errorf("match files: %w", err)
		}
		all = append(all, paths...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
