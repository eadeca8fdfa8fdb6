package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"throng"
)

// Store is what [throng.Item.Store] calls the broker.
const Store = "broker"

// Items lists the topics of events, one item each, in order of their names. Rows and bytes are 0: a
// topic counts blocks, and kafka-go cannot ask for sizes.
func (c *Client) Items(ctx context.Context) ([]throng.Item, error) {
	topics, err := c.Topics(ctx)
	if err != nil {
		return nil, err
	}
	var items []throng.Item
	for _, topic := range topics {
		if day, ok := throng.ParseEventsTopic(topic); ok {
			items = append(items, throng.Item{
				Store: Store, Class: throng.ClassEventsTopic, Kind: throng.KindTopic, Name: topic, Day: day, Removal: throng.DeleteTopic,
			})
		}
	}
	return items, nil
}

// DropItem deletes the topic that the item names. An item that is gone is no error.
func (c *Client) DropItem(ctx context.Context, item throng.Item) error {
	if _, ok := throng.ParseEventsTopic(item.Name); !ok || item.Store != Store {
		return fmt.Errorf("drop %s of store %s: not a topic of events", item.Name, item.Store)
	}
	return c.DeleteTopic(ctx, item.Name)
}

// DropItems deletes the topics that the items name, in one request.
func (c *Client) DropItems(ctx context.Context, items []throng.Item) error {
	var topics []string
	for _, item := range items {
		if _, ok := throng.ParseEventsTopic(item.Name); !ok || item.Store != Store {
			return fmt.Errorf("drop %s of store %s: not a topic of events", item.Name, item.Store)
		}
		topics = append(topics, item.Name)
	}
	return c.deleteTopics(ctx, topics)
}

// readers is how many topics are read at a time.
const readers = 8

// Read sets Oldest of the items' topics: the earliest time at which one of the first records of the
// partitions was written. One record of each partition is read. It stays zero where a topic is empty or
// gone.
func (c *Client) Read(ctx context.Context, items []throng.Item) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i := range items {
		g.Go(func() (err error) {
			items[i].Oldest, err = c.oldest(ctx, items[i].Name)
			if errors.Is(err, ErrNoTopic) {
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

func (c *Client) oldest(ctx context.Context, topic string) (oldest time.Time, err error) {
	first, err := c.offsets(ctx, topic, kafka.FirstOffset)
	if err != nil {
		return time.Time{}, err
	}
	end, err := c.offsets(ctx, topic, kafka.LastOffset)
	if err != nil {
		return time.Time{}, err
	}
	for p, offset := range first {
		if offset == end[p] {
			continue
		}
		t, err := c.timeAt(ctx, topic, p, offset)
		if err != nil {
			return time.Time{}, c.wrap(ctx, "read first record of topic "+topic, err)
		}
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
	}
	return oldest, nil
}

// timeAt reads the time of one record. The broker sends the whole batch, since it sends at least one.
func (c *Client) timeAt(ctx context.Context, topic string, partition int, offset int64) (t time.Time, err error) {
	err = c.retry(ctx, func(ctx context.Context) error {
		res, err := c.kafka.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: 1})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return err
		}
		r, err := res.Records.ReadRecord()
		if err != nil {
			return err
		}
		t = r.Time
		return closeRecord(r)
	})
	return t, err
}

func closeRecord(r *kafka.Record) (err error) {
	for _, b := range []kafka.Bytes{r.Key, r.Value} {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
	}
	return err
}
