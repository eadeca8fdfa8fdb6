package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"throng"
)

// How a member of a group behaves. A member that died is noticed after sessionTimeout, or, when another
// one comes or goes meanwhile, after rebalanceTimeout; one that comes or goes, after heartbeatInterval
// and one poll. The session has to be several times as long as a rebalance: the embedded broker drops a
// member whose session ends while it waits for a rebalance, and never answers it.
const (
	sessionTimeout    = 30 * time.Second
	heartbeatInterval = time.Second
	rebalanceTimeout  = 5 * time.Second
	joinBackoff       = 200 * time.Millisecond
	// pollTimeout is how long a poll takes at most. kafka-go keeps one second of it for the way, so an
	// empty poll takes half a second.
	pollTimeout = 1500 * time.Millisecond
	// answerPatience is added to the second that kafka-go gives a broker to begin an answer. A busy broker
	// takes longer over a message of 16 MiB, and whoever cuts the connection and asks again gets no further.
	answerPatience = 10 * time.Second
	// queued is the number of messages that wait beside the one that each partition's reader holds:
	// a message can have 16 MiB.
	queued = 1
	// idle is the time without a message after which the topic is looked at.
	idle = 2 * time.Second
	// leavePatience is how long Close tries to leave the group in good order.
	leavePatience = 2 * time.Second
	// joinPatience is added to the 10 s for which kafka-go waits to have joined. A group in which members
	// come and die one after the other takes longer to form; a member that gives up stays in it as a ghost
	// for which all others wait, until they give up too.
	joinPatience = 30 * time.Second
	// commitPatience outlasts the forming of a group: whoever gives up a commit and subscribes anew makes
	// the group form again.
	commitPatience = 60 * time.Second
)

// Subscription is a member of a consumer group of one topic. Fetch is for one goroutine at a time;
// Commit and Close may be called from others.
type Subscription struct {
	client *Client
	group  string
	topic  string
	reader *kafka.Reader
	conns  *conns
	leave  func() error
	closed atomic.Bool

	mu   sync.Mutex
	next map[int]int64 // the offset after the last that was fetched, by partition
}

// Subscribe joins the group, in the background, to read the topic from the group's committed offsets,
// or from the start where there are none. Each of the topic's partitions is read by one member of the
// group at a time. A subscription holds up to one message a partition, and one more, in memory.
// Where there is no such topic, the error matches [ErrNoTopic] and is retryable.
func (c *Client) Subscribe(ctx context.Context, group, topic string) (*Subscription, error) {
	if group == "" {
		return nil, errors.New("subscribe: no group")
	}
	if _, err := c.Partitions(ctx, topic); err != nil {
		return nil, creatable(ctx, err)
	}
	s := &Subscription{client: c, group: group, topic: topic, conns: newConns(), next: map[int]int64{}}
	s.reader = kafka.NewReader(kafka.ReaderConfig{
		Brokers:           c.o.Addrs,
		GroupID:           group,
		Topic:             topic,
		Dialer:            c.newDialer(s.conns.dial),
		QueueCapacity:     queued,
		MaxBytes:          throng.MaxBlockBytes,
		MaxWait:           pollTimeout,
		ReadBatchTimeout:  requestTimeout,
		ReadLagInterval:   -1,
		HeartbeatInterval: heartbeatInterval,
		SessionTimeout:    sessionTimeout,
		RebalanceTimeout:  rebalanceTimeout,
		JoinGroupBackoff:  joinBackoff,
		StartOffset:       kafka.FirstOffset,
		ReadBackoffMin:    10 * time.Millisecond,
		ReadBackoffMax:    500 * time.Millisecond,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			c.o.Logger.Debug("consumer group", slog.String("group", group), slog.String("detail", fmt.Sprintf(format, args...)))
		}),
	})
	s.leave = sync.OnceValue(s.leaveGroup)
	return s, nil
}

// Fetch waits for the next message. Messages of a partition come in order; after a rebalance, or a
// restart of the broker, those that were not committed come again. Where the topic was deleted, the
// error matches [ErrNoTopic]; where it was created anew meanwhile, [ErrRecreated]. Both are noticed
// within some seconds and are retryable, but only by a new subscription.
func (s *Subscription) Fetch(ctx context.Context) (throng.Message, error) {
	for {
		m, err := s.fetchWithin(ctx, idle)
		if err == nil {
			s.mu.Lock()
			s.next[m.Partition] = m.Offset + 1
			s.mu.Unlock()
			return throng.Message{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Value: m.Value}, nil
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrClosedPipe // kafka-go's word for a reader that was closed
		}
		// After an error of the group or the connection kafka-go goes on by itself, as the same member.
		if ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || temporary(err)) {
			if err = s.check(ctx); err == nil {
				continue
			}
		}
		return throng.Message{}, s.wrap(ctx, "fetch from", err)
	}
}

