package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/ingest"
	"throng/ingest/block"
)

// accessLines are n lines, the text of which nothing else has.
func accessLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "192.0.2.%d - - [20/Nov/2026:11:00:%02d +0000] \"GET /page/%d HTTP/1.1\" 200 1 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"\n", i%250, i%60, i)
	}
	return b.String()
}

// inboxSite runs a shipper with one feed that is fed by test code. stop ends it in good order.
type inboxSite struct {
	*site
	shipper *ingest.Shipper
	in      *ingest.Inbox
	stop    func() error
}

func startInbox(t *testing.T, s *site) *inboxSite {
	t.Helper()
	given := make(chan *ingest.Inbox)
	feed := ingest.Feed{Name: "push", Site: "www", Format: "combined", MaxAge: time.Millisecond,
		Receive: func(ctx context.Context, in *ingest.Inbox) error {
			given <- in
			<-ctx.Done()
			return nil
		}}
	sh := s.shipper(ingest.ShipOptions{Feeds: []ingest.Feed{feed}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sh.Run(ctx) }()
	return &inboxSite{s, sh, <-given, func() error { cancel(); return <-done }}
}

func TestReceivedLinesAreAcknowledgedOnce(t *testing.T) {
	s := startInbox(t, newSite(t))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				end, err := s.in.Put(t.Context(), []byte(accessLines(30)))
				if err == nil {
					err = s.in.Await(t.Context(), end)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s.wrote = 8 * 10 * 30
	s.arrived()
	if p := s.shipper.Progress().Sources[0]; p.Lines != uint64(s.wrote) || p.Lag != 0 || p.Name != "push" || p.Watermark.IsZero() {
		t.Errorf("progress %+v", p)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// What was taken before the stop is sent, with or without its newline; afterwards nothing is taken.
func TestStopSendsWhatWasReceived(t *testing.T) {
	s := startInbox(t, newSite(t))
	for _, text := range []string{accessLines(700), strings.TrimSuffix(accessLines(1), "\n"), accessLines(5)} {
		if _, err := s.in.Offer([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s.wrote = 706
	s.arrived()
	if _, err := s.in.Offer([]byte("x")); !errors.Is(err, ingest.ErrClosed) {
		t.Errorf("offered afterwards: %v", err)
	}
	if err := s.in.Deliver(t.Context(), "k", []byte("x")); !errors.Is(err, ingest.ErrClosed) {
		t.Errorf("delivered afterwards: %v", err)
	}
}

// While the broker is away an inbox fills up to its bound, says so, and loses nothing.
func TestInboxIsBounded(t *testing.T) {
	s := newSite(t)
	s.rows = 2000 // few blocks: how many there are is not the matter here
	away := make(chan struct{})
	s.broker.fault = func(int) (bool, error) { <-away; return true, nil }
	in := startInbox(t, s)
	text := []byte(accessLines(2000))
	for sent := 0; ; sent += len(text) {
		_, err := in.in.Offer(text)
		if errors.Is(err, ingest.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		s.wrote += 2000
		if sent > 200<<20 {
			t.Fatal("200 MiB were taken while the broker was away")
		}
	}
	for full := false; !full; { // what is behind it can take a little more
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := in.in.Put(ctx, text)
		cancel()
		switch full = errors.Is(err, context.DeadlineExceeded); {
		case err == nil:
			s.wrote += 2000
		case !full:
			t.Fatal(err)
		}
	}
	close(away)
	s.arrived()
	if err := in.stop(); err != nil {
		t.Fatal(err)
	}
}

// A delivery that is repeated, in this process or after a crash at whatever message, is one; other lines
// under its key are another.
func TestDeliveryIsCountedOnce(t *testing.T) {
	for crash := range 6 {
		t.Run(fmt.Sprint("crash at message ", crash+1), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			body := []byte(accessLines(500) + strings.ReplaceAll(accessLines(40), "20/Nov", "19/Nov"))
			s.broker.fault = func(n int) (bool, error) {
				if n > crash {
					return n%2 == 0, errCrash
				}
				return true, nil
			}
			first := startInbox(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			_ = first.in.Deliver(ctx, "key", body) // acknowledged or not
			if err := first.stop(); err != nil && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			s.broker.fault = nil
			s.rows = 77 // limits that were changed meanwhile cut nothing else
			second := startInbox(t, s)
			for range 3 {
				if err := second.in.Deliver(t.Context(), "key", body); err != nil {
					t.Fatal(err)
				}
			}
			s.wrote = 540
			s.arrived()
			for _, other := range []func() error{
				func() error { return second.in.Deliver(t.Context(), "key", body[:len(body)-1]) },
				func() error { return second.in.Deliver(t.Context(), "another key", body) },
			} {
				if err := other(); err != nil {
					t.Fatal(err)
				}
				s.wrote += 540
				s.arrived()
			}
			if err := second.stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A delivery's identity tells nobody without the key of the machine which lines it was made from.
func TestIdentityOfADeliveryIsKeyed(t *testing.T) {
	var ids []throng.SourceID
	for range 2 {
		s := newSite(t)
		in := startInbox(t, s)
		if err := in.in.Deliver(t.Context(), "key", []byte(accessLines(3))); err != nil {
			t.Fatal(err)
		}
		if err := in.stop(); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.broker.source(t))
	}
	if ids[0] == ids[1] {
		t.Error("two machines gave the same lines the same identity")
	}
}

// source is the source of the blocks with rows, which has to be one.
func (b *broker) source(t *testing.T) (id throng.SourceID) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, msgs := range b.topics {
		for _, msg := range msgs {
			_, h, _, err := block.Parse(msg)
			if err != nil {
				t.Fatal(err)
			}
			if h.Rows > 0 {
				id = h.Source
			}
		}
	}
	return id
}
