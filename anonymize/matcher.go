package anonymize

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// matcher finds which of many texts a user agent holds, in one pass: the four bytes at each position
// are looked up in a bitmap, and only those that begin a text are compared with it. A flood of user
// agents that were never seen costs about a microsecond each this way, whatever the number of texts.
type matcher struct {
	filter [1 << 12]uint64
	texts  map[uint32][]pattern
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
	minPattern = 4
	noMatch    = int(^uint(0) >> 1)
)

func newMatcher(patterns []pattern) (*matcher, error) {
	m := &matcher{texts: map[uint32][]pattern{}}
	for _, p := range patterns {
		if len(p.text) < minPattern {
			return nil, fmt.Errorf("pattern %q is shorter than %d bytes", p.text, minPattern)
		}
		k := binary.LittleEndian.Uint32([]byte(p.text))
		m.texts[k] = append(m.texts[k], p)
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
		for _, p := range m.texts[k] {
			if p.rank < rank && p.at(ua, i) {
				rank, end = p.rank, i+len(p.text)
			}
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
