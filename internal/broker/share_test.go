package broker_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"throng/internal/broker"
)

// owner takes what a group gives it, reads each partition from what was committed, and commits a note
// with each message.
type owner struct {
	mu   sync.Mutex
	seen map[string]int
	had  map[int]*broker.Partition
}

func (o *owner) own(ctx context.Context, p *broker.Partition) error {
	o.mu.Lock()
	o.had[p.ID()] = p
	o.mu.Unlock()
	offset, note, err := p.Committed(ctx)
	if err != nil {
		return err
	}
	if offset >= 0 && note != fmt.Sprint("note ", offset) {
		return fmt.Errorf("offset %d has the note %q", offset, note)
	}
	for offset = max(offset, 0); ctx.Err() == nil; {
		messages, end, err := p.Fetch(ctx, offset)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil || end < offset {
			return fmt.Errorf("partition %d ends at %d: %w", p.ID(), end, err)
		}
		for _, m := range messages {
			if m.Offset != offset {
				return fmt.Errorf("offset %d after %d", m.Offset, offset-1)
			}
			offset++
			err := p.Commit(ctx, offset, fmt.Sprint("note ", offset))
			if errors.Is(err, broker.ErrLost) || ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			o.mu.Lock()
			o.seen[string(m.Value)]++
			o.mu.Unlock()
		}
	}
	return nil
}

func (o *owner) count() (values, partitions int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.seen), len(o.had)
}

// share runs a member until stop.
func share(t *testing.T, c *broker.Client, topic string) (o *owner, stop func()) {
	t.Helper()
	o = &owner{seen: map[string]int{}, had: map[int]*broker.Partition{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Share(ctx, "raw", topic, o.own) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return o, stop
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited a minute")
		}
	}
}

// Partitions pass from member to member with the offsets and notes; what a member commits for a
// partition that it has no more changes nothing.
func TestPartitionsAreShared(t *testing.T) {
	c := newClient(t)
	topic := newTopic(t, c)
	produce(t, c, topic, numbered("a", 40)...)
	first, stop := share(t, c, topic)
	eventually(t, func() bool { n, _ := first.count(); return n == 40 })
	second, _ := share(t, c, topic)
	eventually(t, func() bool { _, p := second.count(); return p > 0 })
	produce(t, c, topic, numbered("b", 40)...)
	eventually(t, func() bool { a, _ := first.count(); b, _ := second.count(); return a+b == 80 })
	second.mu.Lock()
	for id := range second.had {
		if err := first.had[id].Commit(t.Context(), 0, "stale"); !errors.Is(err, broker.ErrLost) {
			t.Errorf("a commit to partition %d after it was lost: %v", id, err)
		}
	}
	second.mu.Unlock()
	stop()
	produce(t, c, topic, numbered("c", 40)...)
	eventually(t, func() bool { a, _ := first.count(); b, _ := second.count(); return a+b == 120 })
	for v, n := range second.seen {
		if n != 1 || first.seen[v] != 0 {
			t.Errorf("%s came more than once", v)
		}
	}
}

func TestSharingATopicThatIsNotThere(t *testing.T) {
	c := newClient(t)
	err := c.Share(t.Context(), "raw", "nowhere", func(context.Context, *broker.Partition) error { return nil })
	if !errors.Is(err, broker.ErrNoTopic) {
		t.Errorf("error %v", err)
	}
}
