package main_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// progressTime bounds how long a count may stand still: several times what a group of consumers needs to miss a
// member, and a cluster to miss a broker, on a machine that has other work.
const progressTime = 3 * time.Minute

// progressFor waits until the condition holds. It fails the test when the count that comes with it has not grown
// for progressTime.
func progressFor(t *testing.T, what string, condition func() (count uint64, ok bool)) {
	t.Helper()
	began, moved := time.Now(), time.Now()
	var most uint64
	for {
		n, ok := condition()
		if ok {
			t.Logf("waited %.1f s for %s: %d", time.Since(began).Seconds(), what, n)
			return
		}
		if n > most {
			most, moved = n, time.Now()
		}
		if t.Failed() || time.Since(moved) > progressTime {
			t.Fatalf("%s: stands at %d for %v", what, n, time.Since(moved).Round(time.Second))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// TestKafkaCluster: two ships and two to four loaders around three brokers. Under load members join and are killed, a
// broker is killed and comes back, every leader moves, the line to the store is cut. The store has each line once.
func TestKafkaCluster(t *testing.T) {
	s := startKafkaSite(t, 16, chance(t).Uint64())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, event := range []struct {
		what string
		do   func() error
	}{
		{"two loaders", func() error { return nil }},
		{"four loaders", func() error { s.load(t, 2); return nil }},
		{"a loader killed", func() error { s.loaders[0].kill(); return nil }},
		{"a ship killed", func() error { s.ships[1].kill(); return nil }},
		{"a broker killed", func() error { s.cluster.Broker(1).Kill(); return nil }},
		{"the broker back", func() error { return s.cluster.Broker(1).Restart(ctx) }},
		{"all leaders moved", func() error { return s.cluster.MoveLeaders(ctx, s.topic()) }},
		{"the store's line cut", func() error { s.line.set(cut); time.Sleep(time.Second); s.line.set(whole); return nil }},
	} {
		s.grow(t)
		if err := event.do(); err != nil {
			t.Fatalf("%s: %v", event.what, err)
		}
		before := s.loaded(t)
		s.grow(t)
		progressFor(t, "lines with "+event.what, func() (uint64, bool) {
			n := s.loaded(t)
			return n, n > before
		})
	}
	replicas, err := s.cluster.Replicas(ctx, s.topic())
	if err != nil || len(replicas) != 8 || len(replicas[0]) != 3 {
		t.Errorf("the topic is on %v, %v; want 8 partitions of 3 copies", fmt.Sprint(replicas), err)
	}
	s.checkRefused(t)
	s.drain(t)
}

// checkRefused: a ship whose user may not write ends, and says why, instead of trying again.
func (s *kafkaSite) checkRefused(t *testing.T) {
	t.Helper()
	log := s.state("log-of-nobody")
	writeFile(t, log, `192.0.2.1 - - [20/Mar/2036:10:00:00 +0000] "GET /section-0/page-0 HTTP/1.1" 200 1 "-" "-" "-" "-"`+"\n")
	config := s.configure(t, "web3", "load", fmt.Sprintf(`sources: [{name: web3, site: www, path: %q, format: combined_signals}]`, log))
	cmd := exec.CommandContext(t.Context(), "throng", "ship", "--once", "--config", config)
	cmd.Env = append(os.Environ(), s.env...)
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "Topic Authorization Failed") {
		t.Errorf("ship as a user that may not write: %v: %s", err, said)
	}
}
