// Package broker produces, consumes and keeps topics on a Kafka cluster, or on the embedded broker,
// which speaks the same protocol; nothing here can tell them apart.
//
// # What it guarantees
//
// A message for which [Client.Produce] returned nil is on all in-sync replicas. No message is dropped
// silently: the call returns nil or an error. Every message of a topic is delivered to a group at
// least once, in order within a partition, until its offset is committed.
//
// # What it does not
//
// A message can be stored twice (an answer was lost and the call repeated) and delivered twice (a
// member of the group died or the group was rebalanced). Receivers must recognize a repeat by the
// message's own identity; offsets do not serve, since a topic that is created anew starts again at 0.
// The checksum of a batch is verified by the broker, not by the consumer.
//
// Errors that may go away are marked as [throng.Retryable]. Each names the topic and the brokers that
// were asked, none holds anything of a message.
package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"throng"
)

// Options of [Open].
type Options struct {
	// Addrs are the brokers to ask for the rest of the cluster, host:port. Required.
	Addrs []string
	// TLS encrypts connections. Defaults to none.
	TLS *tls.Config
	// SASL says who the client is. Defaults to nobody.
	SASL SASL
	// Partitions is the number of partitions of a topic that EnsureTopic creates. Defaults to 4.
	Partitions int
	// ReplicationFactor is the number of copies of such a topic. Defaults to the brokers' default.
	ReplicationFactor int
	// TopicRetention is the time after which the broker may drop a record of such a topic, whatever
	// was done with it: a backstop behind the deletion of the whole topic, counted from the writing of
	// each record, and up to an hour late. It must be longer than any consumer can be behind. Defaults to 72 hours: a record of
	// the first minute of a day lives until 48 hours after its end, when retention deletes the topic.
	TopicRetention time.Duration
	// Compression is the codec of messages: none, gzip, snappy, lz4 or zstd. Defaults to none.
	Compression string
	// Clock gives the times of records, which Oldest reads. Defaults to the machine's; a cluster counts
	// TopicRetention from them by its own.
	Clock throng.Clock
	// Logger receives, at debug level, what goes wrong between the broker and a group and is mended
	// without the caller. Defaults to none.
	Logger *slog.Logger
}

// SASL is a user of the cluster.
type SASL struct {
	// Mechanism is plain, scram-sha-256 or scram-sha-512. Required with User.
	Mechanism string
	// User and Password are the user's. PLAIN sends the password as it is.
	User, Password string
}

// mechanism is nil for nobody.
func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.User, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.User, s.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.User, s.Password)
	}
	return nil, fmt.Errorf("unknown mechanism %q", s.Mechanism)
}

// Limits of time. The broker's death is noticed, and survived, within them.
const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 30 * time.Second // 16 MiB to a slow disk and its replicas
	patience       = 5 * time.Second  // with a call that fails in a way that may go away
	layoutAge      = 2 * time.Second  // how old the known layout of the cluster may be
)

// Client is a connection to a cluster. Its methods may be called from any goroutine.
type Client struct {
	o         Options
	codec     compress.Compression
	sasl      sasl.Mechanism
	dialer    *kafka.Dialer
	transport *kafka.Transport
	kafka     *kafka.Client

	mu    sync.Mutex
	known map[string][]int // partitions of topics; forgotten when a broker does not know the topic
}

// Open connects to a cluster. It returns when a broker has answered.
func Open(ctx context.Context, o Options) (*Client, error) {
	if len(o.Addrs) == 0 {
		return nil, errors.New("open broker client: no address")
	}
	codec, err := parseCompression(o.Compression)
	if err != nil {
		return nil, err
	}
	if o.Partitions == 0 {
		o.Partitions = 4
	}
	if o.ReplicationFactor == 0 {
		o.ReplicationFactor = -1
	}
	if o.TopicRetention == 0 {
		o.TopicRetention = 72 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	mechanism, err := o.SASL.mechanism()
	if err != nil {
		return nil, fmt.Errorf("open broker client: SASL: %w", err)
	}
	c := &Client{o: o, codec: codec, sasl: mechanism, known: map[string][]int{}}
	c.dialer = c.newDialer((&net.Dialer{}).DialContext)
	c.transport = &kafka.Transport{ClientID: clientID, TLS: o.TLS, SASL: mechanism, DialTimeout: dialTimeout, MetadataTTL: layoutAge}
	c.kafka = &kafka.Client{Addr: kafka.TCP(o.Addrs...), Timeout: requestTimeout, Transport: c.transport}
	if err := c.Ping(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

const clientID = "throng"

// newDialer makes the connections that do not go through the transport: kafka-go has two ways.
func (c *Client) newDialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *kafka.Dialer {
	return &kafka.Dialer{ClientID: clientID, Timeout: dialTimeout, TLS: c.o.TLS, SASLMechanism: c.sasl, DialFunc: dial}
}

func parseCompression(name string) (compress.Compression, error) {
	codecs := map[string]compress.Compression{
		"": compress.None, "none": compress.None, "gzip": compress.Gzip, "snappy": compress.Snappy, "lz4": compress.Lz4, "zstd": compress.Zstd,
	}
	codec, ok := codecs[name]
	if !ok {
		return 0, fmt.Errorf("open broker client: unknown compression %q", name)
	}
	return codec, nil
}

// Ping asks a broker for the topics.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.layout(ctx)
	return err
}

// Close ends the idle connections. It does not wait for calls under way.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// layout asks a broker, past the transport's cache, for the partitions of all topics.
func (c *Client) layout(ctx context.Context) (map[string][]int, error) {
	var all []kafka.Partition
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		all, err = c.readPartitions(ctx)
		return err
	})
	if err != nil {
		return nil, c.wrap(ctx, "list topics", err)
	}
	topics := map[string][]int{}
	for _, p := range all {
		topics[p.Topic] = append(topics[p.Topic], p.ID)
	}
	for _, ids := range topics {
		slices.Sort(ids)
	}
	return topics, nil
}

func (c *Client) readPartitions(ctx context.Context) ([]kafka.Partition, error) {
	var failed error
	for _, addr := range c.o.Addrs {
		conn, err := c.dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		all, err := readAndClose(ctx, conn)
		if err == nil {
			return all, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

func readAndClose(ctx context.Context, conn *kafka.Conn) ([]kafka.Partition, error) {
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	all, err := conn.ReadPartitions()
	// The answer is complete; what closing says cannot change it.
	_ = conn.Close()
	return all, err
}

// retry repeats a call that failed in a way that may go away, until it has lost patience: a client
// of a broker that was restarted fails once for each connection that it kept.
func (c *Client) retry(ctx context.Context, call func(context.Context) error) error {
	window, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		err := attempt(ctx, call)
		if err == nil || !temporary(err) {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-window.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

func attempt(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return call(ctx)
}

// partitions gives the partitions of a topic from memory, or asks.
func (c *Client) partitions(ctx context.Context, topic string) ([]int, error) {
	c.mu.Lock()
	ids := c.known[topic]
	c.mu.Unlock()
	if ids != nil {
		return ids, nil
	}
	return c.Partitions(ctx, topic)
}

func (c *Client) remember(topics map[string][]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.known, topics)
}

func (c *Client) forget(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, topic)
}

func (c *Client) brokers() string { return strings.Join(c.o.Addrs, ",") }
