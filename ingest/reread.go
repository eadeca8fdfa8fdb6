package ingest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"throng"
	"throng/ingest/accesslog"
)

// Rereader finds again, in files that still exist, what a shipper has read of them: lines that were refused, and
// ranges whose blocks the store does not have. No shipper may run on the same directories meanwhile.
type Rereader struct {
	// Dir and Quarantine are those of [ShipOptions]. Required.
	Dir, Quarantine string
	// Feeds are the configured ones; those that are not of files have nothing to be read again. Required.
	Feeds []Feed
	Clock throng.Clock // Required.
	// Lateness is that of [ShipOptions]. Required.
	Lateness time.Duration
	// Closed tells whether a day has its releases, so that no line of it is counted any more. Required.
	Closed func(throng.Day) bool
}

// Outcome is what becomes of a line that is read again.
type Outcome string

// The outcomes.
const (
	Readable   Outcome = "readable"      // it can be counted now
	Unreadable Outcome = "unreadable"    // it is refused still
	DayClosed  Outcome = "day closed"    // its day has its releases, or is too long over
	FileGone   Outcome = "file gone"     // its file does not exist any more
	NotOfAFile Outcome = "not of a file" // it came from the network, a stream or a topic, which keep nothing
)

// reading is a file of a checkpoint, opened again.
type reading struct {
	journal *journal
	f       *os.File
	packed  string // its form; "" where it is not compressed
	parser  *accesslog.Parser
	rec     accesslog.Record
	window  window
	closed  func(throng.Day) bool
}

// feed is the configured feed of files of that name.
func (o *Rereader) feed(name string) (Feed, bool) {
	i := slices.IndexFunc(o.Feeds, func(f Feed) bool { return f.Name == name && len(f.Globs) > 0 })
	if i < 0 {
		return Feed{}, false
	}
	return o.Feeds[i], true
}

// open finds the file of a checkpoint, wherever it was rotated to, and reads it as the feed says now.
func (o *Rereader) open(j *journal, f Feed) (*reading, error) {
	key, err := loadPrintKey(filepath.Join(o.Dir, "key"))
	if err != nil {
		return nil, err
	}
	w := &follower{ship: &Shipper{key: key}, feed: &feed{Feed: f}}
	at, file, err := w.find(j.cp.File, j.cp.Done)
	if err != nil {
		return nil, err
	}
	r := &reading{journal: j, f: file, packed: at.Packed, window: openWindow(o.Clock.Now(), o.Lateness), closed: o.Closed}
	if err := r.prepare(f); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return r, nil
}

func (r *reading) prepare(f Feed) error {
	head := make([]byte, headBytes)
	n, err := unpacked(r.f, r.packed).ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	format, err := accesslog.Resolve(f.Format, firstLines(head[:n], 100))
	if err != nil {
		format = "combined" // as when it was read first; it refuses the lines with a reason
	}
	if r.parser, err = accesslog.New(format); err != nil {
		return err
	}
	r.parser.TrustProxies(f.TrustedProxies)
	return nil
}

// judge says what would become of a line, and its day where it has one. It is called for each line that is read,
// since a directive says how those after it are to be read.
func (t *passage) judge(line []byte) (Outcome, throng.Day) {
	r := t.of
	if t.jumped {
		r.parser.Restart(t.preamble.Lines())
		t.jumped = false
	}
	if r.parser.Parse(bytes.TrimRight(line, "\r\n"), &r.rec) != nil {
		return Unreadable, 0
	}
	day := throng.DayOfUnix(r.rec.Time)
	switch r.window.place(r.rec.Time) {
	case late:
		return DayClosed, day
	case future:
		return Unreadable, 0
	}
	if r.closed(day) {
		return DayClosed, day
	}
	return Readable, day
}

// journals are the checkpoints of a directory, by source.
func (o *Rereader) journals() (map[string]*journal, error) {
	all, err := loadJournals(o.Dir)
	if err != nil {
		return nil, err
	}
	bySource := map[string]*journal{}
	for _, j := range all {
		bySource[j.cp.Source] = j
	}
	return bySource, nil
}

// outcomeOf is the outcome of all lines of a file that cannot be opened again.
func outcomeOf(err error) (Outcome, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return FileGone, nil
	}
	return "", err
}
