package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/ingest/block"
)

// testClock starts at a fixed time, and a millisecond passes whenever it is looked at.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

func (c *testClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *testClock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// broker is a broker in memory, no more forgiving than a real one: a topic has to be created first,
// and a call can fail with its message kept or not.
type broker struct {
	mu     sync.Mutex
	topics map[string]map[string][]byte // topic → key → value
	sent   int
	fault  func(n int) (keep bool, err error) // of the nth message
}

var errCrash = errors.New("the process died here")

func (b *broker) EnsureTopic(_ context.Context, topic string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.topics == nil {
		b.topics = map[string]map[string][]byte{}
	}
	if b.topics[topic] == nil {
		b.topics[topic] = map[string][]byte{}
	}
	return nil
}

func (b *broker) Produce(_ context.Context, topic string, key, value []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.topics[topic] == nil {
		return fmt.Errorf("no topic %s", topic)
	}
	b.sent++
	keep, err := true, error(nil)
	if b.fault != nil {
		keep, err = b.fault(b.sent)
	}
	if keep {
		b.topics[topic][string(key)] = append([]byte(nil), value...)
	}
	return err
}

// lines is the number of lines that all blocks stand for, each identity counted once.
func (b *broker) lines(t *testing.T) (n int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for topic, msgs := range b.topics {
		for key, msg := range msgs {
			_, h, _, err := block.Parse(msg)
			if err != nil {
				t.Fatalf("%s: %v", topic, err)
			}
			if h.String() != key || throng.EventsTopic(h.Day) != topic {
				t.Fatalf("block %s came as %s to %s", h.BlockID, key, topic)
			}
			n += int(h.Rows + h.Rejected + h.Late)
		}
	}
	return n
}

// site is a web server's log directory with a shipper that follows it.
type site struct {
	t      *testing.T
	dir    string
	clock  *testClock
	broker *broker
	wrote  int
	stop   func() error
	rows   int
	globs  []string
}

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func newSite(t *testing.T) *site {
	s := &site{t: t, dir: t.TempDir(), clock: &testClock{now: start}, broker: &broker{}, rows: 50}
	if err := keys.Init(filepath.Join(s.dir, "epoch"), start); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) log() string { return filepath.Join(s.dir, "access.log") }

// patterns are those of the files to follow: the log alone, where the test names no others.
func (s *site) patterns() (all []string) {
	if s.globs == nil {
		return []string{s.log()}
	}
	for _, g := range s.globs {
		all = append(all, filepath.Join(s.dir, g))
	}
	return all
}

// shipper is a new process on the same state directory.
func (s *site) shipper(o ingest.ShipOptions) *ingest.Shipper {
	s.t.Helper()
	ratchet, err := keys.Open(filepath.Join(s.dir, "epoch"), s.clock)
	if err != nil {
		s.t.Fatal(err)
	}
	o.Dir, o.Quarantine = filepath.Join(s.dir, "ship"), filepath.Join(s.dir, "quarantine")
	o.Clock = s.clock
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Broker == nil {
		o.Broker = s.broker
	}
	o.MaxRows, o.MaxAge, o.Poll = s.rows, time.Nanosecond, 5*time.Millisecond
	o.Anonymizer = func(f ingest.Feed) (*anonymize.Anonymizer, error) {
		return anonymize.New(anonymize.Options{Site: f.Site, Keys: ratchet})
	}
	if o.Feeds == nil {
		o.Feeds = []ingest.Feed{{Name: "web", Site: "www", Format: "combined", Globs: s.patterns()}}
	}
	sh, err := ingest.NewShipper(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return sh
}

// run starts a shipper that follows the log.
func (s *site) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	sh := s.shipper(ingest.ShipOptions{})
	go func() { done <- sh.Run(ctx) }()
	s.stop = func() error {
		cancel()
		return <-done
	}
}

func (s *site) restart() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Fatal(err)
	}
	s.run()
}

// write appends n lines to the log.
func (s *site) write(n int) {
	s.t.Helper()
	s.append(s.lines(n))
}

// lines are the next n, every tenth of them junk.
func (s *site) lines(n int) string {
	var text strings.Builder
	for range n {
		s.wrote++
		if s.wrote%10 == 0 {
			fmt.Fprintf(&text, "line %d is not that of an access log\n", s.wrote)
			continue
		}
		fmt.Fprintf(&text, "192.0.2.%d - - [20/Nov/2026:11:00:%02d +0000] \"GET /page/%d HTTP/1.1\" 200 1 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n",
			s.wrote%250, s.wrote%60, s.wrote)
	}
	return text.String()
}

func (s *site) append(text string) {
	s.t.Helper()
	s.appendTo(s.log(), text)
}

