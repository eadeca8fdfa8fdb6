package keys

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"throng"
)

// Ratchet holds the epoch keys of one machine. It is safe for concurrent use.
//
// It does not advance by itself: its owner calls Advance at start, which [Open] does, and then at
// least once an hour. Between calls it refuses a key whose time is over, but the key is in the file.
type Ratchet struct {
	clock      throng.Clock
	generation atomic.Uint64

	mu    sync.RWMutex // guards what follows
	state state
	file  *file // nil for a ratchet in memory
	// closed: the keys were forgotten, and all zeros would pass for one.
	closed bool
}

// Init creates the state file at path with a fresh random key. It refuses to overwrite: where the
// file exists, the error matches [io/fs.ErrExist].
func Init(path string, now time.Time) error {
	s := begin(now)
	if err := create(path, &s); err != nil {
		return fmt.Errorf("create keys: %w", err)
	}
	return nil
}

// Open reads the state file and at once brings it to the clock's time, however long the machine was
// down. Both copies in the file are rewritten, so that a crash in an earlier write leaves nothing
// behind. A missing file is an error that matches [io/fs.ErrNotExist], a damaged one is an error: a
// new key would count every device twice, which the operator has to decide.
func Open(path string, clock throng.Clock) (*Ratchet, error) {
	f, s, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	s.advance(clock.Now())
	if err := f.write(&s); err != nil {
		f.f.Close()
		return nil, fmt.Errorf("open keys: %w", err)
	}
	return &Ratchet{clock: clock, state: s, file: f}, nil
}

// Ephemeral is a ratchet in memory with a random key, for one process that shares tokens with no
// other and does not outlive them.
func Ephemeral(clock throng.Clock) *Ratchet {
	return &Ratchet{clock: clock, state: begin(clock.Now())}
}

// Epoch derives the keys of a span: the current one, the one before it within [Grace], or the next
// one. For all others the error is [ErrNoKey].
func (r *Ratchet) Epoch(span throng.Span) (Epoch, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed || !r.clock.Now().Before(deadline(span.Next())) {
		return Epoch{}, ErrNoKey
	}
	return r.state.epoch(span)
}

// Generation changes whenever a key was erased. Whoever holds an [Epoch] compares it before each use,
// which costs one atomic load.
func (r *Ratchet) Generation() uint64 { return r.generation.Load() }

// Advance brings the keys to time now: it derives the keys of spans that have begun and erases those
// whose time is over. It never goes back. After an error the file may still hold old keys and
// Advance has to be called again; the keys in memory are advanced all the same.
func (r *Ratchet) Advance(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errClosed
	}
	changed := r.state.advance(now)
	if changed {
		r.generation.Add(1)
	}
	if r.file == nil || !changed && !r.file.behind {
		return nil
	}
	r.file.behind = true
	if err := r.file.write(&r.state); err != nil {
		return fmt.Errorf("advance keys: %w", err)
	}
	r.file.behind = false
	return nil
}

// Status says what a ratchet holds; it has no secret.
type Status struct {
	// Current is the span whose key is in force.
	Current throng.Span
	// Previous is whether the key of the span before is still held, and EraseBy when it goes; zero
	// if it is not held.
	Previous bool
	EraseBy  time.Time
	// Next is when the current span ends.
	Next time.Time
}

// Status is what the ratchet holds now.
func (r *Ratchet) Status() Status {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := Status{Current: r.state.current, Previous: r.state.hasPrevious, Next: r.state.current.Last().End()}
	if s.Previous {
		s.EraseBy = deadline(s.Current)
	}
	return s
}

var errClosed = errors.New("advance keys: closed")

// Close closes the file and forgets the keys. Closing twice is no error.
func (r *Ratchet) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	r.state = state{current: r.state.current}
	r.generation.Add(1)
	if r.file == nil {
		return nil
	}
	return r.file.f.Close()
}
