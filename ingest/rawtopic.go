package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"throng"
)

// ErrLost says that a partition belongs to another process now.
var ErrLost = errors.New("the partition belongs to another process now")

// Partition is a partition of a topic of raw lines, while it belongs to this process.
type Partition interface {
	// ID is its number.
	ID() int
	// Committed is the offset to read next, and the note to it; -1 and "" where nothing was committed.
	Committed(ctx context.Context) (offset int64, note string, err error)
	// Commit makes both durable, unless the partition belongs to another process: then the error matches
	// [ErrLost].
	Commit(ctx context.Context, offset int64, note string) error
	// Fetch gives messages from an offset on, or none after a while, and the end of the partition.
	Fetch(ctx context.Context, offset int64) (messages []throng.Message, end int64, err error)
}

// Positions in a partition are offsets of bytes, as they are in a file: the message's offset, and the
// byte in it. A block can end within a message of many lines.
const messageBits = 24

func positionOf(offset int64) uint64 { return uint64(max(offset, 0)) << messageBits }
func offsetOf(pos uint64) int64      { return int64(pos >> messageBits) }

// maxPieces is how many pieces may be noted behind one that is not acknowledged before no other range is
// begun: a broker takes notes of up to 4 KiB.
const maxPieces = 12

// topicReader reads the partitions of one feed that belong to this process.
type topicReader struct {
	ship *Shipper
	feed *feed

	mu    sync.Mutex // guards parts and what is in them
	parts map[int]*part
}

// part is how far a partition was looked at.
type part struct {
	journal *journal
	next    uint64    // not yet handed to a worker
	end     uint64    // of the partition
	asOf    time.Time // when that was its end; zero: not looked at yet
}

// readTopic ships a topic of raw lines until ctx ends.
func (s *Shipper) readTopic(ctx context.Context, f *feed) error {
	t := &topicReader{ship: s, feed: f, parts: map[int]*part{}}
	return s.untilDone(ctx, func() error {
		return f.Topic(ctx, func(owned context.Context, p Partition) error { return t.own(ctx, owned, p) })
	})
}

// own reads one partition until ctx ends or the partition is taken away. After an orderly stop it stays
// until what is under way was acknowledged, so that nothing has to be made again.
func (t *topicReader) own(ctx, owned context.Context, p Partition) error {
	offset, note, err := p.Committed(owned)
	if err != nil {
		return err
	}
	late, cancel := afterwards(ctx, stopTimeout)
	defer cancel()
	j, err := topicJournal(t.feed.Name, offset, note, func(offset int64, note string) error { return p.Commit(late, offset, note) })
	if err != nil {
		return fmt.Errorf("read partition %d: %w", p.ID(), err)
	}
	src := t.ship.openSource(t.feed, j)
	t.set(p.ID(), &part{journal: j, next: j.done()})
	defer t.set(p.ID(), nil)

	work, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(owned, stop)()
	for _, sp := range j.todo() {
		if err = t.readSpan(work, src, p, sp); err != nil {
			break
		}
	}
	if owned.Err() != nil { // what is under way is made again by whoever has the partition now
		return nil
	}
	if ctx.Err() != nil {
		err = nil
	}
	return errors.Join(err, t.drain(owned, src))
}

// drain waits, for as long as the flush does, until nothing of a source is under way.
func (t *topicReader) drain(owned context.Context, src *source) error {
	over := t.ship.Clock.NewTimer(stopTimeout - time.Second)
	defer over.Stop()
	for src.underway.Load() > 0 {
		tick := t.ship.Clock.NewTimer(10 * time.Millisecond)
		select {
		case <-owned.Done():
			tick.Stop()
			return nil
		case <-over.C:
			tick.Stop()
			return nil
		case <-tick.C:
		}
	}
	return nil
}

func (t *topicReader) set(id int, p *part) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p == nil {
		delete(t.parts, id)
	} else {
		t.parts[id] = p
	}
}

// looked notes how far a partition was read and where it ends, and marks how far the feed is.
func (t *topicReader) looked(id int, at time.Time, next, end uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.parts[id]; p != nil {
		p.next, p.end, p.asOf = next, end, at
	}
	var ends []position
	var lag int64
	for p := range maps.Values(t.parts) {
		if p.asOf.Before(at) {
			at = p.asOf
		}
		ends = append(ends, position{p.journal, p.end})
		lag += max(offsetOf(p.end)-offsetOf(p.next), 0)
	}
	t.feed.lag.Store(lag)
	if !at.IsZero() {
		t.feed.watermark.mark(at, ends)
	}
}

