package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Committed gives, for each partition of the topic, the offset that the group will read next; -1
// where it has committed none.
func (c *Client) Committed(ctx context.Context, group, topic string) (map[int]int64, error) {
	ids, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	var committed map[int]int64
	err = c.retry(ctx, func(ctx context.Context) error {
		res, err := c.kafka.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
		if err == nil {
			err = res.Error
		}
		committed = make(map[int]int64, len(ids))
		if errors.Is(err, kafka.GroupIdNotFound) { // the embedded broker's answer for a group without commits
			for _, id := range ids {
				committed[id] = -1
			}
			return nil
		}
		if err != nil {
			return err
		}
		for _, p := range res.Topics[topic] {
			err = errors.Join(err, p.Error)
			committed[p.Partition] = max(p.CommittedOffset, -1)
		}
		return errors.Join(err, checkAll(ids, committed))
	})
	if err != nil {
		return nil, c.wrap(ctx, fmt.Sprintf("read offsets of group %s in topic %s", group, topic), err)
	}
	return committed, nil
}

// End gives, for each partition of the topic, the offset that its next record will get.
func (c *Client) End(ctx context.Context, topic string) (map[int]int64, error) {
	return c.offsets(ctx, topic, kafka.LastOffset)
}

// offsets asks for the first or the last offset of each partition of the topic.
func (c *Client) offsets(ctx context.Context, topic string, which int64) (map[int]int64, error) {
	ids, err := c.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	asked := make([]kafka.OffsetRequest, len(ids))
	for i, id := range ids {
		asked[i] = kafka.OffsetRequest{Partition: id, Timestamp: which}
	}
	var offsets map[int]int64
	err = c.retry(ctx, func(ctx context.Context) error {
		res, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
		if err != nil {
			return err
		}
		offsets = make(map[int]int64, len(ids))
		for _, p := range res.Topics[topic] {
			err = errors.Join(err, p.Error)
			offsets[p.Partition] = p.LastOffset
			if which == kafka.FirstOffset {
				offsets[p.Partition] = p.FirstOffset
			}
		}
		return errors.Join(err, checkAll(ids, offsets))
	})
	if err != nil {
		return nil, c.wrap(ctx, "read offsets of topic "+topic, err)
	}
	return offsets, nil
}

// checkAll finds partitions that an answer left out.
func checkAll(ids []int, answer map[int]int64) error {
	for _, id := range ids {
		if _, ok := answer[id]; !ok {
			return fmt.Errorf("the broker's answer lacks partition %d", id)
		}
	}
	return nil
}
