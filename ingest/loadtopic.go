package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"throng"
	"throng/ingest/block"
)

// landing is a fetched message on its way into the store. Landings are committed in the order in
// which they were fetched, so that all before a committed one is inserted.
type landing struct {
	msg     throng.Message
	closing bool
	done    chan error // receives once
}

// consume loads a topic with one membership in its group. It returns when ctx ends or at the first
// error; what was fetched and not committed comes again.
func (l *Loader) consume(ctx context.Context, topic string, day throng.Day) (err error) {
	sub, err := l.Broker.Subscribe(ctx, LoadGroup(topic), topic)
	if err != nil {
		return fmt.Errorf("load %s: %w", topic, err)
	}
	defer func() { err = errors.Join(err, sub.Close()) }()

	ctx, cancel := context.WithCancelCause(ctx)
	var inserts sync.WaitGroup // cancel ends what is under way
	defer inserts.Wait()
	defer cancel(nil)
	// Unbuffered: one block is inserted while the one before it is waited for and committed.
	landings := make(chan *landing)
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		if err := l.commit(ctx, sub, day, landings); err != nil {
			cancel(err)
			for range landings {
			}
		}
	}()
	err = l.fetch(ctx, sub, day, &inserts, landings)
	close(landings)
	<-committed
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("load %s: %w", topic, err)
	}
	return nil
}

// fetch takes messages and starts their inserts.
func (l *Loader) fetch(ctx context.Context, sub Subscription, day throng.Day, inserts *sync.WaitGroup, out chan<- *landing) error {
	marks := map[int]int64{} // closing markers that came by
	for {
		msg, err := sub.Fetch(ctx)
		if err != nil {
			return err
		}
		kind, h, native, err := block.Parse(msg.Value)
		if err != nil {
			return fmt.Errorf("message %d of partition %d: %w", msg.Offset, msg.Partition, err)
		}
		ld := &landing{msg: msg, closing: kind == block.KindClosing, done: make(chan error, 1)}
		mark, closed := marks[msg.Partition]
		switch {
		case ld.closing:
			if !closed {
				marks[msg.Partition] = msg.Offset
			}
			ld.done <- nil
		case closed && msg.Offset > mark:
			ld.done <- l.drop(ctx, h)
		default:
			inserts.Go(func() { ld.done <- l.insert(ctx, day, msg, h, native) })
		}
		select {
		case out <- ld:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), <-ld.done)
		}
	}
}

// commit waits for each landing in turn and commits it. At a closing marker all before it is
// inserted; that is noted before the marker is committed, so that it is known after a crash too.
func (l *Loader) commit(ctx context.Context, sub Subscription, day throng.Day, landings <-chan *landing) error {
	for ld := range landings {
		err := <-ld.done
		if err == nil && ld.closing {
			err = l.untilDone(ctx, func() error { return l.Store.MarkPassed(ctx, day, ld.msg.Partition, ld.msg.Offset) })
		}
		if err == nil {
			err = sub.Commit(ctx, ld.msg)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// insert puts a block into the store, unless its day is closed.
func (l *Loader) insert(ctx context.Context, day throng.Day, msg throng.Message, h throng.BlockHeader, native []byte) error {
	if h.Day != day {
		return fmt.Errorf("message %d of partition %d: a block of %s in the topic of %s", msg.Offset, msg.Partition, h.Day, day)
	}
	closed, err := l.closed(ctx, day, msg)
	if err != nil {
		return err
	}
	if closed {
		return l.drop(ctx, h)
	}
	if h.Rows > 0 {
		if err := l.insertRows(ctx, h, native); err != nil {
			return err
		}
	}
	if err := l.untilDone(ctx, func() error { return l.Store.RecordBlock(ctx, h) }); err != nil {
		return err
	}
	l.counts.blocks.Add(1)
	l.counts.rows.Add(uint64(h.Rows))
	return nil
}

// insertRows inserts a block's rows, as often as it takes.
func (l *Loader) insertRows(ctx context.Context, h throng.BlockHeader, native []byte) error {
	ctx, done := l.Observe(ctx, int(h.Rows), len(native))
	failed := 0
	err := l.untilDone(ctx, func() error {
		err := l.Store.InsertBlock(ctx, h.BlockID, int(h.Rows), native)
		if err != nil {
			failed++
		}
		return err
	})
	done(failed, err)
	return err
}

// closed tells whether a message came too late for its day: behind the marker that a loader has
// passed, or so long after the day that nobody waits for it.
func (l *Loader) closed(ctx context.Context, day throng.Day, msg throng.Message) (closed bool, err error) {
	now := l.Clock.Now()
	if now.Before(day.End()) {
		return false, nil
	}
	if l.longOver(day) {
		return true, nil
	}
	err = l.untilDone(ctx, func() error {
		marks, err := l.Store.Marks(ctx, day)
		mark, ok := marks[msg.Partition]
		closed = ok && msg.Offset > mark
		return err
	})
	return closed, err
}

// longOver tells whether a day's release was made without waiting any longer.
func (l *Loader) longOver(day throng.Day) bool {
	return l.Clock.Now().After(day.End().Add(l.MaxLateness))
}

// drop counts a block that came too late. Its rows go nowhere; the number is kept with the day, with the
// watermark that the block carries, as long as the day is: what retention has dropped does not come back.
func (l *Loader) drop(ctx context.Context, h throng.BlockHeader) error {
	l.counts.late.Add(uint64(h.Rows))
	if l.longOver(h.Day) {
		return nil
	}
	h.Late += h.Rows
	h.Rows = 0
	return l.untilDone(ctx, func() error { return l.Store.RecordBlock(ctx, h) })
}

// untilDone repeats a call while its error is retryable.
func (l *Loader) untilDone(ctx context.Context, call func() error) error {
	return untilDone(ctx, l.Clock, l.Logger, call)
}
