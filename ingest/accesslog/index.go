package accesslog

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Most values are shorter than what [bytes.IndexByte] costs to call, so their ends are looked for in
// words of eight bytes, the first byte of which is the least significant.

const (
	everyByte = 0x0101010101010101 // times a byte, that byte in every place
	high      = everyByte << 7
)

// indexNear is bytes.IndexByte for a c that is probably among the first 16 bytes.
func indexNear(b []byte, c byte) int {
	if len(b) < 16 {
		return bytes.IndexByte(b, c)
	}
	if n := indexInWord(binary.LittleEndian.Uint64(b), c); n < 8 {
		return n
	}
	if n := indexInWord(binary.LittleEndian.Uint64(b[8:]), c); n < 8 {
		return n + 8
	}
	n := bytes.IndexByte(b[16:], c)
	if n >= 0 {
		n += 16
	}
	return n
}

// indexInWord finds the first byte c; 8 is none.
func indexInWord(w uint64, c byte) int {
	w ^= everyByte * uint64(c) // what is looked for becomes 0, and the lowest 0 is found exactly
	return bits.TrailingZeros64((w-everyByte)&^w&high) / 8
}

// indexNth finds the n-th c; -1 is none.
func indexNth(b []byte, c byte, n int) int {
	i := 0
	for ; len(b)-i >= 8; i += 8 {
		w := allInWord(binary.LittleEndian.Uint64(b[i:]), c)
		if found := bits.OnesCount64(w); found < n {
			n -= found
			continue
		}
		for ; n > 1; n-- {
			w &= w - 1
		}
		return i + bits.TrailingZeros64(w)/8
	}
	for ; i < len(b); i++ {
		if b[i] == c {
			if n--; n == 0 {
				return i
			}
		}
	}
	return -1
}

// allInWord leaves the highest bit of each byte that is c.
func allInWord(w uint64, c byte) uint64 {
	w ^= everyByte * uint64(c)
	return ^((w&^high + ^uint64(high)) | w | ^uint64(high))
}

// copyNear copies what stands before the first c, or all of b, and tells its length. dst has room for b; what
// is behind the copy in it may be overwritten.
func copyNear(dst, b []byte, c byte) (n int) {
	for len(b)-n >= 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		binary.LittleEndian.PutUint64(dst[n:], w)
		if d := indexInWord(w, c); d < 8 {
			return n + d
		}
		n += 8
	}
	for n < len(b) && b[n] != c {
		dst[n] = b[n]
		n++
	}
	return n
}

// leadingDigits is the number of decimal digits at the start of b.
func leadingDigits(b []byte) (n int) {
	for len(b)-n >= 8 {
		d := bits.TrailingZeros32(nonDigits(binary.LittleEndian.Uint64(b[n:])) | 1<<8)
		if n += d; d < 8 {
			return n
		}
	}
	for n < len(b) && b[n]-'0' <= 9 {
		n++
	}
	return n
}

// leadingNumber is the number of decimal digits, points and minuses (and slashes) at the start of b.
func leadingNumber(b []byte) (n int) {
	for len(b)-n >= 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		in := ((w | high) - everyByte*'-') &^ ((w &^ high) + everyByte*(0x7f-'9')) &^ w & high
		d := bits.TrailingZeros64(^in&high) / 8
		if n += d; d < 8 {
			return n
		}
	}
	for n < len(b) && b[n]-'-' <= '9'-'-' {
		n++
	}
	return n
}
