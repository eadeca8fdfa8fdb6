package embedded_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"throng/internal/broker"
	"throng/internal/broker/embedded"
	"throng/internal/durable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *embedded.Broker {
	t.Helper()
	b, err := embedded.Open(t.Context(), embedded.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func closeBroker(t *testing.T, b *embedded.Broker) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// with opens the directory, calls f and closes the directory again.
func with(t *testing.T, dir string, f func(*broker.Client)) {
	t.Helper()
	b := open(t, dir)
	defer closeBroker(t, b)
	c, err := broker.Open(t.Context(), broker.Options{Addrs: []string{b.Addr()}, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f(c)
}

func produce(t *testing.T, c *broker.Client, topic string, values ...string) {
	t.Helper()
	if err := c.EnsureTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if _, err := c.ProduceTo(t.Context(), topic, 0, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
}

// expect reads the topic from its start.
func expect(t *testing.T, c *broker.Client, topic string, want ...string) {
	t.Helper()
	end, err := c.End(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if int(end[0]) != len(want) {
		t.Fatalf("topic ends at %d, want %d", end[0], len(want))
	}
	s, err := c.Subscribe(t.Context(), "test", topic)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, w := range want {
		m, err := s.Fetch(t.Context())
		if err != nil || string(m.Value) != w || m.Offset != int64(i) {
			t.Fatalf("message %d: %q at %d, %v; want %q", i, m.Value, m.Offset, err, w)
		}
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if _, err := embedded.Open(t.Context(), embedded.Options{Dir: dir}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	for range 2 {
		closeBroker(t, b)
	}
	closeBroker(t, open(t, dir))
}

func TestAddressIsRemembered(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	addr := b.Addr()
	closeBroker(t, b)
	if b = open(t, dir); b.Addr() != addr {
		t.Errorf("opened at %s, then at %s", addr, b.Addr())
	}
	closeBroker(t, b)

	taken, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b = open(t, dir)
	next := b.Addr()
	closeBroker(t, b)
	if next == addr {
		t.Fatalf("opened at %s, which is taken", addr)
	}
	if b = open(t, dir); b.Addr() != next {
		t.Errorf("moved to %s, then to %s", next, b.Addr())
	}
	closeBroker(t, b)
}

func TestGivenAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := taken.Addr().String()
	if _, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Addr: free}); err == nil {
		t.Error("opened at an address that is taken")
	}
	taken.Close()
	b, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Addr: free})
	if err != nil || b.Addr() != free {
		t.Fatalf("asked for %s: %v, %v", free, b, err)
	}
	closeBroker(t, b)
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:9092", "example.org:9092", "127.0.0.1"} {
		if _, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Addr: addr}); err == nil {
			t.Errorf("%s was accepted, which is not of the loopback interface", addr)
		}
	}
}

// partition is the directory of a topic's first partition in kfake's layout.
func partition(dir, topic string) string {
	return filepath.Join(dir, "kfake", "partitions", topic+"-0")
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A crash can leave any prefix of the last record behind, and anything of the snapshot and the index.
func TestTornTailIsCut(t *testing.T) {
	const topic = "torn"
	for name, damage := range map[string]func([]byte) []byte{
		"nothing written":  func(b []byte) []byte { return b },
		"half a header":    func(b []byte) []byte { return append(b, b[:30]...) },
		"a header":         func(b []byte) []byte { return append(b, b[:61]...) },
		"all but a byte":   func(b []byte) []byte { return append(b, b[:len(b)/2-1]...) },
		"a flipped bit":    func(b []byte) []byte { c := slices.Clone(b[:len(b)/2]); c[len(c)-1] ^= 1; return append(b, c...) },
		"a row of zeros":   func(b []byte) []byte { return append(b, make([]byte, 4096)...) },
		"an absurd length": func(b []byte) []byte { return append(b, slices.Repeat([]byte{0xff}, 100)...) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			with(t, dir, func(c *broker.Client) { produce(t, c, topic, "one", "two") })
			edit(t, filepath.Join(partition(dir, topic), "0.dat"), damage)
			if err := os.Remove(filepath.Join(partition(dir, topic), "snapshot.json")); err != nil {
				t.Fatal(err)
			}
			with(t, dir, func(c *broker.Client) { produce(t, c, topic, "three") })
			with(t, dir, func(c *broker.Client) { expect(t, c, topic, "one", "two", "three") })
		})
	}
}

func TestEmptySegmentIsRemoved(t *testing.T) {
	const topic = "empty"
	dir := t.TempDir()
	with(t, dir, func(c *broker.Client) { produce(t, c, topic, "one", "two") })
	for _, name := range []string{"2.dat", "2.idx"} {
		if err := os.WriteFile(filepath.Join(partition(dir, topic), name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	with(t, dir, func(c *broker.Client) { produce(t, c, topic, "three") })
	with(t, dir, func(c *broker.Client) { expect(t, c, topic, "one", "two", "three") })
}

// What the list of topics lost must still be served: otherwise nobody could delete it.
func TestUnlistedTopicIsAdopted(t *testing.T) {
	const topic = "events-2026-11-22"
	dir := t.TempDir()
	list := filepath.Join(dir, "kfake", "topics.json")
	var before []byte
	with(t, dir, func(c *broker.Client) {
		produce(t, c, "other", "o")
		var err error
		if before, err = os.ReadFile(list); err != nil {
			t.Fatal(err)
		}
		produce(t, c, topic, "one", "two")
	})
	edit(t, list, func([]byte) []byte { return before })
	with(t, dir, func(c *broker.Client) {
		expect(t, c, topic, "one", "two")
		expect(t, c, "other", "o")
		if err := c.DeleteTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := os.Stat(partition(dir, topic)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the deleted topic's files: %v", err)
	}
}

func TestDeletedTopicLeavesNoByte(t *testing.T) {
	const topic, canary = "events-2026-11-22", "canary-7c2f"
	dir := t.TempDir()
	with(t, dir, func(c *broker.Client) {
		produce(t, c, topic, canary)
		if !contains(t, dir, canary) {
			t.Fatal("the log does not hold what was produced")
		}
		if err := c.DeleteTopic(t.Context(), topic); err != nil {
			t.Fatal(err)
		}
		if contains(t, dir, canary) {
			t.Error("the message is still on disk after its topic was deleted")
		}
	})
}

func contains(t *testing.T, dir, what string) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		found = found || strings.Contains(string(data), what)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestDamagedListOfTopicsIsAnError(t *testing.T) {
	dir := t.TempDir()
	with(t, dir, func(c *broker.Client) { produce(t, c, "topic", "one") })
	edit(t, filepath.Join(dir, "kfake", "topics.json"), func(b []byte) []byte { return b[:len(b)/2] })
	if b, err := embedded.Open(t.Context(), embedded.Options{Dir: dir}); err == nil {
		closeBroker(t, b)
		t.Error("opened without its topics")
	}
}