func (s *site) appendTo(path, text string) {
	s.t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// arrived waits until every line that was written has arrived, and no more.
func (s *site) arrived() {
	s.t.Helper()
	last, deadline := -1, time.Now()
	for ; ; time.Sleep(2 * time.Millisecond) {
		got := s.broker.lines(s.t)
		if got == s.wrote {
			return
		}
		if got != last { // a busy machine is slow, not wrong
			last, deadline = got, time.Now().Add(3*time.Minute)
		}
		if got > s.wrote || time.Now().After(deadline) {
			s.t.Fatalf("%d lines arrived, %d were written", got, s.wrote)
		}
	}
}

func (s *site) rename(to string) {
	s.t.Helper()
	if err := os.Rename(s.log(), filepath.Join(s.dir, to)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) copytruncate(to string) {
	s.t.Helper()
	b, err := os.ReadFile(s.log())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, to), b, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Truncate(s.log(), 0); err != nil {
		s.t.Fatal(err)
	}
}

func TestFilesAreFollowedThroughRotation(t *testing.T) {
	for name, steps := range map[string]func(*site){
		"growing": func(s *site) { s.write(30); s.arrived(); s.write(300); s.arrived(); s.write(1) },
		"restart": func(s *site) { s.write(100); s.arrived(); s.restart(); s.write(100) },
		"written to while stopped": func(s *site) {
			s.write(100)
			s.arrived()
			s.stopped(func() { s.write(100) })
		},
		"rename": func(s *site) { s.write(100); s.arrived(); s.write(70); s.rename("access.log.1"); s.write(100) },
		"rename, written to under the old name": func(s *site) {
			s.write(100)
			s.arrived()
			f, err := os.OpenFile(s.log(), os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				s.t.Fatal(err)
			}
			defer f.Close()
			s.rename("access.log.1")
			s.write(100)
			s.arrived()
			s.wrote++
			if _, err := f.WriteString("a last line\n"); err != nil {
				s.t.Fatal(err)
			}
		},
		"rename while stopped": func(s *site) {
			s.write(100)
			s.arrived()
			s.stopped(func() { s.write(70); s.rename("access.log.1"); s.write(100) })
		},
		"rename twice while stopped": func(s *site) {
			s.write(100)
			s.arrived()
			s.stopped(func() { s.write(70); s.rename("access.log.2"); s.write(100) })
		},
		"deleted after the rename": func(s *site) {
			s.write(100)
			s.arrived()
			s.rename("access.log.1")
			s.write(100)
			s.arrived()
			if err := os.Remove(filepath.Join(s.dir, "access.log.1")); err != nil {
				s.t.Fatal(err)
			}
			s.write(10)
		},
		"copytruncate": func(s *site) { s.write(100); s.arrived(); s.copytruncate("access.log.1"); s.write(30) },
		"copytruncate with unread lines": func(s *site) {
			s.write(100)
			s.arrived()
			s.stopped(func() { s.write(70); s.copytruncate("access.log.1"); s.write(10) })
		},
		"copytruncate, then longer than before": func(s *site) {
			s.write(20)
			s.arrived()
			s.stopped(func() { s.write(10); s.copytruncate("access.log.1"); s.write(100) })
		},
		"a copy beside it": func(s *site) {
			s.write(100)
			s.arrived()
			b, err := os.ReadFile(s.log())
			if err != nil {
				s.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(s.dir, "access.log.copy"), b, 0o600); err != nil {
				s.t.Fatal(err)
			}
			s.write(10)
		},
		"a line in two writes": func(s *site) {
			s.append("half a ")
			s.write(20)
			s.restart()
			s.append("another ")
			s.restart()
			s.write(20)
		},
		"unterminated last line of a rotated file": func(s *site) {
			s.write(100)
			s.arrived()
			s.append("not terminated")
			s.rename("access.log.1")
			s.write(10)
			s.arrived()
			s.wrote++ // it is a line when nobody has written to the file for a while
			s.clock.move(3 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.run()
			steps(s)
			s.arrived()
			s.restart() // nothing comes twice
			s.write(7)
			s.arrived()
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// stopped does something while no shipper runs.
func (s *site) stopped(do func()) {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Fatal(err)
	}
	do()
	s.run()
}

// The process dies at random messages, which the broker has or has not; in the end every line has
// arrived once.
func TestNothingIsLostOrCountedTwice(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 0))
			s := newSite(t)
			s.rows = 1 + rnd.IntN(80)
			for s.wrote < 1000 {
				s.write(1 + rnd.IntN(400))
				dies := s.broker.sent + 1 + rnd.IntN(20)
				s.broker.fault = func(n int) (bool, error) {
					switch {
					case n >= dies:
						return rnd.IntN(2) == 0, errCrash
					case rnd.IntN(4) == 0:
						return rnd.IntN(2) == 0, &throng.Retryable{Err: errors.New("broker restarts")}
					}
					return true, nil
				}
				err := s.shipper(ingest.ShipOptions{Once: true}).Run(context.Background())
				if err != nil && !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}
			s.broker.fault = nil
			if err := s.shipper(ingest.ShipOptions{Once: true}).Run(context.Background()); err != nil {
				t.Fatal(err)
			}
			s.arrived()
		})
	}
}

func TestStreamIsReadToItsEnd(t *testing.T) {
	s := newSite(t)
	s.write(1234)
	s.append("unterminated")
	s.wrote++
	f, err := os.Open(s.log())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sh := s.shipper(ingest.ShipOptions{Feeds: []ingest.Feed{{Name: "stdin", Site: "www", Stream: io.Reader(f)}}})
	if err := sh.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.arrived()
	if p := sh.Progress(); p.Lines != uint64(s.wrote) || p.Acked != p.Lines || p.Rejected != uint64(s.wrote/10+1) {
		t.Errorf("progress %+v after %d lines", p, s.wrote)
	}
}

func TestRefusedLinesAreNotedWithoutTheirText(t *testing.T) {
	s := newSite(t)
	s.append("a line with secret-words in it\n")
	if err := s.shipper(ingest.ShipOptions{Once: true}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(s.dir, "quarantine", throng.DayOf(start).String()+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"position":0,"reason":"`) || strings.Contains(string(b), "secret") {
		t.Errorf("noted as %s", b)
	}
}
