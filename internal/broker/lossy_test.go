package broker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throng"
	"throng/internal/broker"
)

// TestLossyTopicsAreRefused: a topic that somebody else made is taken as it is, unless blocks could be lost in it.
func TestLossyTopicsAreRefused(t *testing.T) {
	addr := startBroker(t, t.TempDir()).Addr()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	admin := kafka.Client{Addr: kafka.TCP(addr), Timeout: 10 * time.Second, Transport: transport}
	for day, topic := range map[string]struct {
		setting, value, says string // says is "" where the topic is taken
	}{
		"events-2036-03-01": {"cleanup.policy", "compact", "cleanup.policy is compact; set it to delete"},
		"events-2036-03-02": {"cleanup.policy", "compact,delete", "cleanup.policy is compact,delete; set it to delete"},
		"events-2036-03-03": {"retention.ms", "3600000", "retention.ms is 3600000; set it to 86400000 or more"},
		"events-2036-03-04": {"retention.ms", "-1", ""},
		"events-2036-03-05": {"retention.ms", "86400000", ""},
		"events-2036-03-06": {"cleanup.policy", "delete", ""},
	} {
		res, err := admin.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
			Topic: day, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: []kafka.ConfigEntry{{ConfigName: topic.setting, ConfigValue: topic.value}}}}})
		if err == nil {
			err = res.Errors[day]
		}
		if err != nil {
			t.Fatal(err)
		}
		c := openClient(t, addr)
		err = c.EnsureTopic(t.Context(), day)
		switch {
		case topic.says == "" && err != nil:
			t.Errorf("%s=%s: %v", topic.setting, topic.value, err)
		case topic.says != "" && (!errors.Is(err, broker.ErrLossy) || throng.IsRetryable(err) || !strings.Contains(err.Error(), topic.says)):
			t.Errorf("%s=%s: %v", topic.setting, topic.value, err)
		case topic.says != "" && c.EnsureTopic(t.Context(), day) == nil:
			t.Errorf("%s=%s: taken when asked again", topic.setting, topic.value)
		}
	}
}
