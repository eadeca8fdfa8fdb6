package ingest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"throng"
	"throng/ingest/accesslog"
)

// firstLines are up to n whole lines at the start of data.
func firstLines(data []byte, n int) [][]byte {
	lines := make([][]byte, 0, n)
	for len(lines) < n && len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		lines, data = append(lines, line), rest
	}
	return lines
}

// newSource starts a source that was not seen before, under a random id.
func (s *Shipper) newSource(f *feed, dir string, what file) *source {
	return s.openSource(f, newJournal(dir, f.Name, newSourceID(), what))
}

func newSourceID() (id throng.SourceID) {
	rand.Read(id[:]) // never fails
	return id
}

// openSource continues a source where its journal stands.
func (s *Shipper) openSource(f *feed, j *journal) *source {
	src := &source{feed: f, journal: j, format: j.cp.Format}
	if src.format == "" && accesslog.IsResolved(f.Format) {
		src.format = f.Format
	}
	return src
}

// readStream ships a stream to its end. A block is cut when it is full, or MaxAge after its first
// line. Reading a stream cannot be interrupted: when ctx ends, a read that waits for more is left
// behind, to end with the process.
func (s *Shipper) readStream(ctx context.Context, f *feed) error {
	src := s.newSource(f, "", file{})
	chunks, errs := s.readChunks(ctx, f.Stream)
	end := uint64(0)
	for {
		first, more, err := nextChunk(ctx, chunks)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if end, err = s.sendRange(ctx, src, first, chunks); err != nil {
			return err
		}
		f.watermark.mark(s.Clock.Now(), []position{{src.journal, end}})
	}
	f.watermark.last(s.Clock.Now(), []position{{src.journal, end}})
	return <-errs
}

// receive ships what a feed receives until ctx ends. What was received by then is read to its end: the
// reading outlives ctx by as much as the flush does.
func (s *Shipper) receive(ctx context.Context, f *feed) error {
	late, cancel := afterwards(ctx, stopTimeout)
	defer cancel()
	in := newInbox(s, f)
	stopped := make(chan error, 1)
	listen, stop := context.WithCancel(ctx)
	go func() {
		err := f.Receive(listen, in)
		in.close()
		stopped <- err
	}()
	err := s.readInbox(late, f, in)
	stop()
	return errors.Join(err, <-stopped)
}

// readInbox ships an inbox until it is closed and empty. While nothing comes the feed is as far as the
// clock, once it has had a line: a sender that was never heard of must not pass for one that is quiet.
func (s *Shipper) readInbox(ctx context.Context, f *feed, in *Inbox) error {
	chunks, errs := s.readChunks(ctx, in)
	for {
		idle := s.Clock.NewTimer(heartbeat)
		select {
		case first, more := <-chunks:
			idle.Stop()
			if !more {
				return <-errs
			}
			if _, err := s.sendRange(ctx, in.source, first, chunks); err != nil {
				return err
			}
		case <-idle.C:
		case <-ctx.Done():
			idle.Stop()
			return ctx.Err()
		}
		now := s.Clock.Now() // before the look at what was received by then
		if ends, ok := in.ends(); ok && !f.Silent {
			f.watermark.mark(now, ends)
		}
	}
}

// pass notes what the lines of a stream's chunk say of those after it.
func (s *source) pass(c chunk) {
	if s.readsPreamble() {
		_, _ = s.preamble.Write(c.data) // never fails
	}
}

// nextChunk waits for a chunk; more is false at the end of the stream.
func nextChunk(ctx context.Context, chunks <-chan chunk) (c chunk, more bool, err error) {
	select {
	case c, more = <-chunks:
		return c, more, nil
	case <-ctx.Done():
		return chunk{}, false, ctx.Err()
	}
}

// readChunks reads in a goroutine of its own, which ends with the stream, or after ctx with the read
// that is under way. The channel of chunks is closed before the error is sent.
func (s *Shipper) readChunks(ctx context.Context, r io.Reader) (<-chan chunk, <-chan error) {
	chunks, errs := make(chan chunk), make(chan error, 1)
	go func() {
		err := s.pump(ctx, newChunker(r, s.pool, 0), chunks)
		close(chunks)
		errs <- err
	}()
	return chunks, errs
}

func (s *Shipper) pump(ctx context.Context, ch *chunker, out chan<- chunk) error {
	defer ch.close()
	for {
		c, err := ch.next(ctx)
		if errors.Is(err, io.EOF) {
			last, ok, err := ch.rest(ctx)
			if err != nil || !ok {
				return err
			}
			c = last
		} else if err != nil {
			return fmt.Errorf("read stream: %w", err)
		}
		select {
		case out <- c:
		case <-ctx.Done():
			s.pool.put(c.buf)
			return ctx.Err()
		}
	}
}

// sendRange sends one range that begins with first through a worker.
func (s *Shipper) sendRange(ctx context.Context, src *source, first chunk, chunks <-chan chunk) (end uint64, err error) {
	lines := streamRange{make(chan chunk), s.pool}
	defer close(lines.chunks)
	src.underway.Add(1)
	j := &job{source: src, start: first.start, lines: lines, preamble: src.preamble.Lines()}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		src.underway.Add(-1)
		s.pool.put(first.buf)
		return 0, ctx.Err()
	}
	age := s.Clock.NewTimer(cmp.Or(src.feed.MaxAge, s.MaxAge))
	defer age.Stop()
	end, n := first.end, first.lines()
	src.pass(first)
	lines.chunks <- first
	for n < s.blockRows(src.feed) {
		select {
		case c, ok := <-chunks:
			if !ok {
				return end, nil
			}
			end, n = c.end, n+c.lines()
			src.pass(c)
			lines.chunks <- c
		case <-age.C:
			return end, nil
		case <-ctx.Done():
			return end, nil
		}
	}
	return end, nil
}
