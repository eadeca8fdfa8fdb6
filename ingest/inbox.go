package ingest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"

	"throng"
)

// inboxBytes bounds what was received and not yet read by a worker's stream.
const inboxBytes = 16 << 20

// ErrFull says that an inbox has no room: what is behind it is slower than what comes in.
var ErrFull = errors.New("the inbox is full")

// ErrClosed says that the shipper stops.
var ErrClosed = errors.New("the inbox is closed")

// Inbox is where a receiver (syslog, HTTP) leaves the lines of a feed. They are in memory alone until
// their block is acknowledged by the broker. Its methods may be called from any goroutine.
type Inbox struct {
	ship *Shipper
	feed *feed
	// source is the stream of all lines that came without a key.
	source *source

	mu     sync.Mutex    // guards what follows, but for calls
	buf    []byte        // received and not yet read
	out    []byte        // the part before it that is being read
	spare  []byte        // what out was before
	end    uint64        // offset in the stream behind buf
	keyed  []position    // ends of deliveries under way, each a source of its own
	closed bool          // nothing more is taken
	more   chan struct{} // holds one token when buf has grown, or the inbox was closed
	room   chan struct{} // closed, and made anew, when buf was read
	calls  sync.WaitGroup
}

func newInbox(s *Shipper, f *feed) *Inbox {
	return &Inbox{ship: s, feed: f, source: s.newSource(f, "", file{}), more: make(chan struct{}, 1), room: make(chan struct{})}
}

// Offer takes lines if there is room, and gives the position behind them for [Inbox.Await]. The error
// is [ErrFull] or [ErrClosed]. A newline is added where the last line has none. The bytes are copied.
func (in *Inbox) Offer(lines []byte) (end uint64, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return 0, ErrClosed
	case len(lines) == 0:
		return in.end, nil
	case len(in.out)+len(in.buf) > 0 && len(in.out)+len(in.buf)+len(lines) >= inboxBytes:
		return 0, ErrFull
	}
	n := len(in.buf)
	in.buf = append(in.buf, lines...)
	if lines[len(lines)-1] != '\n' {
		in.buf = append(in.buf, '\n')
	}
	in.end += uint64(len(in.buf) - n)
	in.feed.lag.Add(int64(len(in.buf) - n))
	in.signal()
	return in.end, nil
}

// Put is Offer that waits for room.
func (in *Inbox) Put(ctx context.Context, lines []byte) (end uint64, err error) {
	for {
		in.mu.Lock()
		room := in.room
		in.mu.Unlock()
		if end, err = in.Offer(lines); !errors.Is(err, ErrFull) {
			return end, err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// Await waits until the broker has every line before the position.
func (in *Inbox) Await(ctx context.Context, end uint64) error {
	return in.source.journal.await(ctx, end)
}

// Deliver takes lines that are known by a key and returns when the broker has them. Delivered again
// under the same key to the same machine the same lines make the same blocks, which the store counts
// once; other lines under that key are other blocks. The lines must not be changed afterwards.
func (in *Inbox) Deliver(ctx context.Context, key string, lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	src, err := in.begin(key, lines)
	if err != nil {
		return err
	}
	defer in.calls.Done()
	defer in.ended(src)
	src.underway.Add(1)
	j := &job{source: src, recut: true, lines: &bodyRange{newChunker(bytes.NewReader(lines), in.ship.pool, 0)}}
	select {
	case in.ship.jobs <- j:
	case <-ctx.Done():
		src.underway.Add(-1)
		return ctx.Err()
	}
	return src.journal.await(ctx, uint64(len(lines)))
}

// begin starts the source of a delivery, unless the inbox is closed. Its id is a keyed hash, so that
// nobody without this machine's key can test by a block's identity which lines it was made from.
func (in *Inbox) begin(key string, lines []byte) (*source, error) {
	mac := hmac.New(sha256.New, in.ship.key)
	for _, part := range []string{in.feed.Name, key} {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		mac.Write([]byte(part))
	}
	mac.Write(lines)
	src := in.ship.openSource(in.feed, newJournal("", in.feed.Name, throng.SourceID(mac.Sum(nil)[:16]), file{}))
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return nil, ErrClosed
	}
	in.calls.Add(1)
	in.keyed = append(in.keyed, position{src.journal, uint64(len(lines))})
	return src, nil
}

func (in *Inbox) ended(src *source) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.keyed = slices.DeleteFunc(in.keyed, func(p position) bool { return p.journal == src.journal })
}

// Drop counts messages that were lost before they could be taken, where that is known.
func (in *Inbox) Drop(n uint64) { in.feed.dropped.Add(n) }

// ends are the positions up to which lines were received until now; ok is false before the first one.
func (in *Inbox) ends() (ends []position, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]position{{in.source.journal, in.end}}, in.keyed...), in.end > 0 || len(in.keyed) > 0
}

// Read implements [io.Reader] for the stream's chunker: it waits for lines, and ends when the inbox is
// closed and empty.
func (in *Inbox) Read(p []byte) (int, error) {
	for {
		n, closed := in.read(p)
		if n > 0 {
			return n, nil
		}
		if closed {
			return 0, io.EOF
		}
		<-in.more
	}
}

// read reads what is there.
func (in *Inbox) read(p []byte) (n int, closed bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.out) == 0 {
		in.out, in.buf, in.spare = in.buf, in.spare[:0], nil
	}
	n = copy(p, in.out)
	if in.out = in.out[n:]; len(in.out) == 0 && cap(in.out) <= 2*chunkSize {
		in.spare = in.out
	}
	if n > 0 {
		in.feed.lag.Add(-int64(n))
		close(in.room)
		in.room = make(chan struct{})
	}
	return n, in.closed
}

// signal wakes the reader; the caller holds mu.
func (in *Inbox) signal() {
	select {
	case in.more <- struct{}{}:
	default:
	}
}

// close lets nothing more in and waits for deliveries under way.
func (in *Inbox) close() {
	in.mu.Lock()
	in.closed = true
	in.signal()
	in.mu.Unlock()
	in.calls.Wait()
}

// bodyRange is all lines of one delivery.
type bodyRange struct{ *chunker }

func (r *bodyRange) next() (chunk, error) {
	c, err := r.chunker.next(context.Background())
	if !errors.Is(err, io.EOF) {
		return c, err
	}
	c, ok, err := r.rest(context.Background())
	if err == nil && !ok {
		err = io.EOF
	}
	return c, err
}

func (r *bodyRange) intact() error { return nil }
