package broker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/internal/broker"
	"throng/internal/broker/embedded"
	"throng/internal/broker/kafkatest"
)

// collector keeps the values of messages by how often they came.
type collector struct {
	mu   sync.Mutex
	seen map[string]int
	more chan struct{} // receives after each new value
}

func newCollector() *collector {
	return &collector{seen: map[string]int{}, more: make(chan struct{}, 1)}
}

// run fetches and commits until ctx ends, however often the broker fails.
func (c *collector) run(ctx context.Context, t testing.TB, s *broker.Subscription) {
	for ctx.Err() == nil {
		m, err := s.Fetch(ctx)
		if err == nil {
			c.add(string(m.Value))
			err = s.Commit(ctx, m)
		}
		if err != nil && ctx.Err() == nil && !throng.IsRetryable(err) {
			t.Error(err)
			return
		}
	}
}

func (c *collector) add(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[value]++
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// await waits until every value has come.
func (c *collector) await(t testing.TB, want []string) {
	t.Helper()
	late := time.After(2 * time.Minute)
	for {
		missing := c.missing(want)
		if len(missing) == 0 {
			return
		}
		select {
		case <-c.more:
		case <-late:
			t.Fatalf("%d of %d acknowledged messages never came: %v …", len(missing), len(want), missing[:min(5, len(missing))])
		}
	}
}

func (c *collector) missing(want []string) (missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range want {
		if c.seen[v] == 0 {
			missing = append(missing, v)
		}
	}
	return missing
}

// produceAll repeats until every value is acknowledged, as ship does.
func produceAll(ctx context.Context, t testing.TB, c *broker.Client, topic string, values []string) {
	for _, v := range values {
		err := error(&throng.Retryable{Err: errors.New("not tried")})
		for throng.IsRetryable(err) && ctx.Err() == nil {
			err = c.Produce(ctx, topic, []byte(v), []byte(v))
		}
		if err != nil {
			t.Errorf("produce: %v", err)
			return
		}
	}
}

func TestMembersShareAndInherit(t *testing.T) {
	c := newClient(t)
	topic := newTopic(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()

	both := newCollector()
	stays, leaves := subscribe(t, c, topic), subscribe(t, c, topic)
	firstCtx, stopFirst := context.WithCancel(ctx)
	wg.Go(func() { both.run(ctx, t, stays) })
	wg.Go(func() { both.run(firstCtx, t, leaves) })
	all := numbered("m", 300)
	produceAll(ctx, t, c, topic, all[:100])
	both.await(t, all[:100])
	wg.Go(func() { produceAll(ctx, t, c, topic, all[100:]) })
	stopFirst()
	if err := leaves.Close(); err != nil {
		t.Error(err)
	}
	both.await(t, all)
	if _, err := leaves.Fetch(ctx); err == nil || throng.IsRetryable(err) {
		t.Errorf("fetch after close: %v", err)
	}
}

func TestBrokerRestartsUnderProducerAndConsumer(t *testing.T) {
	dir := t.TempDir()
	b := startBroker(t, dir)
	addr := b.Addr()
	c := openClient(t, addr)
	topic := newTopic(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	got := newCollector()
	s := subscribe(t, c, topic)
	wg.Go(func() { got.run(ctx, t, s) })

	for round := range 3 {
		all := numbered(fmt.Sprintf("r%d-", round), 100)
		produceAll(ctx, t, c, topic, all[:20])
		got.await(t, all[:20])
		var producing sync.WaitGroup
		producing.Go(func() { produceAll(ctx, t, c, topic, all[20:]) })
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b = startBroker(t, dir)
		if b.Addr() != addr {
			t.Fatalf("restarted at %s instead of %s", b.Addr(), addr)
		}
		producing.Wait()
		got.await(t, all)
	}
}

func TestKillLosesNothingAcknowledged(t *testing.T) {
	const producers = 4
	rounds := 10
	if kafkatest.Wanted() {
		rounds = 3 // each takes Kafka ten seconds
	}
	dir := t.TempDir()
	p := startProcess(t, dir)
	addr := p.addr
	c := openClient(t, addr)
	topic := newTopic(t, c)

	var acked []string
	committed := map[int]int64{}
	for round := range rounds {
		acked = append(acked, killWhileProducing(t, c, p, topic, round, producers)...)
		p = startProcess(t, dir)
		if p.addr != addr {
			t.Fatalf("round %d: restarted at %s instead of %s", round, p.addr, addr)
		}
		after, err := c.Committed(t.Context(), "load", topic)
		if err != nil {
			t.Fatal(err)
		}
		for partition, offset := range committed {
			if after[partition] < offset {
				t.Errorf("round %d: partition %d committed %d, then %d", round, partition, offset, after[partition])
			}
		}
		committed = commitSome(t, c, topic, after)
	}
	checkStored(t, c, topic, acked)
}

// killWhileProducing kills the broker at a random instant under load, once it has acknowledged some
// messages, and gives the values of those.
func killWhileProducing(t *testing.T, c *broker.Client, p *process, topic string, round, producers int) []string {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	acks := make(chan string)
	var wg sync.WaitGroup
	for i := range producers {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				v := fmt.Sprintf("%d-%d-%d ", round, i, n) + strings.Repeat("x", rand.IntN(1<<20))
				if c.Produce(ctx, topic, []byte(v[:8]), []byte(v)) == nil {
					acks <- v[:strings.IndexByte(v, ' ')]
				}
			}
		})
	}
	var acked []string
	for n := 20 + rand.IntN(50); len(acked) < n; {
		acked = append(acked, <-acks)
	}
	killed := make(chan struct{})
	go func() { p.kill(); cancel(); wg.Wait(); close(acks); close(killed) }()
	for v := range acks {
		acked = append(acked, v)
	}
	<-killed
	return acked
}

