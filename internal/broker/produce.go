package broker

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/segmentio/kafka-go"
)

// Produce stores a message in the partition that the key's hash chooses (murmur2, as Kafka's Java
// clients do) and returns when all in-sync replicas have it. It fails at once for a message that the
// topic does not take, and with a retryable error when the broker stays away for longer than some
// seconds; the message may be stored all the same. An error that matches [ErrNoTopic] is retryable
// too: EnsureTopic creates the topic again.
//
// The value is not read after the call has returned. Concurrent calls go out on one connection each.
func (c *Client) Produce(ctx context.Context, topic string, key, value []byte) error {
	ids, err := c.partitions(ctx, topic)
	if err != nil {
		return creatable(ctx, err)
	}
	p := kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, ids...)
	_, err = c.produce(ctx, topic, p, key, value)
	return err
}

// ProduceTo is like [Client.Produce] for a given partition, without a key. It gives the offset of the
// message; after retries there may be another copy before or after it.
func (c *Client) ProduceTo(ctx context.Context, topic string, partition int, value []byte) (offset int64, err error) {
	return c.produce(ctx, topic, partition, nil, value)
}

// produce uses the client, not kafka-go's Writer: a block is a batch of its own, and a Writer gives
// neither the offset nor an end to its goroutines while the broker is away. Both cost the same.
func (c *Client) produce(ctx context.Context, topic string, partition int, key, value []byte) (offset int64, err error) {
	err = c.retry(ctx, func(ctx context.Context) error {
		offset, err = c.produceOnce(ctx, topic, partition, key, value)
		if !topicMissing(err) {
			return err
		}
		c.forget(topic)
		if _, lookup := c.Partitions(ctx, topic); lookup != nil {
			return lookup
		}
		return err // the layout that the transport knows is older than the topic
	})
	if err != nil {
		return 0, creatable(ctx, c.wrap(ctx, fmt.Sprintf("produce to partition %d of topic %s", partition, topic), err))
	}
	return offset, nil
}

func (c *Client) produceOnce(ctx context.Context, topic string, partition int, key, value []byte) (int64, error) {
	lent := &loan{r: bytes.NewReader(value)}
	defer lent.end()
	record := kafka.Record{Key: kafka.NewBytes(key), Value: lent}
	if c.o.Clock != nil {
		record.Time = c.o.Clock.Now()
	}
	res, err := c.kafka.Produce(ctx, &kafka.ProduceRequest{
		Topic:        topic,
		Partition:    partition,
		RequiredAcks: kafka.RequireAll,
		Compression:  c.codec,
		Records:      kafka.NewRecordReader(record),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return 0, err
	}
	return res.BaseOffset, nil
}

// loan lends a value to one attempt. kafka-go's connection goroutine can outlive the call that was
// cancelled, while the caller uses the value's memory for the next message.
type loan struct {
	mu    sync.Mutex
	r     *bytes.Reader
	ended bool
}

func (l *loan) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// Len implements [kafka.Bytes].
func (l *loan) Len() int { return l.r.Len() }

// Close implements [kafka.Bytes].
func (l *loan) Close() error { return nil }

// Read implements [kafka.Bytes].
func (l *loan) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, errLoanEnded
	}
	return l.r.Read(b)
}

// WriteTo implements [io.WriterTo], which saves a copy.
func (l *loan) WriteTo(w io.Writer) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, errLoanEnded
	}
	return l.r.WriteTo(w)
}

var errLoanEnded = fmt.Errorf("read message after its call returned: %w", context.Canceled)
