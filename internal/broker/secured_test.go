package broker_test

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"throng"
	"throng/internal/broker"
	"throng/internal/broker/kafkatest"
)

// secured is a Kafka cluster that takes no stranger.
type secured struct {
	cluster *kafkatest.Cluster
	access  kafkatest.Access
	tls     *tls.Config
}

func startSecured(t *testing.T, n int, users ...string) *secured {
	t.Helper()
	if !kafkatest.Wanted() {
		t.Skip("the embedded broker has no access control of this kind: set " + kafkatest.Variable + "=1")
	}
	s := &secured{}
	s.cluster, s.access = kafkatest.StartSecured(t, t.TempDir(), n, users...)
	var err error
	if s.tls, err = s.access.TLS(); err != nil {
		t.Fatal(err)
	}
	return s
}

// options are those of a user.
func (s *secured) options(user string) broker.Options {
	return broker.Options{Addrs: s.cluster.Addrs(), TLS: s.tls, Partitions: 3, ReplicationFactor: len(s.cluster.Addrs()),
		SASL: broker.SASL{Mechanism: "scram-sha-512", User: user, Password: s.access.Password(user)}}
}

func (s *secured) open(t *testing.T, user string) *broker.Client {
	t.Helper()
	c, err := broker.Open(t.Context(), s.options(user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestSecuredKafka: three brokers that talk TLS and SCRAM, to each other too. Whoever lacks one of the
// three proofs is refused, for good, and told nothing back of the password.
func TestSecuredKafka(t *testing.T) {
	s := startSecured(t, 3)
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		o := s.options(kafkatest.Admin)
		o.SASL.Mechanism = mechanism
		c, err := broker.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		roundTrip(t, c)
		topics, err := c.Topics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		events := slices.DeleteFunc(topics, func(topic string) bool { return !strings.HasPrefix(topic, "events-") })
		checkSettings(t, s.cluster, events[0])
		if err := errors.Join(c.DeleteTopic(t.Context(), events[0]), c.Close()); err != nil {
			t.Error(err)
		}
	}
	for name, spoil := range map[string]func(*broker.Options){
		"a wrong password":             func(o *broker.Options) { o.SASL.Password = "battery staple" },
		"an unknown user":              func(o *broker.Options) { o.SASL.User = "stranger" },
		"brokers nobody vouches for":   func(o *broker.Options) { o.TLS = &tls.Config{Certificates: s.tls.Certificates} },
		"no certificate of the client": func(o *broker.Options) { o.TLS = &tls.Config{RootCAs: s.tls.RootCAs} },
	} {
		o := s.options(kafkatest.Admin)
		spoil(&o)
		_, err := broker.Open(t.Context(), o)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if throng.IsRetryable(err) {
			t.Errorf("%s: is tried again: %v", name, err)
		}
		if strings.Contains(err.Error(), o.SASL.Password) {
			t.Errorf("%s: the error has the password: %v", name, err)
		}
	}
	o := s.options(kafkatest.Admin)
	o.TLS = nil
	if _, err := broker.Open(t.Context(), o); err == nil {
		t.Error("a connection without TLS was accepted")
	}
}

// checkSettings compares what Kafka says of a topic of events with what it was to be created with.
func checkSettings(t *testing.T, cluster *kafkatest.Cluster, topic string) {
	t.Helper()
	got, err := cluster.Settings(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"max.message.bytes": "16777216", "cleanup.policy": "delete", "retention.ms": "259200000", "segment.ms": "3600000",
		"message.timestamp.type": "CreateTime", "unclean.leader.election.enable": "false", "min.insync.replicas": "2",
	} {
		if got[name] != want {
			t.Errorf("%s of topic %s is %q, want %q", name, topic, got[name], want)
		}
	}
	replicas, err := cluster.Replicas(t.Context(), topic)
	if err != nil || len(replicas) != 3 || len(replicas[0]) != 3 {
		t.Errorf("topic %s is on brokers %v, %v; want 3 partitions of 3 copies", topic, replicas, err)
	}
}

// TestGrants: each user does its work with the grants of deploy/kafka/grants, and nothing that is others'.
func TestGrants(t *testing.T) {
	s := startSecured(t, 1, "ship", "load", "close", "retention")
	err := errors.Join(s.cluster.Grant(t.Context()), s.cluster.CreateTopic(t.Context(), "raw-access", 1,
		map[string]string{"message.timestamp.type": "LogAppendTime", "retention.ms": "3600000", "segment.ms": "600000"}))
	if err != nil {
		t.Fatal(err)
	}
	const topic = "events-2036-03-20"
	ctx := t.Context()

	ship := s.open(t, "ship")
	if err := ship.EnsureTopic(ctx, topic); err != nil {
		t.Fatal(err)
	}
	produce(t, ship, topic, "block")
	closer := s.open(t, "close")
	if err := s.open(t, "ship").EnsureTopic(ctx, topic); err != nil {
		t.Errorf("a topic that is there: %v", err)
	}
	for p := range 3 {
		if _, err := closer.ProduceTo(ctx, topic, p, []byte("marker")); err != nil {
			t.Error(err)
		}
	}
	sub, err := s.open(t, "load").Subscribe(ctx, "throng-load-"+topic, topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sub.Commit(ctx, fetch(t, sub, 4)...), sub.Close()); err != nil {
		t.Error(err)
	}
	if committed, err := closer.Committed(ctx, "throng-load-"+topic, topic); err != nil || committed[0]+committed[1]+committed[2] != 4 {
		t.Errorf("close sees %v committed, %v", committed, err)
	}
	checkRaw(t, s)
	checkRefused(t, s, topic)

	retention := s.open(t, "retention")
	items, err := retention.Items(ctx)
	if err == nil {
		err = retention.Read(ctx, items)
	}
	if err != nil || len(items) != 1 || items[0].Name != topic || items[0].Oldest.IsZero() {
		t.Fatalf("retention sees %+v, %v", items, err)
	}
	if err := retention.DropItem(ctx, items[0]); err != nil {
		t.Error(err)
	}
}

// checkRaw reads and judges a raw topic as those who may.
func checkRaw(t *testing.T, s *secured) {
	t.Helper()
	writer := s.open(t, kafkatest.Admin)
	produce(t, writer, "raw-access", "a line")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	read := false
	err := s.open(t, "ship").Share(ctx, "throng-raw", "raw-access", func(ctx context.Context, p *broker.Partition) error {
		messages, _, err := p.Fetch(ctx, 0)
		if err == nil && len(messages) == 1 {
			err = p.Commit(ctx, 1, "note")
		}
		read = err == nil
		cancel()
		return err
	})
	if err != nil || !read {
		t.Errorf("ship reads the raw topic: %v, %v", read, err)
	}
	retention := s.open(t, "retention")
	raw := broker.RawTopics{{Client: retention, Topic: "raw-access"}}
	items, err := raw.Items(t.Context())
	if err == nil {
		err = raw.Read(t.Context(), items)
	}
	if err != nil || len(items) != 1 || items[0].Keeps >= 2*time.Hour || items[0].Oldest.IsZero() {
		t.Errorf("retention judges the raw topic: %+v, %v", items, err)
	}
}

// checkRefused: what a user was not granted fails for good, and says why.
func checkRefused(t *testing.T, s *secured, topic string) {
	t.Helper()
	ctx := t.Context()
	for what, call := range map[string]func() error{
		"load writes":               func() error { return s.open(t, "load").Produce(ctx, topic, nil, []byte("x")) },
		"retention writes":          func() error { return s.open(t, "retention").Produce(ctx, topic, nil, []byte("x")) },
		"ship deletes":              func() error { return s.open(t, "ship").DeleteTopic(ctx, topic) },
		"close deletes":             func() error { return s.open(t, "close").DeleteTopic(ctx, topic) },
		"close creates":             func() error { return s.open(t, "close").EnsureTopic(ctx, "events-2036-03-21") },
		"load creates":              func() error { return s.open(t, "load").EnsureTopic(ctx, "events-2036-03-21") },
		"ship creates another kind": func() error { return s.open(t, "ship").EnsureTopic(ctx, "other") },
		"ship reads blocks": func() error {
			items := []throng.Item{{Store: broker.Store, Name: topic}}
			return s.open(t, "ship").Read(ctx, items)
		},
		"retention takes part in loading": func() error {
			_, err := s.open(t, "retention").Committed(ctx, "throng-load-"+topic, topic)
			return err
		},
	} {
		err := call()
		if !errors.Is(err, kafka.TopicAuthorizationFailed) && !errors.Is(err, kafka.GroupAuthorizationFailed) && !errors.Is(err, kafka.ClusterAuthorizationFailed) {
			t.Errorf("%s: want to be told that it may not: %v", what, err)
		}
		if throng.IsRetryable(err) {
			t.Errorf("%s: is tried again: %v", what, err)
		}
	}
}
