package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/ingest"
	"throng/ingest/block"
)

// topicLog is a topic of several partitions in memory, with the committed offsets of one group.
type topicLog struct {
	mu        sync.Mutex
	parts     [][][]byte
	committed []int64
	subs      int
}

func (l *topicLog) Topics(context.Context) ([]string, error) {
	return []string{throng.EventsTopic(loadDay)}, nil
}

func (l *topicLog) Subscribe(context.Context, string, string) (ingest.Subscription, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.subs > 0 {
		return nil, &throng.Retryable{Err: errors.New("this broker has room for one member")}
	}
	l.subs++
	return &member{log: l, next: append([]int64(nil), l.committed...)}, nil
}

func (l *topicLog) put(partition int, msg []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts[partition] = append(l.parts[partition], msg)
}

func (l *topicLog) behind() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.parts {
		if l.committed[p] < int64(len(l.parts[p])) {
			return true
		}
	}
	return false
}

// member reads what was not committed when it joined, in order within a partition.
type member struct {
	log  *topicLog
	next []int64
	turn int
}

func (m *member) Fetch(ctx context.Context) (throng.Message, error) {
	for {
		if msg, ok := m.poll(); ok {
			return msg, nil
		}
		select {
		case <-ctx.Done():
			return throng.Message{}, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

func (m *member) poll() (throng.Message, bool) {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	for range m.next {
		m.turn = (m.turn + 1) % len(m.next)
		if p := m.turn; m.next[p] < int64(len(m.log.parts[p])) {
			m.next[p]++
			return throng.Message{Topic: throng.EventsTopic(loadDay), Partition: p, Offset: m.next[p] - 1, Value: m.log.parts[p][m.next[p]-1]}, true
		}
	}
	return throng.Message{}, false
}

func (m *member) Commit(_ context.Context, msgs ...throng.Message) error {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	for _, msg := range msgs {
		if at := m.log.committed[msg.Partition]; msg.Offset != at {
			return fmt.Errorf("offset %d of partition %d is committed after %d", msg.Offset, msg.Partition, at)
		}
		m.log.committed[msg.Partition] = msg.Offset + 1
	}
	return nil
}

func (m *member) Close() error {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	m.log.subs--
	return nil
}

// memoryStore inserts an identity once. A call can fail after it was done, and before.
type memoryStore struct {
	mu       sync.Mutex
	rows     map[throng.BlockID]int
	recorded map[throng.BlockID]throng.BlockHeader
	marks    map[int]int64
	fault    func() (done bool, err error)
}

func newMemoryStore() *memoryStore {
	return &memoryStore{rows: map[throng.BlockID]int{}, recorded: map[throng.BlockID]throng.BlockHeader{}, marks: map[int]int64{},
		fault: func() (bool, error) { return true, nil }}
}

func (s *memoryStore) do(f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	done, err := s.fault()
	if done {
		f()
	}
	return err
}

func (s *memoryStore) InsertBlock(_ context.Context, id throng.BlockID, rows int, native []byte) error {
	if rows == 0 || len(native) == 0 {
		return errors.New("empty insert")
	}
	return s.do(func() { s.rows[id] = rows })
}

func (s *memoryStore) RecordBlock(_ context.Context, h throng.BlockHeader) error {
	return s.do(func() {
		if _, known := s.recorded[h.BlockID]; !known {
			s.recorded[h.BlockID] = h
		}
	})
}

func (s *memoryStore) MarkPassed(_ context.Context, _ throng.Day, partition int, offset int64) error {
	return s.do(func() {
		if at, ok := s.marks[partition]; !ok || offset < at {
			s.marks[partition] = offset
		}
	})
}

func (s *memoryStore) Marks(context.Context, throng.Day) (marks map[int]int64, err error) {
	err = s.do(func() {
		marks = map[int]int64{}
		for p, o := range s.marks {
			marks[p] = o
		}
	})
	return marks, err
}

func (s *memoryStore) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rows := range s.rows {
		n += rows
	}
	return n
}

var loadDay = throng.DayOf(start)

// encoded is a block of n events.
func encoded(t *testing.T, at uint64, n int, day throng.Day) []byte {
	t.Helper()
	b := block.NewBuilder()
	for i := range n {
		b.Append(&throng.Event{Time: day.Start().Unix() + int64(i), Site: "www", Path: "/", Method: throng.GET, Status: 200, Cell: 1})
	}
	msg, err := b.Encode(nil, throng.BlockHeader{BlockID: throng.BlockID{Start: at, End: at + 1, Day: day}, Feed: "web"})
	if err != nil {
		t.Fatal(err)
	}
	return msg
}

func newLoader(t *testing.T, log *topicLog, store *memoryStore, clock throng.Clock) *ingest.Loader {
	t.Helper()
	l, err := ingest.NewLoader(ingest.LoadOptions{Broker: log, Store: store, Clock: clock, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// until runs a loader until all is committed, or it fails.
func until(t *testing.T, l *ingest.Loader, log *topicLog) error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	for deadline := time.Now().Add(3 * time.Minute); log.behind(); time.Sleep(time.Millisecond) {
		select {
		case err := <-done:
			return err
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("not all was loaded")
		}
	}
	cancel()
	return <-done
}

func TestBlocksAreInsertedOnceWhateverFails(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 1))
			log := &topicLog{parts: make([][][]byte, 3), committed: make([]int64, 3)}
			want := 0
			for i := range 60 {
				n := rnd.IntN(5)
				want += n
				msg := encoded(t, uint64(i), n, loadDay)
				for range 1 + rnd.IntN(2) { // sent again after a lost answer
					log.put(rnd.IntN(3), msg)
				}
			}
			store := newMemoryStore()
			for log.behind() {
				calls, dies := 0, rnd.IntN(40)
				store.fault = func() (bool, error) {
					calls++
					switch {
					case calls > dies && dies%2 == 0:
						return rnd.IntN(2) == 0, errCrash
					case rnd.IntN(6) == 0:
						return rnd.IntN(2) == 0, &throng.Retryable{Err: errors.New("memory limit")}
					}
					return true, nil
				}
				if err := until(t, newLoader(t, log, store, &testClock{now: start}), log); err != nil && !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}
			if got := store.total(); got != want {
				t.Errorf("%d rows are in the store, %d were sent", got, want)
			}
			if len(store.recorded) != 60 {
				t.Errorf("%d blocks are recorded, 60 were sent", len(store.recorded))
			}
		})
	}
}

