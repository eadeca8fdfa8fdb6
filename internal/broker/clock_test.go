package broker_test

import (
	"testing"
	"time"

	"throng"
	"throng/internal/broker"
)

// stillClock is a clock that was moved, as the demo's is.
type stillClock time.Time

func (c stillClock) Now() time.Time                     { return time.Time(c) }
func (stillClock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

func TestRecordsHaveTheClocksTime(t *testing.T) {
	want := time.Date(2036, 3, 20, 12, 0, 0, 0, time.UTC)
	addr := startBroker(t, t.TempDir()).Addr()
	c, err := broker.Open(t.Context(), broker.Options{Addrs: []string{addr}, Clock: stillClock(want), Logger: testLogger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	topic := newTopic(t, c)
	produce(t, c, topic, numbered("m", 8)...)
	items := []throng.Item{{Store: broker.Store, Name: topic}}
	if err := c.Read(t.Context(), items); err != nil || !items[0].Oldest.Equal(want) {
		t.Errorf("the oldest record is of %v (%v), want %v", items[0].Oldest, err, want)
	}
}
