package keys

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"throng"
	"throng/internal/durable"
)

// The state file has two slots of one size, a block apart. A new state is written over the second and
// synced, then over the first and synced: a crash leaves at least one whole slot, and no old key
// survives a finished write because nothing is ever written beside it.
//
//	slot: magic 8, sequence 8, span 4, has previous 4, key 32, previous key 32, SHA-256 of these 32
const (
	slotMagic = "THRKEYS1"
	slotBytes = 8 + 8 + 4 + 4 + keyBytes + keyBytes + sha256.Size
	slotApart = 4096
	fileBytes = 2 * slotApart
)

func (s *state) slot(sequence uint64) []byte {
	le := binary.LittleEndian
	b := append(make([]byte, 0, slotBytes), slotMagic...)
	b = le.AppendUint64(b, sequence)
	b = le.AppendUint32(b, uint32(s.current))
	var previous uint32
	if s.hasPrevious {
		previous = 1
	}
	b = le.AppendUint32(b, previous)
	b = append(b, s.key[:]...)
	b = append(b, s.previous[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func parseSlot(b []byte) (s state, sequence uint64, ok bool) {
	le := binary.LittleEndian
	body := b[:slotBytes-sha256.Size]
	sum := sha256.Sum256(body)
	if string(b[:8]) != slotMagic || !bytes.Equal(sum[:], b[len(body):slotBytes]) {
		return state{}, 0, false
	}
	s.current = throng.Span(int32(le.Uint32(b[16:])))
	s.hasPrevious = le.Uint32(b[20:]) == 1
	copy(s.key[:], b[24:])
	copy(s.previous[:], b[24+keyBytes:])
	return s, le.Uint64(b[8:]), throng.SpanOf(s.current.First()) == s.current
}

// create writes a new state file. Where one exists, the error matches [io/fs.ErrExist].
func create(path string, s *state) error {
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	b := make([]byte, fileBytes)
	copy(b, s.slot(1))
	copy(b[slotApart:], s.slot(1))
	return durable.WriteOnce(path, b)
}

// file is an open state file.
type file struct {
	// behind says that a write failed, so that the file may hold keys that were erased in memory.
	behind   bool
	f        *os.File
	sequence uint64
}

// open reads the newest whole slot.
func open(path string) (*file, state, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, state{}, err
	}
	b := make([]byte, fileBytes)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, state{}, errors.Join(fmt.Errorf("read %s: %w", path, err), f.Close())
	}
	s, sequence, ok := parseSlot(b)
	if s2, sequence2, ok2 := parseSlot(b[slotApart:]); ok2 && (!ok || sequence2 > sequence) {
		s, sequence, ok = s2, sequence2, true
	}
	if !ok {
		return nil, state{}, errors.Join(fmt.Errorf("read %s: damaged: neither copy of the keys is whole", path), f.Close())
	}
	return &file{f: f, sequence: sequence}, s, nil
}

// write overwrites both slots.
func (f *file) write(s *state) error {
	slot := s.slot(f.sequence + 1)
	for _, at := range []int64{slotApart, 0} {
		if _, err := f.f.WriteAt(slot, at); err != nil {
			return err
		}
		if err := f.f.Sync(); err != nil {
			return err
		}
	}
	f.sequence++
	return nil
}
