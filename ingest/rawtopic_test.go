package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"throng"
	"throng/ingest"
)

// rawTopic is a topic of raw lines in memory. Its group gives all partitions to whoever joined last, and
// refuses the commits of all others, as a broker does.
type rawTopic struct {
	mu         sync.Mutex
	parts      [][]string
	offsets    []int64
	notes      []string
	generation int
	end        context.CancelFunc // of the generation
	fault      func() (keep bool, err error)
}

func newRawTopic(partitions int) *rawTopic {
	r := &rawTopic{parts: make([][]string, partitions), offsets: make([]int64, partitions), notes: make([]string, partitions)}
	for i := range r.offsets {
		r.offsets[i] = -1
	}
	return r
}

func (r *rawTopic) put(partition int, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts[partition] = append(r.parts[partition], value)
}

func (r *rawTopic) share(ctx context.Context, own func(context.Context, ingest.Partition) error) error {
	r.mu.Lock()
	if r.end != nil {
		r.end()
	}
	owned, end := context.WithCancel(context.Background())
	defer end()
	r.generation++
	r.end = end
	generation := r.generation
	r.mu.Unlock()
	var wg sync.WaitGroup
	errs := make(chan error, len(r.parts))
	for id := range r.parts {
		wg.Go(func() { errs <- own(owned, &rawPart{r, id, generation}) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	<-ctx.Done() // without a partition
	return nil
}

type rawPart struct {
	topic      *rawTopic
	id         int
	generation int
}

func (p *rawPart) ID() int { return p.id }

func (p *rawPart) Committed(context.Context) (int64, string, error) {
	p.topic.mu.Lock()
	defer p.topic.mu.Unlock()
	return p.topic.offsets[p.id], p.topic.notes[p.id], nil
}

func (p *rawPart) Commit(_ context.Context, offset int64, note string) error {
	p.topic.mu.Lock()
	defer p.topic.mu.Unlock()
	if len(note) > 4096 {
		return errors.New("the note is too long")
	}
	if p.generation != p.topic.generation {
		return ingest.ErrLost
	}
	keep, err := true, error(nil)
	if p.topic.fault != nil {
		keep, err = p.topic.fault()
	}
	if keep {
		p.topic.offsets[p.id], p.topic.notes[p.id] = offset, note
	}
	return err
}

func (p *rawPart) Fetch(ctx context.Context, offset int64) (ms []throng.Message, end int64, err error) {
	for range 5 {
		p.topic.mu.Lock()
		all := p.topic.parts[p.id]
		end = int64(len(all))
		for i := offset; i < end && i < offset+7; i++ {
			ms = append(ms, throng.Message{Partition: p.id, Offset: i, Value: []byte(all[i])})
		}
		p.topic.mu.Unlock()
		if len(ms) > 0 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, end, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return ms, end, nil
}

// writeRaw puts messages of one line or several, of none, and of more than a block.
func (s *site) writeRaw(r *rawTopic, rnd *rand.Rand, messages int) {
	for range messages {
		n := rnd.IntN(4)
		if rnd.IntN(20) == 0 {
			n = 2 * s.rows
		}
		s.wrote += n
		text := accessLines(n)
		if rnd.IntN(2) == 0 {
			text = strings.TrimSuffix(text, "\n")
		}
		r.put(rnd.IntN(len(r.parts)), text)
	}
}

func (s *site) topicShipper(r *rawTopic) *ingest.Shipper {
	return s.shipper(ingest.ShipOptions{Feeds: []ingest.Feed{{Name: "raw", Site: "www", Format: "combined", Topic: r.share}}})
}

func TestTopicOfRawLines(t *testing.T) {
	s := newSite(t)
	r := newRawTopic(3)
	s.writeRaw(r, rand.New(rand.NewPCG(1, 1)), 300)
	sh := s.topicShipper(r)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sh.Run(ctx) }()
	s.arrived()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for p, note := range r.notes {
		if r.offsets[p] != int64(len(r.parts[p])) || strings.Contains(note, "pieces") {
			t.Errorf("after an orderly stop partition %d of %d messages is committed to %d: %s", p, len(r.parts[p]), r.offsets[p], note)
		}
		if strings.Contains(note, "192.0.2") || strings.Contains(note, "page") {
			t.Errorf("a line is in the note %s", note)
		}
	}
	if p := sh.Progress().Sources[0]; p.Lines != uint64(s.wrote) || p.Lag != 0 {
		t.Errorf("progress %+v", p)
	}
}

// Processes die at random messages and commits, and take partitions from each other while they send;
// each line arrives once.
func TestTopicIsCountedOnce(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 3))
			var mu sync.Mutex // guards rnd in faults
			chance := func(n int) bool { mu.Lock(); defer mu.Unlock(); return rnd.IntN(n) == 0 }
			s := newSite(t)
			s.rows = 1 + rnd.IntN(60)
			r := newRawTopic(1 + rnd.IntN(3))
			r.fault = func() (bool, error) {
				if chance(6) {
					return chance(2), &throng.Retryable{Err: errors.New("coordinator moves")}
				}
				return true, nil
			}
			s.broker.fault = func(int) (bool, error) {
				switch {
				case chance(15):
					return chance(2), errCrash
				case chance(5):
					return chance(2), &throng.Retryable{Err: errors.New("broker restarts")}
				}
				return true, nil
			}
			for range 8 {
				mu.Lock()
				s.writeRaw(r, rnd, 20)
				s.rows = 1 + rnd.IntN(60)
				mu.Unlock()
				var wg sync.WaitGroup
				for range 2 { // the second takes the partitions from the first
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+20*seed%50)*time.Millisecond)
					sh := s.topicShipper(r)
					wg.Go(func() {
						defer cancel()
						if err := sh.Run(ctx); err != nil && !errors.Is(err, errCrash) {
							t.Error(err)
						}
					})
					time.Sleep(2 * time.Millisecond)
				}
				wg.Wait()
			}
			s.broker.fault, r.fault = nil, nil
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			sh := s.topicShipper(r)
			go func() {
				err := sh.Run(ctx)
				if err != nil {
					t.Error(err)
				}
				done <- err
			}()
			s.arrived()
			cancel()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestAnotherProgramsOffsetIsRefused(t *testing.T) {
	for name, note := range map[string]string{"no note of ours": "x", "an offset that was moved": `{"id":"00112233445566778899aabbccddeeff","done":117440512}`} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			r := newRawTopic(1)
			r.offsets[0], r.notes[0] = 5, note
			err := s.topicShipper(r).Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), "group of its own") {
				t.Errorf("error %v", err)
			}
		})
	}
}