// commitSome reads a few messages as a member of the group and commits them.
func commitSome(t *testing.T, c *broker.Client, topic string, before map[int]int64) map[int]int64 {
	t.Helper()
	s, err := c.Subscribe(t.Context(), "load", topic)
	if err != nil {
		t.Fatal(err)
	}
	messages := fetch(t, s, 10)
	if err := errors.Join(s.Commit(t.Context(), messages...), s.Close()); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		before[m.Partition] = max(before[m.Partition], m.Offset+1)
	}
	return before
}

// checkStored reads the whole topic as a new group.
func checkStored(t *testing.T, c *broker.Client, topic string, acked []string) {
	t.Helper()
	end, err := c.End(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range end {
		total += int(n)
	}
	s, err := c.Subscribe(t.Context(), "audit", topic)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	stored := map[string]bool{}
	for _, m := range fetch(t, s, total) {
		v := string(m.Value)
		stored[v[:strings.IndexByte(v, ' ')]] = true
	}
	lost := slices.DeleteFunc(slices.Clone(acked), func(v string) bool { return stored[v] })
	if len(lost) > 0 {
		t.Errorf("%d of %d acknowledged messages are gone: %v", len(lost), len(acked), lost)
	}
	t.Logf("%d acknowledged, %d stored, none may be missing", len(acked), total)
}

func TestDeadBroker(t *testing.T) {
	b := startBroker(t, t.TempDir())
	c := openClient(t, b.Addr())
	topic := newTopic(t, c)
	s := subscribe(t, c, topic)
	produce(t, c, topic, "m")
	m := fetch(t, s, 1)[0]
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for name, call := range map[string]func() error{
		"produce":   func() error { return c.Produce(t.Context(), topic, nil, []byte("m")) },
		"commit":    func() error { return s.Commit(t.Context(), m) },
		"fetch":     func() error { _, err := s.Fetch(t.Context()); return err },
		"ping":      func() error { return c.Ping(t.Context()) },
		"end":       func() error { _, err := c.End(t.Context(), topic); return err },
		"committed": func() error { _, err := c.Committed(t.Context(), "load", topic); return err },
		"create":    func() error { return c.EnsureTopic(t.Context(), "other") },
		"drop": func() error {
			return c.DropItem(t.Context(), throng.Item{Store: broker.Store, Class: throng.ClassEventsTopic, Name: topic})
		},
	} {
		wg.Go(func() {
			if err := call(); !throng.IsRetryable(err) || !strings.Contains(err.Error(), b.Addr()) {
				t.Errorf("%s: want a retryable error that names the broker: %v", name, err)
			}
		})
	}
}

func TestCallerThatHasGone(t *testing.T) {
	c := newClient(t)
	topic := newTopic(t, c)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Produce(canceled, topic, nil, []byte("m")); err == nil || throng.IsRetryable(err) {
		t.Errorf("produce for a caller that has gone: %v", err)
	}
}

func embeddedOnly(t *testing.T) {
	t.Helper()
	if kafkatest.Wanted() {
		t.Skip("is about the embedded broker, and Kafka was asked for")
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	embeddedOnly(t)
	dir := t.TempDir()
	startProcess(t, dir)
	_, err := embedded.Open(t.Context(), embedded.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by another process") || !strings.Contains(err.Error(), filepath.Base(dir)) {
		t.Errorf("want an error that says who is in the way: %v", err)
	}
}

// The log of a killed broker must not be held in memory by the next one, neither while it opens.
func TestMemoryDoesNotGrowWithTheLog(t *testing.T) {
	embeddedOnly(t)
	if testing.Short() {
		t.Skip("writes 600 MB, and the race detector takes memory of its own")
	}
	const blocks, size = 48, 12 << 20
	dir := t.TempDir()
	p := startProcess(t, dir)
	c := openClient(t, p.addr)
	topic := newTopic(t, c)
	block := make([]byte, size)
	for i := range blocks {
		if _, err := c.ProduceTo(t.Context(), topic, i%4, block); err != nil {
			t.Fatal(err)
		}
	}
	written := peakMemory(t, p)
	p.kill()
	opened := peakMemory(t, startProcess(t, dir))
	t.Logf("log %d MiB; peak of the process that wrote it %d MiB, of the one that opened it %d MiB", blocks*size>>20, written>>20, opened>>20)
	// Who holds the log has all of it, and garbage besides; who reads it to its end, only the garbage.
	if limit := blocks * size * 3 / 4; written > limit || opened > limit {
		t.Errorf("peaks of %d and %d MiB for a log of %d MiB", written>>20, opened>>20, blocks*size>>20)
	}
}

// peakMemory is the largest resident set of the process so far, in bytes.
func peakMemory(t *testing.T, p *process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("needs /proc")
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