func TestBlocksBehindTheClosingMarkerAreLate(t *testing.T) {
	log := &topicLog{parts: make([][][]byte, 2), committed: make([]int64, 2)}
	store := newMemoryStore()
	clock := &testClock{now: loadDay.End().Add(time.Hour)}
	log.put(0, encoded(t, 0, 3, loadDay))
	log.put(0, block.Closing(nil, loadDay))
	log.put(0, encoded(t, 1, 4, loadDay))
	log.put(1, encoded(t, 2, 5, loadDay))
	if err := until(t, newLoader(t, log, store, clock), log); err != nil {
		t.Fatal(err)
	}
	if got := store.total(); got != 8 {
		t.Errorf("%d rows are in the store, want the 8 before the marker and of the other partition", got)
	}
	if store.marks[0] != 1 || len(store.marks) != 1 {
		t.Errorf("marks are %v, want offset 1 of partition 0", store.marks)
	}

	// Another process knows it from the store.
	log.put(0, encoded(t, 3, 6, loadDay))
	l := newLoader(t, log, store, clock)
	if err := until(t, l, log); err != nil {
		t.Fatal(err)
	}
	if got := store.total(); got != 8 || l.Progress().LateRows != 6 {
		t.Errorf("%d rows are in the store and %d are late, want 8 and 6", got, l.Progress().LateRows)
	}
}

func TestBlocksOfLongAgoAreLate(t *testing.T) {
	log := &topicLog{parts: make([][][]byte, 1), committed: make([]int64, 1)}
	store := newMemoryStore()
	log.put(0, encoded(t, 0, 3, loadDay))
	if err := until(t, newLoader(t, log, store, &testClock{now: loadDay.End().Add(49 * time.Hour)}), log); err != nil {
		t.Fatal(err)
	}
	if got := store.total(); got != 0 {
		t.Errorf("%d rows of a day whose partition is gone were inserted", got)
	}
	if len(store.recorded) != 0 {
		t.Error("a day that retention has dropped came back")
	}
}

func TestWhatIsNoBlockStopsTheLoader(t *testing.T) {
	for name, msg := range map[string][]byte{
		"prose":                   []byte("this is no block"),
		"empty":                   {},
		"block of another day":    encoded(t, 0, 3, loadDay-1),
		"cut short in the middle": encoded(t, 0, 3, loadDay)[:60],
	} {
		t.Run(name, func(t *testing.T) {
			log := &topicLog{parts: make([][][]byte, 1), committed: make([]int64, 1)}
			log.put(0, msg)
			if err := until(t, newLoader(t, log, newMemoryStore(), &testClock{now: start}), log); err == nil {
				t.Error("it was passed over")
			}
			if log.committed[0] != 0 {
				t.Error("it was committed")
			}
		})
	}
}
