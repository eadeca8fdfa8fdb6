package aggregate_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"throng"
	"throng/aggregate"
)

// broker holds topics of two partitions and counts what is produced to them.
type broker struct {
	topics    map[string]int // partitions by topic
	produced  map[string][]string
	next      map[string]int64
	committed map[string]map[int]int64
	fail      error
}

func newBroker() *broker {
	return &broker{map[string]int{}, map[string][]string{}, map[string]int64{}, map[string]map[int]int64{}, nil}
}

func (b *broker) Topics(context.Context) ([]string, error) {
	var names []string
	for t := range b.topics {
		names = append(names, t)
	}
	return append(names, "other"), b.fail
}

func (b *broker) Partitions(_ context.Context, topic string) ([]int, error) {
	var p []int
	for i := range b.topics[topic] {
		p = append(p, i)
	}
	return p, b.fail
}

func (b *broker) ProduceTo(_ context.Context, topic string, partition int, value []byte) (int64, error) {
	b.produced[topic] = append(b.produced[topic], fmt.Sprintf("%d %s", partition, value))
	b.next[topic]++
	return 100 + b.next[topic], b.fail
}

func (b *broker) Committed(_ context.Context, group, topic string) (map[int]int64, error) {
	if group != "load-"+topic {
		return nil, errors.New("unknown group")
	}
	return b.committed[topic], b.fail
}

func (h *house) tick() (closed []throng.Period, waiting []aggregate.Waiting) {
	h.t.Helper()
	h.store.sort()
	closed, waiting, err := h.Tick(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	return closed, waiting
}

func (h *house) expectWaiting(want ...aggregate.Waiting) {
	h.t.Helper()
	closed, waiting := h.tick()
	for i := range waiting {
		waiting[i].Deadline = time.Time{}
	}
	if len(closed) != 0 || !reflect.DeepEqual(waiting, want) {
		h.t.Fatalf("closed %v, waiting %+v, want %+v", closed, waiting, want)
	}
}

func (h *house) expectClosed(days ...throng.Day) {
	h.t.Helper()
	closed, waiting := h.tick()
	var want []throng.Period
	for _, d := range days {
		want = append(want, d.Period())
	}
	if !slices.Equal(closed, want) {
		h.t.Fatalf("closed %v, waiting %+v, want %v", closed, waiting, days)
	}
}

func TestADayWaitsForItsFeeds(t *testing.T) {
	h := newHouse(t)
	h.options.Feeds = []string{"nginx@web1", "nginx@web2"}
	h.open()
	h.crowd("www", 0, 10, "/a")
	end := today.End()
	behind := func(feeds ...string) aggregate.Waiting {
		return aggregate.Waiting{Day: today, Reason: aggregate.FeedsBehind, Feeds: feeds}
	}

	h.clock.now = end.Add(9 * time.Minute)
	h.store.feeds = map[string]time.Time{"nginx@web1": end.Add(time.Hour), "nginx@web2": end.Add(time.Hour)}
	h.expectWaiting(aggregate.Waiting{Day: today, Reason: aggregate.NotOver})

	h.clock.now = end.Add(10 * time.Minute)
	h.store.feeds = map[string]time.Time{"nginx@web1": end.Add(10 * time.Minute), "syslog": end}
	h.expectWaiting(behind("nginx@web2", "syslog"))

	h.store.feeds["nginx@web2"] = end.Add(10*time.Minute - time.Second)
	h.store.feeds["syslog"] = end.Add(10 * time.Minute)
	h.expectWaiting(behind("nginx@web2"))

	h.store.feeds["nginx@web2"] = end.Add(10 * time.Minute)
	h.expectClosed(today)
	if m := h.release("www").Complete.MissingSources; len(m) != 0 {
		t.Errorf("missing %v", m)
	}
	h.expectClosed() // nothing is left
}

func TestALateFeedIsNamed(t *testing.T) {
	h := newHouse(t)
	h.options.Feeds = []string{"nginx@web1"}
	h.open()
	h.crowd("www", 0, 10, "/a")
	h.clock.now = today.End().Add(36*time.Hour - time.Second)
	h.expectWaiting(aggregate.Waiting{Day: today, Reason: aggregate.FeedsBehind, Feeds: []string{"nginx@web1"}})
	h.clock.now = today.End().Add(36 * time.Hour)
	h.expectClosed(today)
	if m := h.release("www").Complete.MissingSources; !slices.Equal(m, []string{"nginx@web1"}) {
		t.Errorf("missing %v", m)
	}
}

func TestADayWaitsForItsLoaders(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 10, "/a")
	topic := throng.EventsTopic(today)
	h.broker.topics[topic] = 2
	loading := aggregate.Waiting{Day: today, Reason: aggregate.Loading}

	h.expectWaiting(loading)
	want := []string{"0 closing " + today.String(), "1 closing " + today.String()}
	if got := h.broker.produced[topic]; !slices.Equal(got, want) {
		t.Fatalf("produced %q, want %q", got, want)
	}
	h.expectWaiting(loading)
	h.store.marks[today] = map[int]int64{0: 101}
	h.broker.committed[topic] = map[int]int64{0: 102, 1: 102}
	h.expectWaiting(loading)
	h.store.marks[today][1] = 102
	h.expectWaiting(loading) // the loader has inserted what came before and not committed the marker
	if got := h.broker.produced[topic]; len(got) != 2 {
		t.Fatalf("markers were produced again: %q", got)
	}
	h.broker.committed[topic][1] = 103
	h.expectClosed(today)
}

