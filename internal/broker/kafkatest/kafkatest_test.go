package kafkatest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng/internal/broker"
	"throng/internal/broker/kafkatest"
)

// Three brokers take over from each other, and go on with what they had.
func TestThreeBrokers(t *testing.T) {
	if !kafkatest.Wanted() {
		t.Skip("starts three Kafka brokers: set " + kafkatest.Variable + "=1")
	}
	cluster := kafkatest.Start(t, t.TempDir(), 3)
	c, err := broker.Open(t.Context(), broker.Options{Addrs: cluster.Addrs(), Partitions: 3, ReplicationFactor: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const topic, marker = "events-2036-03-20", "marker-5b1f"
	if err := c.EnsureTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	produceEach(t, c, topic, marker)

	cluster.Broker(1).Kill()
	produceEach(t, c, topic, marker)
	if err := cluster.Broker(1).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A broker that hangs counts as gone, and three copies cannot be made without it: what an administrator asks for waits.
	if err := cluster.Broker(2).Freeze(); err != nil {
		t.Fatal(err)
	}
	thaw := time.AfterFunc(6*time.Second, func() { _ = cluster.Broker(2).Thaw() })
	defer thaw.Stop()
	if err := cluster.CreateTopic(t.Context(), "raw-access", 1, nil); err != nil {
		t.Errorf("make a topic while a broker hangs: %v", err)
	}
	if copies, err := cluster.Replicas(t.Context(), "raw-access"); err != nil || len(copies[0]) != 3 {
		t.Errorf("the topic is on brokers %v, %v", copies, err)
	}

	end, err := c.End(t.Context(), topic)
	if err != nil || end[0]+end[1]+end[2] < 6 {
		t.Errorf("of six acknowledged messages there are %v, %v", end, err)
	}
	if found := holding(t, cluster, marker); len(found) < 9 {
		t.Errorf("three copies of three partitions are in %d files", len(found))
	}

	if err := c.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Minute)
	for len(holding(t, cluster, marker)) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("three minutes after the topic's deletion its bytes are in %q", holding(t, cluster, marker))
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := cluster.Broker(2).Close(); err != nil {
		t.Error(err)
	}
}

// produceEach sends a message to each partition, trying again while leaders change.
func produceEach(t *testing.T, c *broker.Client, topic, value string) {
	t.Helper()
	for p := range 3 {
		var err error
		for range 10 {
			if _, err = c.ProduceTo(t.Context(), topic, p, []byte(value)); err == nil {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// holding are the files of all brokers that hold a text.
func holding(t *testing.T, cluster *kafkatest.Cluster, text string) (paths []string) {
	t.Helper()
	for _, dir := range cluster.Dirs() {
		files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			b, err := os.ReadFile(path) // one that goes away meanwhile holds nothing
			if err == nil && strings.Contains(string(b), text) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}
