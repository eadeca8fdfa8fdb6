package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/segmentio/kafka-go"

	"throng"
)

// ErrLost says that the group has given the partition to another member: what this one does for it
// counts no more.
var ErrLost = errors.New("partition was given to another member")

// Partition is a partition of a topic while this member of a group has it. Fetch is for one goroutine at
// a time, the other methods for any.
type Partition struct {
	client *Client
	gen    *kafka.Generation
	topic  string
	id     int
}

// shareWait is how long a fetch waits for messages that are not there yet.
const shareWait = 500 * time.Millisecond

// shareBytes is about how much one fetch brings.
const shareBytes = 4 << 20

// Share joins a group and calls own for each partition that the group gives to this member, each in a
// goroutine of its own. The context of own ends when the partition is taken away; own has to return soon
// then. When own returns before, the group forms anew. Share returns when ctx has ended and every own
// has returned, or at the first error. Offsets are the caller's affair ([Partition.Commit]).
func (c *Client) Share(ctx context.Context, group, topic string, own func(context.Context, *Partition) error) error {
	if _, err := c.Partitions(ctx, topic); err != nil {
		return creatable(ctx, err)
	}
	conns := newConns()
	members, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: c.o.Addrs, Topics: []string{topic}, Dialer: c.newDialer(conns.dial),
		HeartbeatInterval: heartbeatInterval, SessionTimeout: sessionTimeout, RebalanceTimeout: rebalanceTimeout,
		JoinGroupBackoff: joinBackoff, StartOffset: kafka.FirstOffset, WatchPartitionChanges: true,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			c.o.Logger.Debug("consumer group", slog.String("group", group), slog.String("detail", fmt.Sprintf(format, args...)))
		}),
	})
	if err != nil {
		return fmt.Errorf("join group %s of topic %s: %w", group, topic, err)
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = c.generations(inner, members, topic, func(ctx context.Context, p *Partition) {
		if err := own(ctx, p); err != nil && ctx.Err() == nil {
			cancel(err)
		}
	})
	if cause := context.Cause(inner); cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	cut := time.AfterFunc(leavePatience, conns.cut)
	defer cut.Stop()
	defer conns.cut()
	return errors.Join(err, members.Close())
}

// generations runs one generation of the group after the other until ctx ends.
func (c *Client) generations(ctx context.Context, members *kafka.ConsumerGroup, topic string, own func(context.Context, *Partition)) error {
	for {
		gen, err := members.Next(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if _, gone := c.Partitions(ctx, topic); gone != nil {
				return creatable(ctx, gone)
			}
			if !temporary(err) {
				return c.wrap(ctx, "share topic "+topic, err)
			}
			continue // kafka-go waits before it tries to join again
		}
		for _, a := range gen.Assignments[topic] {
			p := &Partition{client: c, gen: gen, topic: topic, id: a.ID}
			gen.Start(func(ctx context.Context) { own(ctx, p) })
		}
	}
}

// ID is the partition's number.
func (p *Partition) ID() int { return p.id }

// Committed is what the group last committed: the offset to read next, and a note; -1 and "" where that
// is nothing.
func (p *Partition) Committed(ctx context.Context) (offset int64, note string, err error) {
	offset = -1
	err = p.client.retry(ctx, func(ctx context.Context) error {
		res, err := p.client.kafka.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: p.gen.GroupID, Topics: map[string][]int{p.topic: {p.id}}})
		if err == nil {
			err = res.Error
		}
		if errors.Is(err, kafka.GroupIdNotFound) { // the embedded broker's answer for a group without commits
			return nil
		}
		if err != nil {
			return err
		}
		for _, found := range res.Topics[p.topic] {
			if found.Partition == p.id {
				offset, note = max(found.CommittedOffset, -1), found.Metadata
				return found.Error
			}
		}
		return fmt.Errorf("the broker's answer lacks partition %d", p.id)
	})
	return offset, note, p.wrap(ctx, "read offset of", err)
}

// Commit makes durable which offset the group reads next, and a note to it, of less than 4 KiB. Where
// another member has the partition by now, the error matches [ErrLost] and nothing is changed.
func (p *Partition) Commit(ctx context.Context, offset int64, note string) error {
	err := p.client.retry(ctx, func(ctx context.Context) error {
		res, err := p.client.kafka.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
			GroupID: p.gen.GroupID, GenerationID: int(p.gen.ID), MemberID: p.gen.MemberID,
			Topics: map[string][]kafka.OffsetCommit{p.topic: {{Partition: p.id, Offset: offset, Metadata: note}}},
		})
		if err != nil {
			return err
		}
		for _, done := range res.Topics[p.topic] {
			err = errors.Join(err, done.Error)
		}
		return lost(err)
	})
	return p.wrap(ctx, "commit to", err)
}

// lost names what a broker answers to a member of an earlier generation.
func lost(err error) error {
	for _, answer := range []kafka.Error{kafka.IllegalGeneration, kafka.UnknownMemberId, kafka.RebalanceInProgress, kafka.FencedInstanceID} {
		if errors.Is(err, answer) {
			return ErrLost
		}
	}
	return err
}

// Fetch gives the messages from an offset on, or none where none came for a while, and the end of the
// partition. Where the offset is not there any more, or not yet again, the first message is a later one,
// and an earlier one.
func (p *Partition) Fetch(ctx context.Context, offset int64) (messages []throng.Message, end int64, err error) {
	err = p.client.retry(ctx, func(ctx context.Context) error {
		messages, end, err = p.fetch(ctx, offset)
		if !errors.Is(err, kafka.OffsetOutOfRange) {
			return err
		}
		first, err := p.client.offsets(ctx, p.topic, kafka.FirstOffset)
		if err != nil {
			return err
		}
		messages, end, err = p.fetch(ctx, first[p.id])
		return err
	})
	return messages, end, p.wrap(ctx, "fetch from", err)
}

func (p *Partition) fetch(ctx context.Context, offset int64) (messages []throng.Message, end int64, err error) {
	res, err := p.client.kafka.Fetch(ctx, &kafka.FetchRequest{
		Topic: p.topic, Partition: p.id, Offset: offset, MinBytes: 1, MaxBytes: shareBytes, MaxWait: shareWait,
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, 0, err
	}
	for {
		r, err := res.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return messages, res.HighWatermark, nil
		}
		if err != nil {
			return nil, 0, err
		}
		value, err := kafka.ReadAll(r.Value)
		if err := errors.Join(err, closeRecord(r)); err != nil {
			return nil, 0, err
		}
		if r.Offset >= offset { // the front of its batch comes along
			messages = append(messages, throng.Message{Topic: p.topic, Partition: p.id, Offset: r.Offset, Value: value})
		}
	}
}

func (p *Partition) wrap(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	return creatable(ctx, p.client.wrap(ctx, fmt.Sprintf("%s partition %d of topic %s as group %s", what, p.id, p.topic, p.gen.GroupID), err))
}