func TestAfterARestartOnlyMissingMarkersAreProduced(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 10, "/a")
	topic := throng.EventsTopic(today)
	h.broker.topics[topic] = 2
	h.tick()
	h.store.marks[today] = map[int]int64{0: 101}
	h.open()
	h.tick()
	if got := h.broker.produced[topic]; len(got) != 3 || got[2] != "1 closing "+today.String() {
		t.Errorf("produced %q", got)
	}
}

func TestADayWithoutAVisitIsClosedOnce(t *testing.T) {
	h := newHouse(t)
	topic := throng.EventsTopic(today)
	h.broker.topics[topic] = 1
	h.store.marks[today] = map[int]int64{0: 5}
	h.broker.committed[topic] = map[int]int64{0: 6}
	h.expectClosed(today)
	if rows := h.release("www").Rows; len(rows) != 0 {
		t.Errorf("rows %v", rows)
	}
	h.expectClosed()
}

// Late units of a day that was closed are not counted, but neither are they kept.
func TestLateUnitsOfAClosedDayAreDropped(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 10, "/a")
	h.expectClosed(today)
	h.expectClosed()
	h.crowd("www", 0, 10, "/a")
	h.expectClosed(today)
	h.expectClosed()
	if len(h.store.rows) != 0 || len(h.ledger.Entries()) != 3 {
		t.Errorf("%d rows, %d entries", len(h.store.rows[today]), len(h.ledger.Entries()))
	}
}

func TestOneBadDayDoesNotHoldUpTheNext(t *testing.T) {
	h := newHouse(t)
	h.clock.now = (today + 1).End().Add(time.Hour)
	h.crowd("www", 0, 10, "/a")
	h.store.blocks[today+1] = true
	h.store.sort()
	h.store.fail["Units"] = 0 // only today has units to read
	closed, _, err := h.Tick(context.Background())
	if !slices.Equal(closed, []throng.Period{(today + 1).Period()}) || !throng.IsRetryable(err) || !errors.Is(err, errStore) {
		t.Fatalf("closed %v, %v", closed, err)
	}
	delete(h.store.fail, "Units")
	h.expectClosed(today)
}

// Run repeats what may go away, says it once, and stops with its context.
func TestRunRepeatsAndStops(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := houseIn(t, dir)
		h.crowd("www", 0, 10, "/a")
		h.store.sort()
		h.store.fail["Units"] = 0
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		time.Sleep(45 * time.Second)
		synctest.Wait()
		if n := h.store.calls["Cells"]; n != 5 {
			t.Errorf("%d rounds in 45 s", n)
		}
		h.store.mu.Lock()
		delete(h.store.fail, "Units")
		h.store.mu.Unlock()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(h.store.rows) != 0 {
			t.Error("the day was not closed after the store came back")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := strings.Count(h.log.String(), "close failed"); n != 1 {
			t.Errorf("log:\n%s", h.log.String())
		}
	})
}

func TestRunStopsOnAnErrorThatStays(t *testing.T) {
	h := newHouse(t)
	h.broker.fail = errors.New("no such cluster")
	if err := h.Run(context.Background()); !errors.Is(err, h.broker.fail) {
		t.Errorf("run: %v", err)
	}
}

// A day that is not closed is told of before it is lost, and after that is not published as if it had been
// empty.
func TestADayIsOverdueBeforeItIsLost(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 10, "/a")
	h.store.fail["Units"] = 0
	h.clock.now = today.End().Add(35 * time.Hour)
	fails := func() aggregate.Progress {
		t.Helper()
		h.store.sort()
		if _, _, err := h.Tick(context.Background()); !throng.IsRetryable(err) {
			t.Fatal(err)
		}
		return h.Progress()
	}
	if p := fails(); p.Overdue != 0 || p.Failed != 1 || !p.Last.IsZero() {
		t.Errorf("before the lateness limit: %+v", p)
	}
	h.clock.now = today.End().Add(37 * time.Hour)
	if p := fails(); p.Overdue != 1 || !p.Deadline.Equal(today.End().Add(48*time.Hour)) {
		t.Errorf("past the lateness limit: %+v", p)
	}
	h.clock.now = today.End().Add(48 * time.Hour)
	delete(h.store.fail, "Units")
	h.expectWaiting(aggregate.Waiting{Day: today, Reason: aggregate.Lost, Overdue: true})
	if p := h.Progress(); p.Lost != 1 || p.Overdue != 0 || p.Last.IsZero() {
		t.Errorf("lost: %+v", p)
	}
	if _, err := h.CloseDay(context.Background(), today); !errors.Is(err, aggregate.ErrLost) {
		t.Errorf("close: %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(h.dir, "releases", "*", "*", "*")); len(files) != 0 {
		t.Errorf("published %v", files)
	}
}

// What was drawn before a day was lost is published all the same.
func TestADrawnDayIsNotLost(t *testing.T) {
	h := crowded(t)
	blockLink(t, h)
	if _, err := h.CloseDay(context.Background(), today); err == nil {
		t.Fatal("the close did not fail")
	}
	unblockLink(t, h)
	before := h.staged()
	h.clock.now = today.End().Add(50 * time.Hour)
	h.open()
	h.expectClosed(today)
	if !slices.Equal(before, h.file("www")) {
		t.Error("what was staged is not what was published")
	}
}
