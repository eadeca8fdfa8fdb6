package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"throng"
)

// RawStore is what [throng.Item.Store] calls topics of raw lines.
const RawStore = "raw_topics"

// RawTopic is a topic that other programs fill with raw lines.
type RawTopic struct {
	Client *Client
	Topic  string
}

// RawTopics looks after topics of raw lines. It never changes them: they belong to others. What they are
// asked for is whether their own settings delete records in time, and how old their oldest record is.
type RawTopics []RawTopic

// Unbounded is the age to which settings let a record grow that do not bound it.
const Unbounded = time.Duration(math.MaxInt64)

// Items lists the topics that exist. Keeps is the sum of what delays the deletion of a record:
//
//	retention.ms + segment.ms + log.retention.check.interval.ms + file.delete.delay.ms
//
// The broker deletes whole segments, by their youngest record, at its next look, and the file a while
// after that (Kafka documentation, topic and broker configurations). Unbounded where the topic is compacted, where it has no retention.ms, or
// where records carry their producer's time instead of the broker's (message.timestamp.type).
func (r RawTopics) Items(ctx context.Context) ([]throng.Item, error) {
	var items []throng.Item
	for _, t := range r {
		if _, err := t.Client.Partitions(ctx, t.Topic); errors.Is(err, ErrNoTopic) {
			continue
		} else if err != nil {
			return nil, err
		}
		item := throng.Item{
			Store: RawStore, Class: throng.ClassRawTopic, Kind: throng.KindTopic, Name: t.Topic, Removal: throng.StoreExpiry,
		}
		topic, err := t.Client.settings(ctx, kafka.ResourceTypeTopic, t.Topic)
		if err != nil {
			return nil, err
		}
		broker, err := t.Client.brokerSettings(ctx)
		if err != nil {
			return nil, err
		}
		item.Keeps, item.Note = keeps(topic, broker)
		items = append(items, item)
	}
	return items, nil
}

// Read sets Oldest as [Client.Read] does, and Day to its day.
func (r RawTopics) Read(ctx context.Context, items []throng.Item) error {
	for i := range items {
		at := slices.IndexFunc(r, func(t RawTopic) bool { return t.Topic == items[i].Name })
		if at < 0 {
			continue
		}
		if err := r[at].Client.Read(ctx, items[i:i+1]); err != nil {
			return err
		}
		if !items[i].Oldest.IsZero() {
			items[i].Day = throng.DayOf(items[i].Oldest)
		}
	}
	return nil
}

// DropItem refuses: the topic belongs to others.
func (RawTopics) DropItem(context.Context, throng.Item) error {
	return errors.New("drop topic of raw lines: it belongs to whoever fills it; its own settings delete records")
}

// Kafka's defaults, for brokers that do not tell theirs.
const (
	defaultCheck  = 5 * time.Minute
	defaultDelete = time.Minute
)

// keeps is the greatest age of a record under a topic's and a broker's settings, and what to change where
// that is unbounded.
func keeps(topic, broker map[string]string) (age time.Duration, note string) {
	if got := topic["message.timestamp.type"]; got != "LogAppendTime" {
		return Unbounded, "message.timestamp.type is " + got + ": producers say how old a record is; set it to LogAppendTime"
	}
	if got := topic["cleanup.policy"]; got != "" && !slices.Contains(strings.Split(got, ","), "delete") {
		return Unbounded, "cleanup.policy is " + got + ": nothing is deleted by age; set it to delete"
	}
	var unbounded []string
	sum := func(settings map[string]string, name string, otherwise time.Duration) {
		ms, err := strconv.ParseInt(settings[name], 10, 64)
		switch d := time.Duration(ms) * time.Millisecond; {
		case err != nil && otherwise > 0:
			age += otherwise
		case err != nil || ms < 0 || ms > int64(time.Duration(math.MaxInt64/8)/time.Millisecond):
			unbounded = append(unbounded, name)
		default:
			age += d
		}
	}
	sum(topic, "retention.ms", 0)
	sum(topic, "segment.ms", 0)
	sum(topic, "file.delete.delay.ms", defaultDelete)
	check := "log.retention.check.interval.ms"
	if broker[check] == "" { // the embedded broker calls it so
		check = "log.cleaner.backoff.ms"
	}
	sum(broker, check, defaultCheck)
	if len(unbounded) > 0 {
		return Unbounded, "not bounded by " + strings.Join(unbounded, ", ")
	}
	return age, fmt.Sprintf("retention.ms %s, segment.ms %s and the broker's delays add up to %v", topic["retention.ms"], topic["segment.ms"], age)
}

// settings asks for the settings of a topic, or of a broker by its number.
func (c *Client) settings(ctx context.Context, kind kafka.ResourceType, name string) (map[string]string, error) {
	var settings map[string]string
	err := c.retry(ctx, func(ctx context.Context) error {
		res, err := c.kafka.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
			Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kind, ResourceName: name}},
		})
		if err != nil {
			return err
		}
		settings = map[string]string{}
		for _, r := range res.Resources {
			err = errors.Join(err, r.Error)
			for _, e := range r.ConfigEntries {
				settings[e.ConfigName] = e.ConfigValue
			}
		}
		return err
	})
	if err != nil {
		return nil, c.wrap(ctx, "read settings of "+name, err)
	}
	return settings, nil
}

// brokerSettings are those of the broker that looks for expired records most rarely.
func (c *Client) brokerSettings(ctx context.Context) (slowest map[string]string, err error) {
	var ids []int
	err = c.retry(ctx, func(ctx context.Context) error {
		res, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{})
		ids = nil
		if err == nil {
			for _, b := range res.Brokers {
				ids = append(ids, b.ID)
			}
		}
		return err
	})
	if err != nil {
		return nil, c.wrap(ctx, "list brokers", err)
	}
	delay := func(s map[string]string) int64 {
		ms, err := strconv.ParseInt(cmp.Or(s["log.retention.check.interval.ms"], s["log.cleaner.backoff.ms"]), 10, 64)
		if err != nil {
			return 0
		}
		return ms
	}
	for _, id := range ids {
		s, err := c.settings(ctx, kafka.ResourceTypeBroker, strconv.Itoa(id))
		if err != nil {
			return nil, err
		}
		if slowest == nil || delay(s) > delay(slowest) {
			slowest = s
		}
	}
	return slowest, nil
}
