package broker_test

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throng"
	"throng/internal/broker"
	"throng/internal/broker/kafkatest"
)

// TestRawTopicsAreJudgedByTheirSettings: the embedded broker never looks for expired records, so no topic of
// its is in order; on Kafka one is.
func TestRawTopicsAreJudgedByTheirSettings(t *testing.T) {
	addr := startBroker(t, t.TempDir()).Addr()
	c, err := broker.Open(t.Context(), broker.Options{Addrs: []string{addr}, Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	admin := kafka.Client{Addr: kafka.TCP(addr), Timeout: 10 * time.Second, Transport: transport}
	forever, inOrder := "not bounded by retention.ms, log.cleaner.backoff.ms", "not bounded by log.cleaner.backoff.ms"
	if kafkatest.Wanted() {
		forever, inOrder = "not bounded by retention.ms", ""
	}
	for name, topic := range map[string]struct {
		settings []kafka.ConfigEntry
		note     string // "" where the topic is in order
	}{
		"raw-by-producers": {nil, "message.timestamp.type is CreateTime: producers say how old a record is; set it to LogAppendTime"},
		"raw-compacted": {[]kafka.ConfigEntry{{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"}, {ConfigName: "cleanup.policy", ConfigValue: "compact"}},
			"cleanup.policy is compact: nothing is deleted by age; set it to delete"},
		"raw-forever": {[]kafka.ConfigEntry{{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"}, {ConfigName: "retention.ms", ConfigValue: "-1"}},
			forever},
		"raw-in-order": {[]kafka.ConfigEntry{{ConfigName: "message.timestamp.type", ConfigValue: "LogAppendTime"}, {ConfigName: "retention.ms", ConfigValue: "3600000"}, {ConfigName: "segment.ms", ConfigValue: "600000"}},
			inOrder},
	} {
		if _, err := admin.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
			Topic: name, NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: topic.settings}}}); err != nil {
			t.Fatal(err)
		}
		raw := broker.RawTopics{{Client: c, Topic: name}, {Client: c, Topic: "raw-that-is-not-there"}}
		items, err := raw.Items(t.Context())
		if err != nil || len(items) != 1 {
			t.Fatalf("%s: %v, %v", name, items, err)
		}
		switch i := items[0]; {
		case i.Removal != throng.StoreExpiry:
			t.Errorf("%s: is removed by %v", name, i.Removal)
		case topic.note == "" && (i.Keeps <= 70*time.Minute || i.Keeps > 2*time.Hour):
			t.Errorf("%s: keeps for %v, want 1h10m and the broker's delays: %s", name, i.Keeps, i.Note)
		case topic.note != "" && (i.Keeps != broker.Unbounded || i.Note != topic.note):
			t.Errorf("%s: keeps for %v: %s", name, i.Keeps, i.Note)
		}
		if err := raw.Read(t.Context(), items); err != nil || !items[0].Oldest.IsZero() {
			t.Errorf("%s: oldest %v, %v", name, items[0].Oldest, err)
		}
		before := time.Now().Truncate(time.Millisecond)
		produce(t, c, name, "a line")
		if err := raw.Read(t.Context(), items); err != nil || items[0].Oldest.Before(before) || items[0].Day != throng.DayOf(items[0].Oldest) {
			t.Errorf("%s: oldest %v, %v", name, items[0].Oldest, err)
		}
		if raw.DropItem(t.Context(), items[0]) == nil {
			t.Error("a topic of others was dropped")
		}
	}
}
