package ingest_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/ingest"
	"throng/ingest/block"
)

// once ships what is in the log, as one process.
func (s *site) once(format string) {
	s.t.Helper()
	sh := s.shipper(ingest.ShipOptions{Once: true, Feeds: []ingest.Feed{{Name: "web", Site: "www", Format: format, Globs: s.patterns()}}})
	if err := sh.Run(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// blocks are the headers of what the broker has.
func (b *broker) blocks(t *testing.T) (all []throng.BlockHeader) {
	t.Helper()
	for _, msgs := range b.topics {
		for _, msg := range msgs {
			_, h, _, err := block.Parse(msg)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, h)
		}
	}
	return all
}

func (b *broker) rows(t *testing.T) (n int) {
	t.Helper()
	for _, h := range b.blocks(t) {
		n += int(h.Rows)
	}
	return n
}

func (s *site) rereader(format string) *ingest.Rereader {
	return &ingest.Rereader{
		Dir: filepath.Join(s.dir, "ship"), Quarantine: filepath.Join(s.dir, "quarantine"), Clock: s.clock, Lateness: 36 * time.Hour,
		Feeds: []ingest.Feed{{Name: "web", Site: "www", Format: format, Globs: s.patterns()}}, Closed: func(throng.Day) bool { return false },
	}
}

func (s *site) redrive(r *ingest.Redrive) error {
	return r.Run(s.t.Context(), func(f ingest.Feed) (*ingest.Shipper, error) {
		return s.shipper(ingest.ShipOptions{Feeds: []ingest.Feed{f}}), nil
	})
}

// objects appends lines of JSON, which the combined format refuses.
func (s *site) objects(n int) {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"time":"2026-11-20T11:00:00Z","remote_addr":"192.0.2.%d","request":"GET /o/%d HTTP/1.1","status":200,"bytes":1}`+"\n", i%250, i)
	}
	s.append(text.String())
	s.wrote += n
}

func refused(t *testing.T, r *ingest.Rereader, want ingest.Outcome, lines int) *ingest.Redrive {
	t.Helper()
	got, err := r.Redrive()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, x := range got.Refusals {
		if x.Outcome == want && x.Feed == "web" {
			n += x.Lines
		}
	}
	if n != lines {
		t.Fatalf("%d lines are %s, want %d: %+v", n, want, lines, got.Refusals)
	}
	return got
}

func TestRefusedLinesAreCountedAfterTheFormatIsMended(t *testing.T) {
	s := newSite(t)
	s.write(20) // of which two are junk
	s.objects(2500)
	s.once("combined")
	if n := s.broker.rows(t); n != 18 {
		t.Fatalf("%d rows, want 18", n)
	}
	refused(t, s.rereader("combined"), ingest.Unreadable, 2502)
	r := refused(t, s.rereader("json"), ingest.Readable, 2500)
	if r.Lines() != 2500 {
		t.Fatalf("%d lines are to be delivered", r.Lines())
	}
	if err := s.redrive(r); err != nil {
		t.Fatal(err)
	}
	if n := s.broker.rows(t); n != 18+2500 {
		t.Errorf("%d rows, want %d", n, 18+2500)
	}
	for _, h := range s.broker.blocks(t) {
		if h.Rows > 50 && !h.Watermark.IsZero() {
			t.Error("lines of the past say how far the source has been read")
		}
	}
	r = refused(t, s.rereader("json"), ingest.Unreadable, 2)
	if r.Lines() != 0 {
		t.Errorf("%d lines are to be delivered again", r.Lines())
	}
}

// Lines that read alike are lines of their own where they stand at other positions.
func TestEqualLinesOfTwoRedrivesAreCountedBoth(t *testing.T) {
	s := newSite(t)
	for round := 1; round <= 2; round++ {
		s.objects(5) // the same five
		s.once("combined")
		if err := s.redrive(refused(t, s.rereader("json"), ingest.Readable, 5)); err != nil {
			t.Fatal(err)
		}
		if n := s.broker.rows(t); n != 5*round {
			t.Fatalf("%d rows after redrive %d, want %d", n, round, 5*round)
		}
	}
}

// A redrive that dies anywhere is finished by the next, even where the configuration says otherwise by then.
func TestARedriveThatWasKilledCountsEachLineOnce(t *testing.T) {
	for died := 1; died <= 3; died++ {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprintf("message %d, kept %t", died, kept), func(t *testing.T) {
				s := newSite(t)
				s.objects(2500) // three batches
				s.once("combined")
				sent := s.broker.sent
				s.broker.fault = func(n int) (bool, error) {
					if n == sent+died {
						return kept, errCrash
					}
					return true, nil
				}
				if err := s.redrive(refused(t, s.rereader("json"), ingest.Readable, 2500)); !errors.Is(err, errCrash) {
					t.Fatalf("got %v", err)
				}
				r, err := s.rereader("json").Redrive()
				if err != nil || !r.Pending || r.Lines() != 2500 {
					t.Fatalf("pending %t, %d lines, %v", r.Pending, r.Lines(), err)
				}
				if err := s.redrive(r); err != nil {
					t.Fatal(err)
				}
				if n := s.broker.rows(t); n != 2500 {
					t.Errorf("%d rows, want 2500", n)
				}
			})
		}
	}
}

func TestWhatCannotBeRedriven(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site, *ingest.Rereader)
		want   ingest.Outcome
	}{
		"the day is closed":         {func(_ *site, r *ingest.Rereader) { r.Closed = func(throng.Day) bool { return true } }, ingest.DayClosed},
		"the day is long over":      {func(s *site, _ *ingest.Rereader) { s.clock.move(100 * time.Hour) }, ingest.DayClosed},
		"the file is gone":          {func(s *site, _ *ingest.Rereader) { os.Remove(s.log()) }, ingest.FileGone},
		"the source is not of file": {func(_ *site, r *ingest.Rereader) { r.Feeds = nil }, ingest.NotOfAFile},
		"the file was rotated":      {func(s *site, _ *ingest.Rereader) { s.rename("access.log.1") }, ingest.Readable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.objects(5)
			s.once("combined")
			r := s.rereader("json")
			c.change(s, r)
			refused(t, r, c.want, 5)
		})
	}
}

// A W3C log's lines are read as the directives before them say, wherever these stand, and in a compressed file too.
func TestLinesBehindDirectivesAreRedriven(t *testing.T) {
	for _, suffix := range []string{"", ".gz", ".zst"} {
		t.Run("access.log.1"+suffix, func(t *testing.T) {
			s := newSite(t)
			for seed := range uint64(3) {
				s.writeW3C(400, rand.New(rand.NewPCG(seed, 3))) // under three sets of fields, in turns
			}
			s.once("combined")
			if n := s.broker.rows(t); n != 0 {
				t.Fatalf("%d rows of a log in another format", n)
			}
			s.rename("access.log.1")
			if suffix != "" {
				s.pack("access.log.1", suffix)
			}
			s.broker.topics = nil
			r := refused(t, s.rereader("w3c"), ingest.Readable, 1200)
			if err := s.redrive(r); err != nil {
				t.Fatal(err)
			}
			if n := s.broker.rows(t); n != 1200 {
				t.Errorf("%d rows, want 1200", n)
			}
			s.noneRefused()
			if r, err := s.rereader("w3c").Redrive(); err != nil || r.Lines() != 0 {
				t.Errorf("%d lines are to be delivered again, %v", r.Lines(), err)
			}
		})
	}
}

// midnight appends n lines, of the days before and after midnight in turns, as a busy server's end of requests has them.
func (s *site) midnight(n int) {
	var text strings.Builder
	for i := range n {
		at := start.Truncate(24 * time.Hour).Add(24*time.Hour + time.Duration(i%2*2-1)*time.Second)
		fmt.Fprintf(&text, "192.0.2.7 - - [%s] \"GET /m/%d HTTP/1.1\" 200 1 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n", at.Format("02/Jan/2006:15:04:05 -0700"), i)
	}
	s.append(text.String())
	s.wrote += n
}

// lose takes blocks away from the broker, as if it had lost them before they were loaded.
func (b *broker) lose(t *testing.T, lost func(throng.BlockHeader) bool) (blocks int) {
	t.Helper()
	for _, msgs := range b.topics {
		for key, msg := range msgs {
			if _, h, _, err := block.Parse(msg); err != nil {
				t.Fatal(err)
			} else if lost(h) {
				delete(msgs, key)
				blocks++
			}
		}
	}
	return blocks
}

// Of a range that makes a block of each of two days, the block that was lost is made again, and no other.
func TestAReplayBringsBackOneDayOfARange(t *testing.T) {
	for _, suffix := range []string{"", ".gz"} {
		for _, died := range []int{0, 2} {
			t.Run(fmt.Sprintf("packed %q, died at %d", suffix, died), func(t *testing.T) {
				s, draw := newSite(t), rand.New(rand.NewPCG(7, 1))
				s.clock.move(24 * time.Hour)
				s.write(100)
				s.midnight(600)
				s.write(100) // so that other ranges lie around
				s.once("combined")
				want := s.broker.rows(t)
				second := throng.DayOf(start) + 1
				lost := s.broker.lose(t, func(h throng.BlockHeader) bool { return h.Day == second && draw.IntN(2) == 0 })
				missing := want - s.broker.rows(t)
				if lost < 2 || missing == 0 {
					t.Fatalf("%d blocks are lost, with %d rows", lost, missing)
				}
				if suffix != "" {
					s.pack("access.log", suffix)
				}
				r, err := s.rereader("combined").Replay("web", s.broker.blocks(t), 0, 1<<30)
				if err != nil || int(r.Lines()) != missing || r.Days[1].Day != second || int(r.Days[1].Missing) != missing {
					t.Fatalf("%d rows lost, found %+v, %v", missing, r, err)
				}
				if err := r.Reopen(); err != nil {
					t.Fatal(err)
				}
				if again, err := s.rereader("combined").Replay("web", s.broker.blocks(t), 0, 1<<30); err != nil || again.Lines() != 0 {
					t.Fatalf("what is reopened is found again: %+v, %v", again, err)
				}
				kept := maps.Clone(s.broker.topics[throng.EventsTopic(second-1)])
				if died > 0 {
					sent := s.broker.sent
					s.broker.fault = func(n int) (bool, error) {
						if n == sent+died {
							return true, errCrash
						}
						return true, nil
					}
					if err := s.shipper(ingest.ShipOptions{Once: true, Feeds: []ingest.Feed{{Name: "web", Site: "www", Format: "combined", Globs: s.patterns()}}}).Run(t.Context()); !errors.Is(err, errCrash) {
						t.Fatal(err)
					}
				}
				s.once("combined")
				if n := s.broker.rows(t); n != want {
					t.Errorf("%d rows after the replay, want %d", n, want)
				}
				for key, msg := range kept {
					if now := s.broker.topics[throng.EventsTopic(second-1)][key]; &now[0] != &msg[0] {
						t.Errorf("block %s, which was not lost, was sent again", key)
					}
				}
			})
		}
	}
}

// Whatever blocks are lost before they are loaded, a replay brings back their lines and no others.
func TestAReplayCountsWhatIsMissingOnce(t *testing.T) {
	for seed := range uint64(5) {
		s, draw := newSite(t), rand.New(rand.NewPCG(seed, 1))
		s.write(600)
		s.once("combined")
		want := s.broker.rows(t)
		for _, msgs := range s.broker.topics {
			for key := range msgs {
				if draw.IntN(3) == 0 {
					delete(msgs, key)
				}
			}
		}
		lost := want - s.broker.rows(t)
		r, err := s.rereader("combined").Replay("web", s.broker.blocks(t), 0, 1<<30)
		if err != nil || len(r.Days) != 1 || int(r.Days[0].Missing) != lost || int(r.Days[0].Stored) != want-lost || int(r.Lines()) != lost {
			t.Fatalf("seed %d: %d rows lost, found %+v, %v", seed, lost, r, err)
		}
		if n := s.broker.rows(t); n != want-lost {
			t.Fatalf("the comparison has sent something: %d rows", n)
		}
		if err := r.Reopen(); err != nil {
			t.Fatal(err)
		}
		s.write(50)
		s.once("combined")
		if n := s.broker.rows(t); n != want+45 {
			t.Errorf("seed %d: %d rows after the replay, want %d", seed, n, want+45)
		}
		r, err = s.rereader("combined").Replay("web", s.broker.blocks(t), 0, 1<<30)
		if err != nil || r.Lines() != 0 {
			t.Errorf("seed %d: %d lines are missing after the replay, %v", seed, r.Lines(), err)
		}
	}
}

func TestAReplayLeavesClosedAndOtherDays(t *testing.T) {
	s := newSite(t)
	s.write(100)
	s.once("combined")
	day := throng.DayOf(start)
	r := s.rereader("combined")
	r.Closed = func(d throng.Day) bool { return d == day }
	got, err := r.Replay("web", nil, 0, 1<<30)
	if err != nil || got.Lines() != 0 || len(got.Days) != 1 || !got.Days[0].Closed || got.Days[0].Missing != 90 {
		t.Errorf("a closed day: %+v, %v", got, err)
	}
	got, err = s.rereader("combined").Replay("web", nil, day+1, day+2)
	if err != nil || got.Lines() != 0 || len(got.Days) != 0 {
		t.Errorf("another day: %+v, %v", got, err)
	}
	if _, err := s.rereader("combined").Replay("other", nil, day, day); err == nil || !strings.Contains(err.Error(), "only a file can be read again") {
		t.Errorf("an unknown source: %v", err)
	}
	if err := os.Remove(s.log()); err != nil {
		t.Fatal(err)
	}
	got, err = s.rereader("combined").Replay("web", nil, day, day)
	if err != nil || got.Files[ingest.FileGone] != 1 {
		t.Errorf("without its file: %+v, %v", got, err)
	}
}
