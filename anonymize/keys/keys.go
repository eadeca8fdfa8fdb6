// Package keys is the epoch-key ratchet: the secrets under which unit tokens and cell ids are made.
//
// One key is in force for each span (see [throng.Span]). The key of the next span is derived from the
// current one by HMAC-SHA-256, one way; then the current one is overwritten. The package guarantees
// that the state, in memory and in its file, holds the keys of the current span and of at most the
// one before it, and the latter only until 48 hours after that span's last day (method section 3), at
// start too if the machine was down. So nobody who gets hold of a later state can recover the key
// of a span that is over, test a guessed address against its tokens, or link them to today's.
//
// It does not guarantee that no copy exists elsewhere. The file is overwritten in place, on the same
// blocks; a file system that copies on write, a device that remaps, a snapshot or a backup can keep
// old bytes. An exported state is a copy on purpose: it carries an expiry, and whoever exports it
// must see to its end.
package keys

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"throng"
)

// Grace is how long after its last day a span's key is kept: the ceiling of the time within which a
// day is closed.
const Grace = 48 * time.Hour

// ErrNoKey says that there is no key for a span: it is over and its key was erased, or it is further
// ahead than the next span.
var ErrNoKey = errors.New("no key for this span")

// SipKey is a key of SipHash.
type SipKey struct{ K0, K1 uint64 }

// Epoch is what is derived from a span's key, one key for each use. It must be dropped when
// [Ratchet.Generation] changes.
type Epoch struct {
	// Unit keys unit tokens, Cell cell ids. Sample keys the choice of a device's contributions.
	Unit, Cell, Sample SipKey
}

const keyBytes = 32

type key [keyBytes]byte

// state is all that a ratchet holds.
type state struct {
	current     throng.Span
	key         key
	previous    key // of the span before current
	hasPrevious bool
}

func newKey() (k key) {
	rand.Read(k[:]) // never fails: it ends the program where the system has no randomness
	return k
}

// derive is HMAC-SHA-256 of a label and a span under k.
func (k *key) derive(label string, s throng.Span) (out key) {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte("throng/" + label + "\x00"))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(s)))
	h.Sum(out[:0])
	return out
}

func (k *key) epoch(s throng.Span) Epoch {
	sip := func(label string) SipKey {
		d := k.derive(label, s)
		return SipKey{binary.LittleEndian.Uint64(d[:]), binary.LittleEndian.Uint64(d[8:])}
	}
	return Epoch{Unit: sip("unit"), Cell: sip("cell"), Sample: sip("sample")}
}

// begin is a fresh state at time now. It starts with the span before where that span's days may
// still be open, so that the first lines that are read have a key.
func begin(now time.Time) state {
	s := state{current: throng.SpanOf(throng.DayOf(now.Add(-Grace))), key: newKey()}
	s.advance(now)
	return s
}

// step replaces the current key by the next span's and keeps it as the previous one.
func (s *state) step() {
	next := s.current.Next()
	s.previous, s.hasPrevious = s.key, true
	s.key = s.key.derive("next", next)
	s.current = next
}

// advance brings the state to time now and tells whether it changed. It never goes back.
func (s *state) advance(now time.Time) (changed bool) {
	for target := throng.SpanOf(throng.DayOf(now)); s.current < target; {
		s.step()
		changed = true
	}
	if s.hasPrevious && !now.Before(deadline(s.current)) {
		s.previous, s.hasPrevious = key{}, false
		changed = true
	}
	return changed
}

// deadline is when the key of the span before s must be gone.
func deadline(s throng.Span) time.Time { return s.First().Start().Add(Grace) }

func (s *state) epoch(span throng.Span) (Epoch, error) {
	switch {
	case span == s.current:
		return s.key.epoch(span), nil
	case s.hasPrevious && span.Next() == s.current:
		return s.previous.epoch(span), nil
	case span == s.current.Next(): // a clock that is ahead of ours
		next := s.key.derive("next", span)
		return next.epoch(span), nil
	}
	return Epoch{}, ErrNoKey
}
