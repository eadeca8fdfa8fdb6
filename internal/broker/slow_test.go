package broker_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"throng/internal/broker"
)

// TestSlowBrokerIsWaitedFor has a broker that takes longer over each answer than kafka-go's reader waits
// for one: a reader that asks anew each time gets nothing, ever.
func TestSlowBrokerIsWaitedFor(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	c, err := broker.Open(t.Context(), broker.Options{Addrs: cluster.ListenAddrs(), Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	topic := newTopic(t, c)
	produce(t, c, topic, "m")
	cluster.ControlKey(int16(kmsg.Fetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() { time.Sleep(2 * time.Second) })
		return nil, nil, false
	})
	s := subscribe(t, c, topic)
	fetch(t, s, 1)
}
