package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"throng"
	"throng/internal/broker"
	"throng/internal/broker/embedded"
	"throng/internal/broker/kafkatest"
)

func TestMain(m *testing.M) {
	if dir := childDir(); dir != "" {
		runChild(dir)
	}
	goleak.VerifyTestMain(m)
}

// server is a broker that tests run: the embedded one, or Kafka where kafkatest.Variable asks for it.
type server interface {
	Addr() string
	Close() error
}

// startBroker runs a broker on dir until the test ends, or until it is closed.
func startBroker(t testing.TB, dir string) server {
	t.Helper()
	if kafkatest.Wanted() {
		return kafkatest.Start(t, dir, 1).Broker(0)
	}
	b, err := embedded.Open(t.Context(), embedded.Options{Dir: dir, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func openClient(t testing.TB, addr string) *broker.Client {
	t.Helper()
	c, err := broker.Open(t.Context(), broker.Options{Addrs: []string{addr}, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// newClient runs a broker for the test and connects to it.
func newClient(t testing.TB) *broker.Client {
	t.Helper()
	return openClient(t, startBroker(t, t.TempDir()).Addr())
}

func newTopic(t testing.TB, c *broker.Client) string {
	t.Helper()
	topic := throng.EventsTopic(throng.DayOf(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)))
	if err := c.EnsureTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	return topic
}

func subscribe(t testing.TB, c *broker.Client, topic string) *broker.Subscription {
	t.Helper()
	s, err := c.Subscribe(t.Context(), "load", topic)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func produce(t testing.TB, c *broker.Client, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		if err := c.Produce(t.Context(), topic, []byte(v), []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
}

// fetch reads n messages, whatever their order.
func fetch(t testing.TB, s *broker.Subscription, n int) []throng.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	messages := make([]throng.Message, n)
	for i := range messages {
		m, err := s.Fetch(ctx)
		if err != nil {
			t.Fatalf("fetch message %d of %d: %v", i, n, err)
		}
		messages[i] = m
	}
	return messages
}

func values(messages []throng.Message) []string {
	var vs []string
	for _, m := range messages {
		vs = append(vs, string(m.Value))
	}
	slices.Sort(vs)
	return vs
}

func numbered(prefix string, n int) []string {
	vs := make([]string, n)
	for i := range vs {
		vs[i] = fmt.Sprintf("%s%03d", prefix, i)
	}
	return vs
}

// testLogger writes to the test's log as long as the test runs.
func testLogger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func TestCommittedMessagesDoNotComeAgain(t *testing.T) {
	c := newClient(t)
	topic := newTopic(t, c)
	all := numbered("m", 20)
	produce(t, c, topic, all[:10]...)

	first := subscribe(t, c, topic)
	got := fetch(t, first, 10)
	if !slices.Equal(values(got), all[:10]) {
		t.Fatalf("fetched %v", values(got))
	}
	if err := first.Commit(t.Context(), got...); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	produce(t, c, topic, all[10:]...)
	if got := fetch(t, subscribe(t, c, topic), 10); !slices.Equal(values(got), all[10:]) {
		t.Fatalf("fetched %v", values(got))
	}
}

func TestUncommittedMessagesComeAgain(t *testing.T) {
	c := newClient(t)
	topic := newTopic(t, c)
	all := numbered("m", 8)
	produce(t, c, topic, all...)
	first := subscribe(t, c, topic)
	fetch(t, first, len(all))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if got := fetch(t, subscribe(t, c, topic), len(all)); !slices.Equal(values(got), all) {
		t.Fatalf("fetched %v", values(got))
	}
}

func TestMessagesOfAPartitionComeInOrder(t *testing.T) {
	c := newClient(t)
	topic := newTopic(t, c)
	produce(t, c, topic, numbered("m", 40)...)
	last := map[int]throng.Message{}
	for _, m := range fetch(t, subscribe(t, c, topic), 40) {
		before, seen := last[m.Partition]
		if seen && (m.Offset != before.Offset+1 || string(m.Value) <= string(before.Value)) {
			t.Errorf("partition %d: offset %d after %d", m.Partition, m.Offset, before.Offset)
		}
		last[m.Partition] = m
	}
	if len(last) != 4 {
		t.Errorf("40 keys reached %d of 4 partitions", len(last))
	}
}

func TestLargestMessagePasses(t *testing.T) {
	const overhead = 100 // of a record batch of one
	c := newClient(t)
	topic := newTopic(t, c)
	value := bytes.Repeat([]byte("0123456789abcdef"), (throng.MaxBlockBytes-overhead)/16)
	if err := c.Produce(t.Context(), topic, nil, value); err != nil {
		t.Fatal(err)
	}
	if m := fetch(t, subscribe(t, c, topic), 1)[0]; !bytes.Equal(m.Value, value) {
		t.Errorf("fetched %d bytes that differ from the %d that were sent", len(m.Value), len(value))
	}
}

func TestTooLargeMessageIsRefusedForGood(t *testing.T) {
	c := newClient(t)
	topic := newTopic(t, c)
	secret := []byte("203.0.113.77")
	err := c.Produce(t.Context(), topic, secret, bytes.Repeat(secret, throng.MaxBlockBytes/len(secret)+1))
	switch {
	case err == nil:
		t.Fatal("a message above the topic's limit was acknowledged")
	case throng.IsRetryable(err):
		t.Errorf("marked as retryable: %v", err)
	case !strings.Contains(err.Error(), topic) || strings.Contains(err.Error(), string(secret)):
		t.Errorf("must name the topic and nothing of the message: %v", err)
	}
}

func TestMarkersAndOffsets(t *testing.T) {
	ctx := t.Context()
	c := newClient(t)
	topic := newTopic(t, c)
	partitions, err := c.Partitions(ctx, topic)
	if err != nil || !slices.Equal(partitions, []int{0, 1, 2, 3}) {
		t.Fatalf("partitions %v, %v", partitions, err)
	}
	produce(t, c, topic, numbered("m", 20)...)
	markers := map[int]int64{}
	for _, p := range partitions {
		if markers[p], err = c.ProduceTo(ctx, topic, p, []byte("closing")); err != nil {
			t.Fatal(err)
		}
	}
	end, err := c.End(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for p, offset := range markers {
		if end[p] != offset+1 {
			t.Errorf("partition %d ends at %d, its marker is at %d", p, end[p], offset)
		}
	}

	committed, err := c.Committed(ctx, "load", topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		if offset, ok := committed[p]; !ok || offset != -1 {
			t.Errorf("partition %d of an unknown group: %d, %v", p, offset, ok)
		}
	}
	s := subscribe(t, c, topic)
	if err := s.Commit(ctx, fetch(t, s, 24)...); err != nil {
		t.Fatal(err)
	}
	if committed, err = c.Committed(ctx, "load", topic); err != nil {
		t.Fatal(err)
	}
	for p, offset := range markers {
		if committed[p] != offset+1 {
			t.Errorf("partition %d: committed %d, marker at %d", p, committed[p], offset)
		}
	}
}

func TestItemsAreTheTopicsOfEvents(t *testing.T) {
	ctx := t.Context()
	c := newClient(t)
	if err := c.EnsureTopic(ctx, "other"); err != nil {
		t.Fatal(err)
	}
	topic := newTopic(t, c)
	items, err := c.Items(ctx)
	if err != nil {
		t.Fatal(err)
	}
	day, _ := throng.ParseEventsTopic(topic)
	want := []throng.Item{{Store: "broker", Class: throng.ClassEventsTopic, Kind: throng.KindTopic, Name: topic, Day: day, Removal: throng.DeleteTopic}}
	if !slices.Equal(items, want) {
		t.Fatalf("items %v", items)
	}

	if err := c.Read(ctx, items); err != nil || !items[0].Oldest.IsZero() {
		t.Errorf("oldest record of an empty topic: %v, %v", items[0].Oldest, err)
	}
	before := time.Now().Truncate(time.Millisecond)
	produce(t, c, topic, "first")
	after := time.Now()
	produce(t, c, topic, numbered("later", 8)...)
	if err := c.Read(ctx, items); err != nil || items[0].Oldest.Before(before) || items[0].Oldest.After(after) {
		t.Errorf("oldest %v, %v; written between %v and %v", items[0].Oldest, err, before, after)
	}

	if err := c.DropItem(ctx, throng.Item{Store: "broker", Name: "other"}); err == nil {
		t.Error("dropped a topic that is none of events")
	}
	for range 2 { // the second finds nothing and is no error
		if err := c.DropItem(ctx, items[0]); err != nil {
			t.Fatal(err)
		}
	}
	if topics, err := c.Topics(ctx); err != nil || !slices.Equal(topics, []string{"other"}) {
		t.Errorf("topics %v, %v", topics, err)
	}
	if err := c.Read(ctx, items); err != nil || !items[0].Oldest.IsZero() {
		t.Errorf("oldest record of a dropped topic: %v, %v", items[0].Oldest, err)
	}
}

func TestTopicCanBeDeletedAndCreatedAgain(t *testing.T) {
	ctx := t.Context()
	c := newClient(t)
	topic := newTopic(t, c)
	produce(t, c, topic, numbered("old", 20)...)
	old := subscribe(t, c, topic)
	if err := old.Commit(ctx, fetch(t, old, 20)...); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteTopic(ctx, topic); err != nil {
		t.Fatal(err)
	}
	if err := c.Produce(ctx, topic, nil, []byte("x")); !errors.Is(err, broker.ErrNoTopic) || !throng.IsRetryable(err) {
		t.Errorf("produce to a deleted topic: %v", err)
	}
	if _, err := old.Fetch(ctx); !errors.Is(err, broker.ErrNoTopic) || !throng.IsRetryable(err) {
		t.Errorf("fetch from a deleted topic: %v", err)
	}

	newTopic(t, c)
	produce(t, c, topic, "new")
	if _, err := old.Fetch(ctx); !errors.Is(err, broker.ErrRecreated) || !throng.IsRetryable(err) {
		t.Errorf("fetch from a topic that was created anew: %v", err)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if got := values(fetch(t, subscribe(t, c, topic), 1)); !slices.Equal(got, []string{"new"}) {
		t.Errorf("fetched %v", got)
	}
}

func TestMissingTopic(t *testing.T) {
	c := newClient(t)
	for name, call := range map[string]func() error{
		"partitions": func() error { _, err := c.Partitions(t.Context(), "none"); return err },
		"end":        func() error { _, err := c.End(t.Context(), "none"); return err },
		"committed":  func() error { _, err := c.Committed(t.Context(), "load", "none"); return err },
	} {
		if err := call(); !errors.Is(err, broker.ErrNoTopic) || throng.IsRetryable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Subscribe(t.Context(), "load", "none"); !errors.Is(err, broker.ErrNoTopic) || !throng.IsRetryable(err) {
		t.Errorf("subscribe: %v", err)
	}
	if topics, err := c.Topics(t.Context()); err != nil || len(topics) != 0 {
		t.Errorf("asking created %v, %v", topics, err)
	}
}

func TestCompressedMessages(t *testing.T) {
	b := startBroker(t, t.TempDir())
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		c, err := broker.Open(t.Context(), broker.Options{Addrs: []string{b.Addr()}, Compression: codec})
		if err != nil {
			t.Fatal(err)
		}
		topic := "compressed-" + codec
		if err := c.EnsureTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		value := strings.Repeat("block ", 1<<18)
		produce(t, c, topic, value)
		if got := fetch(t, subscribe(t, c, topic), 1)[0]; string(got.Value) != value {
			t.Errorf("%s: fetched %d bytes that differ", codec, len(got.Value))
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := broker.Open(t.Context(), broker.Options{Addrs: []string{b.Addr()}, Compression: "rar"}); err == nil {
		t.Error("an unknown codec was accepted")
	}
}
