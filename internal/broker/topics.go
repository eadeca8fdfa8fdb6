package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"throng"
)

// EnsureTopic creates the topic if it does not exist, for messages of up to [throng.MaxBlockBytes]. With
// three copies or more, a message is acknowledged when two of them have it. A topic that exists is left as it is; the error matches [ErrLossy] where its settings lose
// blocks. What was seen once is not asked again until a call finds
// the topic missing.
func (c *Client) EnsureTopic(ctx context.Context, topic string) error {
	c.mu.Lock()
	_, ok := c.known[topic]
	c.mu.Unlock()
	if ok {
		return nil
	}
	existed := false
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		existed, err = c.createTopic(ctx, topic)
		return err
	})
	if err == nil && existed {
		err = c.checkTopic(ctx, topic) // before anybody here knows of it
	}
	if err == nil {
		err = c.retry(ctx, func(ctx context.Context) error { return c.awaitTopic(ctx, topic) })
	}
	if err != nil {
		return c.wrap(ctx, "create topic "+topic, err)
	}
	return nil
}

// ErrLossy says that a topic's settings let the broker drop blocks that nobody has loaded.
var ErrLossy = errors.New("its settings let the broker drop blocks that are not loaded")

// leastRetention is how long a topic that others made has to keep a record: nobody is that far behind in good order.
const leastRetention = 24 * time.Hour

// checkTopic looks at a topic that was there before: somebody else may have made it, or the cluster by itself.
func (c *Client) checkTopic(ctx context.Context, topic string) error {
	settings, err := c.settings(ctx, kafka.ResourceTypeTopic, topic)
	if err != nil {
		return err
	}
	return lossless(settings)
}

// lossless refuses settings that lose blocks.
func lossless(settings map[string]string) error {
	if got := settings["cleanup.policy"]; got != "" && got != "delete" {
		return fmt.Errorf("%w: cleanup.policy is %s; set it to delete", ErrLossy, got)
	}
	ms, err := strconv.ParseInt(settings["retention.ms"], 10, 64)
	if err == nil && ms >= 0 && ms < leastRetention.Milliseconds() {
		return fmt.Errorf("%w: retention.ms is %d; set it to %d or more", ErrLossy, ms, leastRetention.Milliseconds())
	}
	return nil
}

var errNotYetThere = errors.New("topic is not yet shown after its creation")

// awaitTopic learns the partitions of a topic that was just created: brokers of a cluster hear of it
// one after the other.
func (c *Client) awaitTopic(ctx context.Context, topic string) error {
	_, err := c.Partitions(ctx, topic)
	if errors.Is(err, ErrNoTopic) {
		return errNotYetThere
	}
	return err
}

// topicSettings are those that the guarantees of this package, and the room of retention, rest on. They are
// written out: a cluster's own defaults can be others.
func (c *Client) topicSettings() []kafka.ConfigEntry {
	settings := []kafka.ConfigEntry{
		{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(throng.MaxBlockBytes)},
		{ConfigName: "cleanup.policy", ConfigValue: "delete"}, // compaction would drop all but one block of a key
		{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(c.o.TopicRetention.Milliseconds(), 10)},
		{ConfigName: "segment.ms", ConfigValue: strconv.FormatInt(segmentSpan.Milliseconds(), 10)},
		{ConfigName: "message.timestamp.type", ConfigValue: "CreateTime"}, // Clock's
		{ConfigName: "unclean.leader.election.enable", ConfigValue: "false"},
	}
	if c.o.ReplicationFactor >= 3 {
		settings = append(settings, kafka.ConfigEntry{ConfigName: "min.insync.replicas", ConfigValue: "2"})
	}
	return settings
}

// segmentSpan is how much longer than TopicRetention a record can live: a broker drops whole segments, by their
// youngest record.
const segmentSpan = time.Hour

func (c *Client) createTopic(ctx context.Context, topic string) (existed bool, err error) {
	res, err := c.kafka.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic:             topic,
		NumPartitions:     c.o.Partitions,
		ReplicationFactor: c.o.ReplicationFactor,
		ConfigEntries:     c.topicSettings(),
	}}})
	if err != nil {
		return false, err
	}
	err = res.Errors[topic]
	if errors.Is(err, kafka.TopicAlreadyExists) {
		return true, nil
	}
	return false, err
}

// Topics names all topics that the broker shows, in order.
func (c *Client) Topics(ctx context.Context) ([]string, error) {
	all, err := c.layout(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(all)), nil
}

// Partitions gives the ids of the topic's partitions in order, as the broker knows them now. The
// error matches [ErrNoTopic] where there is no such topic.
func (c *Client) Partitions(ctx context.Context, topic string) ([]int, error) {
	all, err := c.layout(ctx)
	if err != nil {
		return nil, err
	}
	ids, ok := all[topic]
	if !ok {
		c.forget(topic)
		return nil, c.wrap(ctx, "find topic "+topic, ErrNoTopic)
	}
	c.remember(map[string][]int{topic: ids})
	return ids, nil
}

// DeleteTopic deletes the topic and returns when the broker no longer shows it. A topic that does not
// exist is no error.
func (c *Client) DeleteTopic(ctx context.Context, topic string) error {
	return c.deleteTopics(ctx, []string{topic})
}

func (c *Client) deleteTopics(ctx context.Context, topics []string) error {
	for _, topic := range topics {
		c.forget(topic)
	}
	err := c.retry(ctx, func(ctx context.Context) error {
		res, err := c.kafka.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: topics})
		if err != nil {
			return err
		}
		for _, topic := range topics {
			if e := res.Errors[topic]; !errors.Is(e, kafka.UnknownTopicOrPartition) {
				err = errors.Join(err, e)
			}
		}
		return err
	})
	if err == nil {
		err = c.retry(ctx, func(ctx context.Context) error { return c.checkGone(ctx, topics) })
	}
	if err != nil {
		return c.wrap(ctx, "delete topic "+strings.Join(topics, ", "), err)
	}
	return nil
}

var errStillThere = errors.New("topic is still shown after its deletion")

func (c *Client) checkGone(ctx context.Context, topics []string) error {
	all, err := c.readPartitions(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(p kafka.Partition) bool { return slices.Contains(topics, p.Topic) }) {
		return errStillThere
	}
	return nil
}
