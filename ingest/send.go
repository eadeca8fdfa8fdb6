package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"throng"
)

// senderCount is the number of pieces on their way at a time: enough to hide the broker's fsync.
const senderCount = 3

// counters are read while ship runs.
type counters struct {
	lines, events, late, rejected, acked, invalidSignals atomic.Uint64
}

func (c *counters) add(t *Tally) {
	c.lines.Add(t.Lines)
	c.events.Add(t.Events)
	c.late.Add(t.Late)
	c.rejected.Add(t.Rejects())
	c.invalidSignals.Add(t.InvalidSignals)
}

// Progress is what ship has done since it started.
type Progress struct {
	Lines, Events, Late, Rejected uint64
	// Acked is the number of lines whose blocks the broker has.
	Acked uint64
	// Lag is the number of bytes in followed files, or received, that were not read yet.
	Lag int64
	// Sources are the feeds, in the order of the options.
	Sources []SourceProgress
}

// SourceProgress is what was done with one feed since the shipper started, and how far behind it is.
type SourceProgress struct {
	// Name is the feed's configured name.
	Name string
	// Lines is the number of lines whose blocks the broker has; Late and Rejected are those of them
	// that came after their day was closed, and that could not be read.
	Lines, Late, Rejected uint64
	// InvalidSignals is the number of signal fields in these lines whose value is outside of its
	// specification.
	InvalidSignals uint64
	// Lag is what was not read yet: bytes of files, bytes that were received, or messages of a topic.
	Lag int64
	// Dropped is the number of messages that were lost before they could be read, as far as the system
	// says: datagrams of syslog.
	Dropped uint64
	// Watermark is the time up to which every line is in the broker; zero before the first.
	Watermark time.Time
}

// Progress may be called at any time.
func (s *Shipper) Progress() Progress {
	c := &s.counts
	p := Progress{Lines: c.lines.Load(), Events: c.events.Load(), Late: c.late.Load(), Rejected: c.rejected.Load(), Acked: c.acked.Load()}
	for _, f := range s.feeds {
		c := &f.sent
		sp := SourceProgress{Name: f.Name, Lines: c.lines.Load(), Late: c.late.Load(), Rejected: c.rejected.Load(),
			InvalidSignals: c.invalidSignals.Load(), Lag: max(f.lag.Load(), 0), Dropped: f.dropped.Load()}
		sp.Watermark, _ = f.watermark.reached()
		p.Sources = append(p.Sources, sp)
		if f.Topic == nil {
			p.Lag += sp.Lag
		}
	}
	return p
}

// send takes parcels until there are no more, or one fails for good. ctx outlives the stop of the
// readers, but not for long.
func (s *Shipper) send(ctx context.Context) error {
	for p := range s.parcels {
		if p.err != nil {
			return p.err
		}
		err := s.deliver(ctx, p)
		p.source.underway.Add(-1)
		if errors.Is(err, ErrLost) {
			continue // whoever has the partition now makes what was cut again
		}
		if err != nil {
			if ctx.Err() != nil {
				s.Logger.Warn("stopped before all was acknowledged; it is sent again at the next start",
					slog.String("source", p.source.journal.cp.ID.String()))
				continue
			}
			return err
		}
	}
	return nil
}

// discard takes what other workers still make after a sender has failed.
func (s *Shipper) discard() {
	for p := range s.parcels {
		if p.err == nil {
			p.source.underway.Add(-1)
		}
	}
}

// deliver makes a piece's identity durable, sends its blocks and acknowledges it.
func (s *Shipper) deliver(ctx context.Context, p *parcel) error {
	if err := s.untilDone(ctx, func() error { return s.notes.add(p) }); err != nil {
		return err
	}
	if err := s.untilDone(ctx, func() error { return p.source.journal.cut(p.start, p.end) }); err != nil {
		return err
	}
	for _, m := range p.messages {
		if err := s.produce(ctx, m); err != nil {
			return fmt.Errorf("send block: %w", err)
		}
		s.recycle(m.value)
	}
	if err := s.untilDone(ctx, func() error { return p.source.journal.ack(p.start, p.tally) }); err != nil {
		return err
	}
	s.counts.acked.Add(p.tally.Lines)
	p.source.feed.sent.add(&p.tally)
	s.totalMu.Lock()
	defer s.totalMu.Unlock()
	s.total.Add(p.tally)
	return nil
}

// Tally counts the lines that were sent and acknowledged since the shipper was made.
func (s *Shipper) Tally() Tally {
	s.totalMu.Lock()
	defer s.totalMu.Unlock()
	return s.total.clone()
}

// produce sends one message, however long the broker is away.
func (s *Shipper) produce(ctx context.Context, m message) error {
	topic := throng.EventsTopic(m.day)
	return s.untilDone(ctx, func() error {
		if err := s.Broker.EnsureTopic(ctx, topic); err != nil {
			return err
		}
		return s.Broker.Produce(ctx, topic, []byte(m.key), m.value)
	})
}

func (s *Shipper) untilDone(ctx context.Context, call func() error) error {
	return untilDone(ctx, s.Clock, s.Logger, call)
}

// buffer is an empty buffer for an encoded block.
func (s *Shipper) buffer() []byte {
	select {
	case b := <-s.buffers:
		return b[:0]
	default:
		return nil
	}
}

func (s *Shipper) recycle(b []byte) {
	select {
	case s.buffers <- b:
	default:
	}
}