func (s *Subscription) fetchWithin(ctx context.Context, d time.Duration) (kafka.Message, error) {
	if s.closed.Load() { // the reader may still hold messages
		return kafka.Message{}, io.ErrClosedPipe
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return s.reader.FetchMessage(ctx)
}

// check finds out why no message comes. kafka-go's reader waits without an end for a topic that is
// gone, and for the log to grow to an offset that it once had.
func (s *Subscription) check(ctx context.Context) error {
	reached, err := s.client.Committed(ctx, s.group, s.topic)
	if err != nil {
		return err
	}
	s.mu.Lock()
	for p, next := range s.next {
		reached[p] = max(reached[p], next)
	}
	s.mu.Unlock()
	end, err := s.client.End(ctx, s.topic)
	if err != nil {
		return err
	}
	for p, offset := range reached {
		if offset > end[p] {
			return fmt.Errorf("partition %d ends at %d before %d: %w", p, end[p], offset, ErrRecreated)
		}
	}
	return nil
}

// Commit makes the offsets after the given messages durable, so that the group does not read them
// again. Committing a message commits all earlier ones of its partition: commit in order. After a
// rebalance a late commit can set the offset of another member's partition back; it reads again then.
func (s *Subscription) Commit(ctx context.Context, messages ...throng.Message) error {
	done := make([]kafka.Message, len(messages))
	for i, m := range messages {
		done[i] = kafka.Message{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
	}
	start := time.Now()
	err := s.tryCommit(ctx, done)
	for errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && time.Since(start) < commitPatience {
		if _, dead := s.client.Partitions(ctx, s.topic); dead != nil {
			return s.wrap(ctx, "commit to", dead)
		}
		err = s.tryCommit(ctx, done) // the group is forming
	}
	if err != nil {
		return s.wrap(ctx, "commit to", err)
	}
	return nil
}

// tryCommit waits for a while: kafka-go commits when the group has formed.
func (s *Subscription) tryCommit(ctx context.Context, done []kafka.Message) error {
	window, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.client.retry(window, func(ctx context.Context) error { return s.reader.CommitMessages(ctx, done...) })
}

func (s *Subscription) wrap(ctx context.Context, what string, err error) error {
	return creatable(ctx, s.client.wrap(ctx, fmt.Sprintf("%s topic %s as group %s", what, s.topic, s.group), err))
}

// Close leaves the group, so that its partitions pass to other members at once, and frees everything.
// It takes some seconds at most, also when the broker is away; a member that could not say that it
// left is missed after 30 s. Fetch and Commit fail from then on.
func (s *Subscription) Close() error { return s.leave() }

func (s *Subscription) leaveGroup() error {
	s.closed.Store(true)
	cut := time.AfterFunc(leavePatience, s.conns.cut)
	defer cut.Stop()
	err := s.reader.Close()
	s.conns.cut()
	return err
}

// conns are the connections of one subscription. kafka-go's reader waits for answers when it is
// closed, for up to 25 s; cutting its connections ends that.
type conns struct {
	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
}

func newConns() *conns { return &conns{open: map[net.Conn]struct{}{}} }

func (c *conns) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if !c.add(nil) {
		return nil, net.ErrClosed
	}
	raw, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn := &ownedConn{raw, c}
	if !c.add(conn) {
		return nil, errors.Join(net.ErrClosed, raw.Close())
	}
	return conn, nil
}

// add is false once the connections were cut. A nil conn only asks.
func (c *conns) add(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn != nil && !c.closed {
		c.open[conn] = struct{}{}
	}
	return !c.closed
}

func (c *conns) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

// cut closes all connections and lets none be made again.
func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for conn := range c.open {
		conn.(*ownedConn).Conn.Close()
	}
}

// ownedConn tells its owner when it is closed, and waits longer than kafka-go for a group to form and
// for a message.
type ownedConn struct {
	net.Conn
	owner *conns
}

// SetReadDeadline implements [net.Conn]. Only what kafka-go itself gives much time can be a join; a
// deadline that is over is its way to interrupt.
func (c *ownedConn) SetReadDeadline(t time.Time) error {
	switch left := time.Until(t); {
	case left > rebalanceTimeout:
		t = t.Add(joinPatience)
	case left > 0:
		t = t.Add(answerPatience)
	}
	return c.Conn.SetReadDeadline(t)
}

func (c *ownedConn) Close() error {
	c.owner.remove(c)
	return c.Conn.Close()
}
