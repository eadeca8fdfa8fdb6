package embedded_test

import (
	"context"
	"encoding/binary"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"throng/internal/broker"
)

// A member that dies while it waits to join would own a partition for ever.
func TestMemberThatDiesWhileItJoinsLeavesItsPartitions(t *testing.T) {
	b := open(t, t.TempDir())
	defer closeBroker(t, b)
	c, err := broker.Open(t.Context(), broker.Options{Addrs: []string{b.Addr()}, Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const topic, group = "events-2026-11-22", "load"
	produce(t, c, topic, "before")
	s, err := c.Subscribe(t.Context(), group, topic)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // the session of the dead member is longer
	defer cancel()
	if _, err := s.Fetch(ctx); err != nil {
		t.Fatal(err)
	}

	dieJoining(t, b.Addr(), group, topic)
	awaitMembers(ctx, t, b.Addr(), group, 2)
	awaitMembers(ctx, t, b.Addr(), group, 1)
	for p := range 2 {
		if _, err := c.ProduceTo(ctx, topic, p, []byte("after")); err != nil {
			t.Fatal(err)
		}
	}
	for got := map[int]bool{}; len(got) < 2; {
		m, err := s.Fetch(ctx)
		if err != nil {
			t.Fatalf("of the partitions only %v have a reader: %v", got, err)
		}
		if string(m.Value) == "after" {
			got[m.Partition] = true
		}
	}
}

// awaitMembers waits until a group is stable with so many members.
func awaitMembers(ctx context.Context, t *testing.T, addr, group string, n int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	for {
		res, err := req.RequestWith(ctx, client)
		if err != nil {
			t.Fatalf("wait for %d members: %v", n, err)
		}
		if g := res.Groups[0]; g.State == "Stable" && len(g.Members) == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// dieJoining asks to join a group and is gone before the answer.
func dieJoining(t *testing.T, addr, group, topic string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	meta := kmsg.NewConsumerMemberMetadata()
	meta.Topics = []string{topic}
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.ProtocolType = 1, group, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 300_000, 5_000
	for _, name := range []string{"range", "roundrobin"} { // those of kafka-go
		p := kmsg.NewJoinGroupRequestProtocol()
		p.Name, p.Metadata = name, meta.AppendTo(nil)
		req.Protocols = append(req.Protocols, p)
	}
	body := kmsg.NewRequestFormatter(kmsg.FormatterClientID("ghost")).AppendRequest(nil, req, 1)
	if binary.BigEndian.Uint32(body) != uint32(len(body)-4) {
		t.Fatal("the request does not begin with its length")
	}
	if _, err := conn.Write(body); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // so that the request is read before the end of the connection
}
