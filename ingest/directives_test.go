package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng/ingest"
	"throng/ingest/block"
)

// columns are three sets of fields of which no line of one can be read as one of another.
var columns = []struct{ fields, line string }{
	{"date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent)", "2026-11-20 11:00:00 192.0.2.7 GET /page/%d 200 Mozilla/5.0"},
	{"sc-status cs-uri-stem cs-method c-ip date time", "200 /page/%d GET 192.0.2.7 2026-11-20 11:00:00"},
	{"time c-ip cs-method cs-uri-stem sc-status", "11:00:00 192.0.2.7 GET /page/%d 200"},
}

// writeW3C appends n lines of a W3C log, the first after its directives. The fields change often.
func (s *site) writeW3C(n int, rnd *rand.Rand) {
	s.t.Helper()
	var text strings.Builder
	c := columns[0]
	for i := range n {
		if i == 0 || rnd.IntN(40) == 0 {
			c = columns[rnd.IntN(len(columns))]
			fmt.Fprintf(&text, "#Software: a server\n#Version: 1.0\n#Date: 2026-11-20 11:00:00\n#Fields: %s\n", c.fields)
		}
		s.wrote++
		fmt.Fprintf(&text, c.line+"\n", s.wrote)
	}
	s.append(text.String())
}

// noneRefused checks that every line was read as its directives say.
func (s *site) noneRefused() {
	s.t.Helper()
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	for _, msgs := range s.broker.topics {
		for key, msg := range msgs {
			if _, h, _, err := block.Parse(msg); err != nil || h.Rejected > 0 {
				s.t.Errorf("block %s: %d lines refused, %v", key, h.Rejected, err)
			}
		}
	}
}

// sameBlocks is a broker that fails the test when a block comes again with other events.
type sameBlocks struct {
	*broker
	t      *testing.T
	events map[string][]byte
}

func (b sameBlocks) Produce(ctx context.Context, topic string, key, value []byte) error {
	_, _, native, err := block.Parse(value)
	if err != nil {
		return err
	}
	b.mu.Lock()
	before, again := b.events[string(key)]
	b.events[string(key)] = bytes.Clone(native)
	b.mu.Unlock()
	if again && !bytes.Equal(before, native) {
		b.t.Errorf("block %s came again with other events", key)
	}
	return b.broker.Produce(ctx, topic, key, value)
}

// A range in the middle of a W3C log is read as the directives before it say, after a crash too.
func TestDirectivesHoldForTheLinesAfterThem(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 1))
			s := newSite(t)
			s.rows = 1 + rnd.IntN(80)
			same := sameBlocks{s.broker, t, map[string][]byte{}}
			feed := ingest.Feed{Name: "web", Site: "www", Format: []string{"auto", "w3c"}[rnd.IntN(2)], Globs: []string{s.log()}}
			ship := func() error {
				o := ingest.ShipOptions{Once: true, Feeds: []ingest.Feed{feed}, Workers: 2, Broker: same}
				return s.shipper(o).Run(context.Background())
			}
			for s.wrote < 1000 {
				s.writeW3C(1+rnd.IntN(400), rnd)
				dies := s.broker.sent + 1 + rnd.IntN(20)
				s.broker.fault = func(n int) (bool, error) {
					if n >= dies {
						return rnd.IntN(2) == 0, errCrash
					}
					return true, nil
				}
				if err := ship(); err != nil && !errors.Is(err, errCrash) {
					t.Fatal(err)
				}
			}
			s.broker.fault = nil
			if err := ship(); err != nil {
				t.Fatal(err)
			}
			s.arrived()
			s.noneRefused()
		})
	}
}

func TestDirectivesHoldInStreams(t *testing.T) {
	s := newSite(t)
	s.writeW3C(3000, rand.New(rand.NewPCG(1, 1)))
	f, err := os.Open(s.log())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// A pipe gives it in small pieces, which become ranges of their own.
	r, w := io.Pipe()
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{f}, make([]byte, 777))
		w.CloseWithError(err)
	}()
	if err := s.shipper(ingest.ShipOptions{Feeds: []ingest.Feed{{Name: "stdin", Site: "www", Stream: r}}}).Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.arrived()
	s.noneRefused()
}

// W3C logs begin alike: the first line of another day's is no sign that it is the same log.
func TestLogsWithTheSameDirectivesAreToldApart(t *testing.T) {
	s := newSite(t)
	ship := func() {
		t.Helper()
		o := ingest.ShipOptions{Once: true, Feeds: []ingest.Feed{{Name: "web", Site: "www", Globs: []string{filepath.Join(s.dir, "*.log")}}}}
		if err := s.shipper(o).Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	const directives = "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
	for day := range 4 {
		s.append(directives)
		ship() // nothing but directives: no log yet
		s.append(fmt.Sprintf("2026-11-20 11:00:0%d 192.0.2.7 GET /page 200\n", day))
		s.wrote++
		ship()
		s.arrived()
		s.rename(fmt.Sprint(day, ".log"))
	}
	s.noneRefused()
}