// readSpan sends a span through workers: as it was cut before, or block by block without an end.
func (t *topicReader) readSpan(ctx context.Context, src *source, p Partition, sp span) error {
	if sp.open {
		sp.end = math.MaxUint64
	}
	chunks, errs, broken := make(chan chunk), make(chan error, 1), &atomic.Bool{}
	go func() {
		err := t.pump(ctx, p, sp, chunks)
		broken.Store(err != nil)
		close(chunks)
		errs <- err
	}()
	if sp.open {
		for {
			err := src.journal.settle(ctx, maxPieces)
			var first chunk
			more := false
			if err == nil {
				first, more, err = nextChunk(ctx, chunks)
			}
			if err == nil && more {
				_, err = t.ship.sendRange(ctx, src, first, chunks)
			}
			if err != nil || !more {
				break
			}
		}
		for c := range chunks {
			t.ship.pool.put(c.buf)
		}
		return <-errs
	}
	src.underway.Add(1)
	lines := &topicRange{streamRange{chunks, t.ship.pool}, broken}
	select {
	case t.ship.jobs <- &job{source: src, start: sp.start, end: sp.end, recut: sp.recut, lines: lines}:
	case <-ctx.Done():
		src.underway.Add(-1)
		lines.close()
	}
	return <-errs
}

// topicRange is a range that was cut before. Where it cannot be read to its end nothing is made of it.
type topicRange struct {
	streamRange
	broken *atomic.Bool
}

func (r *topicRange) next() (chunk, error) {
	c, ok := <-r.chunks
	switch {
	case ok:
		return c, nil
	case r.broken.Load():
		return chunk{}, errShort
	}
	return c, io.EOF
}

// pump fetches the messages of a span and hands out a chunk for each.
func (t *topicReader) pump(ctx context.Context, p Partition, sp span, out chan<- chunk) error {
	for pos := sp.start; pos < sp.end; {
		at := t.ship.Clock.Now()
		messages, end, err := p.Fetch(ctx, offsetOf(pos))
		if err != nil {
			return err
		}
		if len(messages) > 0 && messages[0].Offset != offsetOf(pos) && pos > 0 {
			if err := t.missed(p, offsetOf(pos), messages[0].Offset); err != nil {
				return err
			}
		}
		for _, m := range messages {
			if positionOf(m.Offset) >= sp.end {
				return nil
			}
			if pos, err = t.hand(ctx, m, max(pos, positionOf(m.Offset)), sp.end, out); err != nil {
				return err
			}
		}
		t.looked(p.ID(), at, pos, positionOf(end))
	}
	return nil
}

// missed says that messages are gone that were not read; and ends where the topic is another one now.
func (t *topicReader) missed(p Partition, want, got int64) error {
	if got < want {
		return fmt.Errorf("partition %d begins again at %d, and was read to %d: the topic was created anew; give the source another group to read it from its start", p.ID(), got, want)
	}
	t.ship.Logger.Error("messages are gone that were not read; keep the topic of raw lines longer",
		slog.String("feed", t.feed.Name), slog.Int("partition", p.ID()), slog.Int64("messages", got-want))
	return nil
}

// hand gives the part of a message from pos on to a worker and returns the position behind it.
func (t *topicReader) hand(ctx context.Context, m throng.Message, pos, end uint64, out chan<- chunk) (uint64, error) {
	if len(m.Value) >= 1<<messageBits {
		return pos, fmt.Errorf("message %d of partition %d has %d bytes; send less than 16 MiB at a time", m.Offset, m.Partition, len(m.Value))
	}
	buf, err := t.ship.pool.get(ctx)
	if err != nil {
		return pos, err
	}
	buf = append(buf, m.Value...)
	if n := len(buf); n > 0 && buf[n-1] != '\n' {
		buf = append(buf, '\n')
	}
	start := positionOf(m.Offset)
	from := min(pos-start, uint64(len(buf)))
	c := chunk{data: buf[from:], start: pos, end: positionOf(m.Offset + 1), buf: buf}
	if end < c.end {
		c.data, c.end = buf[from:max(from, min(end-start, uint64(len(buf))))], end
	}
	select {
	case out <- c:
		return c.end, nil
	case <-ctx.Done():
		t.ship.pool.put(buf)
		return pos, ctx.Err()
	}
}

// topicNote is a checkpoint as it is committed with an offset: it travels with the partition to whoever
// reads it next.
type topicNote struct {
	ID     string  `json:"id"`
	Done   uint64  `json:"done"`
	Pieces []piece `json:"pieces,omitempty"`
	Format string  `json:"format,omitempty"`
}

// topicJournal is the journal of a partition. Its source's id is random, since offsets begin again in a
// topic that is created anew.
func topicJournal(feed string, offset int64, note string, commit func(int64, string) error) (*journal, error) {
	j := newJournal("", feed, newSourceID(), file{})
	j.cp.Done = positionOf(offset)
	if note != "" {
		var n topicNote
		err := json.Unmarshal([]byte(note), &n)
		if err == nil {
			j.cp.ID, err = throng.ParseSourceID(n.ID)
		}
		if err == nil && offsetOf(n.Done) != offset {
			err = errors.New("it was moved")
		}
		if err != nil {
			return nil, fmt.Errorf("the offset of the group was committed by another program, or moved; give the source a group of its own: %w", err)
		}
		j.cp.Source, j.cp.Done, j.cp.Pieces, j.cp.Format = n.ID, n.Done, n.Pieces, n.Format
	}
	j.store = func(cp *checkpoint) error {
		b, err := json.Marshal(topicNote{cp.Source, cp.Done, cp.Pieces, cp.Format})
		if err != nil {
			return fmt.Errorf("write checkpoint: %w", err)
		}
		return commit(offsetOf(cp.Done), string(b))
	}
	return j, nil
}
