package ingest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"throng/ingest"
	"throng/ingest/block"
)

// kinds counts, of the lines that all blocks stand for, those that became events and those that were
// refused.
func (b *broker) kinds(t *testing.T) (events, refused int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, msgs := range b.topics {
		for _, msg := range msgs {
			_, h, _, err := block.Parse(msg)
			if err != nil {
				t.Fatal(err)
			}
			events += int(h.Rows)
			refused += int(h.Rejected)
		}
	}
	return events, refused
}

// A file can be truncated and filled again, beyond where it was read to, between the look at it and
// the reading of what was seen: while the broker is away, for as long as it is away.
func TestFileIsTruncatedAndFilledAgainWhileTheBrokerIsAway(t *testing.T) {
	s := newSite(t)
	away := make(chan struct{})
	reached := make(chan struct{}, 1)
	s.broker.fault = func(int) (bool, error) {
		select {
		case reached <- struct{}{}:
		default:
		}
		<-away
		return true, nil
	}
	const events, refused = 3000, 9000
	s.append(strings.Repeat(`192.0.2.7 - - [20/Nov/2026:11:00:00 +0000] "GET /page HTTP/1.1" 200 1 "-" "Mozilla/5.0"`+"\n", events))
	s.run()
	defer s.stop()
	<-reached
	s.copytruncate("access.log.1")
	s.append(strings.Repeat("this is the next generation, and none of its lines is that of an access log; the whole is longer\n", refused))
	s.wrote = events + refused
	close(away)
	s.arrived()
	if e, r := s.broker.kinds(t); e != events || r != refused {
		t.Errorf("%d events and %d refused lines arrived, %d and %d were written", e, r, events, refused)
	}
}

// All feeds of a machine know their files by one key, from the first start on.
func TestFeedsThatStartTogetherKnowTheirFilesAgain(t *testing.T) {
	for range 20 {
		s := newSite(t)
		s.write(30)
		var feeds []ingest.Feed
		for _, name := range []string{"a", "b", "c", "d"} {
			feeds = append(feeds, ingest.Feed{Name: name, Site: "www", Format: "combined", Globs: []string{filepath.Join(s.dir, "access.log")}})
		}
		for run := range 2 {
			sh := s.shipper(ingest.ShipOptions{Feeds: feeds, Once: true})
			if err := sh.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if want := uint64(30 * len(feeds) * (1 - run)); sh.Tally().Lines != want {
				t.Fatalf("run %d read %d lines, want %d", run+1, sh.Tally().Lines, want)
			}
		}
	}
}
