package anonymize

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// matcher finds which of many texts a user agent holds, in one pass: the four bytes at each position
// are looked up in a bitmap, and only those that begin a text are looked up again, by four bytes for
// short texts and by eight for long ones. Few texts share so much that a user agent made of their
// beginnings costs more than one comparison or two at a position.
type matcher struct {
	filter [1 << 12]uint64
	short  map[uint32][]pattern // of less than longPattern bytes
	long   map[uint64][]pattern
}

// pattern is a text of at least minPattern bytes. Of several that are found the lowest rank counts.
type pattern struct {
	text string
	rank int
	// start: only at the beginning of the user agent.
	start bool
	// word: only at the beginning of a word: "sonic" is a bot, a Panasonic is not.
	word bool
}

const (
	minPattern  = 4
	longPattern = 8
	noMatch     = int(^uint(0) >> 1)
)

func newMatcher(patterns []pattern) (*matcher, error) {
	m := &matcher{short: map[uint32][]pattern{}, long: map[uint64][]pattern{}}
	for _, p := range patterns {
		if len(p.text) < minPattern {
			return nil, fmt.Errorf("pattern %q is shorter than %d bytes", p.text, minPattern)
		}
		k := binary.LittleEndian.Uint32([]byte(p.text))
		if len(p.text) < longPattern {
			m.short[k] = append(m.short[k], p)
		} else {
			l := binary.LittleEndian.Uint64([]byte(p.text))
			m.long[l] = append(m.long[l], p)
		}
		word, bit := filterBit(k)
		m.filter[word] |= bit
	}
	return m, nil
}

// must is for tables that are part of the program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func filterBit(k uint32) (word int, bit uint64) {
	h := k * 0x9E3779B1 >> 14 // 18 bits
	return int(h >> 6), 1 << (h & 63)
}

// find is the lowest rank of the texts in ua and the position after the text; noMatch where there is
// none.
func (m *matcher) find(ua []byte) (rank, end int) {
	rank = noMatch
	for i := 0; i+minPattern <= len(ua); i++ {
		k := binary.LittleEndian.Uint32(ua[i:])
		if word, bit := filterBit(k); m.filter[word]&bit == 0 {
			continue
		}
		rank, end = best(m.short[k], ua, i, rank, end)
		if i+longPattern <= len(ua) {
			rank, end = best(m.long[binary.LittleEndian.Uint64(ua[i:])], ua, i, rank, end)
		}
	}
	return rank, end
}

// best is the lowest of rank and those of the patterns at i.
func best(patterns []pattern, ua []byte, i, rank, end int) (int, int) {
	for j := range patterns {
		if p := &patterns[j]; p.rank < rank && p.at(ua, i) {
			rank, end = p.rank, i+len(p.text)
		}
	}
	return rank, end
}

func (p *pattern) at(ua []byte, i int) bool {
	if i > 0 && (p.start || p.word && (isLetter(ua[i-1]) || isDigit(ua[i-1]))) {
		return false
	}
	return bytes.HasPrefix(ua[i:], []byte(p.text))
}
