package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"throng"
)

// Subscription is one member of the consumer group of a topic. Messages of a partition come in
// order; what was not committed comes again.
type Subscription interface {
	Fetch(ctx context.Context) (throng.Message, error)
	Commit(ctx context.Context, msgs ...throng.Message) error
	Close() error
}

// Topics is what load needs of the broker.
type Topics interface {
	Topics(ctx context.Context) ([]string, error)
	Subscribe(ctx context.Context, group, topic string) (Subscription, error)
}

// BlockStore is what load needs of the store. Its inserts are idempotent by the block's identity.
type BlockStore interface {
	// InsertBlock inserts a block's rows, in all that is made of them, once.
	InsertBlock(ctx context.Context, id throng.BlockID, rows int, native []byte) error
	// RecordBlock notes that a block was loaded.
	RecordBlock(ctx context.Context, h throng.BlockHeader) error
	// MarkPassed notes that all before a day's closing marker in a partition is inserted.
	MarkPassed(ctx context.Context, day throng.Day, partition int, offset int64) error
	// Marks are the markers that were passed, as offsets by partition.
	Marks(ctx context.Context, day throng.Day) (map[int]int64, error)
}

// LoadGroup is the consumer group of a topic's loaders.
func LoadGroup(topic string) string { return "throng-load-" + topic }

// LoadOptions configure a [Loader].
type LoadOptions struct {
	Broker Topics       // Required.
	Store  BlockStore   // Required.
	Clock  throng.Clock // Required.
	Logger *slog.Logger // Required.
	// MaxLateness is how long after its end a day's blocks are still taken, whatever its topic says.
	// Defaults to 48 h.
	MaxLateness time.Duration
	// Observe is called before a block is inserted, and what it gives when that was done or given up, with the number
	// of tries that failed. Both are called concurrently. Defaults to nothing.
	Observe func(ctx context.Context, rows, bytes int) (context.Context, func(failed int, err error))
	// Poll is how often new topics are looked for. Defaults to 1 s.
	Poll time.Duration
}

// Loader takes blocks from the broker into the store, exactly once. Any number of loaders share the
// work.
type Loader struct {
	LoadOptions
	counts loadCounters
}

type loadCounters struct{ blocks, rows, late atomic.Uint64 }

// LoadProgress is what a loader has done since it started.
type LoadProgress struct{ Blocks, Rows, LateRows uint64 }

// NewLoader makes a loader; nothing runs before Run.
func NewLoader(o LoadOptions) (*Loader, error) {
	if o.Broker == nil || o.Store == nil || o.Clock == nil || o.Logger == nil {
		return nil, errors.New("load: a required option is missing")
	}
	if o.MaxLateness <= 0 {
		o.MaxLateness = 48 * time.Hour
	}
	if o.Poll <= 0 {
		o.Poll = time.Second
	}
	if o.Observe == nil {
		o.Observe = func(ctx context.Context, _, _ int) (context.Context, func(int, error)) {
			return ctx, func(int, error) {}
		}
	}
	return &Loader{LoadOptions: o}, nil
}

// Progress may be called at any time.
func (l *Loader) Progress() LoadProgress {
	return LoadProgress{l.counts.blocks.Load(), l.counts.rows.Load(), l.counts.late.Load()}
}

// Run loads every events topic until ctx ends. A block that is in the store and not committed when
// it stops comes again and is counted once. The error is nil after an orderly stop; a block that
// this version cannot read is an error, because skipping it would lose it.
func (l *Loader) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.Map // topic → struct{}: the topics that a goroutine loads
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		topics, err := l.Broker.Topics(ctx)
		if err != nil && ctx.Err() == nil && !throng.IsRetryable(err) {
			return fmt.Errorf("load: %w", err)
		}
		for _, topic := range topics {
			day, ok := throng.ParseEventsTopic(topic)
			if !ok {
				continue
			}
			if _, busy := running.LoadOrStore(topic, struct{}{}); busy {
				continue
			}
			wg.Go(func() {
				defer running.Delete(topic)
				if err := l.loadTopic(ctx, topic, day); err != nil && ctx.Err() == nil {
					cancel(err)
				}
			})
		}
		if !l.sleep(ctx, l.Poll) {
			break
		}
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// sleep waits; it is false when ctx ended first.
func (l *Loader) sleep(ctx context.Context, d time.Duration) bool {
	t := l.Clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// loadTopic loads one topic until ctx ends or the topic is gone.
func (l *Loader) loadTopic(ctx context.Context, topic string, day throng.Day) error {
	for {
		err := l.consume(ctx, topic, day)
		if ctx.Err() != nil || err != nil && !throng.IsRetryable(err) {
			return err
		}
		if gone, err := l.gone(ctx, topic); gone || err != nil {
			return err
		}
		if err != nil {
			l.Logger.Warn("loading goes on after an error", slog.String("topic", topic), slog.Any("error", err))
		}
		if !l.sleep(ctx, l.Poll) {
			return nil
		}
	}
}

// gone tells whether retention has deleted the topic.
func (l *Loader) gone(ctx context.Context, topic string) (bool, error) {
	topics, err := l.Broker.Topics(ctx)
	if err != nil {
		if throng.IsRetryable(err) {
			return false, nil
		}
		return false, err
	}
	for _, t := range topics {
		if t == topic {
			return false, nil
		}
	}
	return true, nil
}
