package accesslog

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// parseAddress reads an address as servers write it: IPv4, IPv6 (RFC 4291 section 2.2), either with
// a port, IPv6 with a zone id, which is dropped. All else (a host name, "unknown", the path of a Unix
// socket) gives the invalid address.
func parseAddress(b []byte) netip.Addr {
	a4, n := leadingIPv4(b)
	if n > 0 && (n == len(b) || isPort(b[n:])) {
		return netip.AddrFrom4(a4)
	}
	if len(b) > 0 && b[0] == '[' {
		end := bytes.IndexByte(b, ']')
		if end < 0 || end+1 < len(b) && !isPort(b[end+1:]) {
			return netip.Addr{}
		}
		b = b[1:end]
	}
	if zone := bytes.IndexByte(b, '%'); zone >= 0 {
		b = b[:zone]
	}
	a16, ok := parseIPv6(b)
	if !ok {
		return netip.Addr{}
	}
	return netip.AddrFrom16(a16).Unmap()
}

// isPort tells whether b is a colon and one to five digits.
func isPort(b []byte) bool {
	if len(b) < 2 || len(b) > 6 || b[0] != ':' {
		return false
	}
	_, ok := digits(b[1:])
	return ok
}

// leadingIPv4 reads the dotted address with which b begins and tells its length; 0 is none. As in
// RFC 6943 section 3.1.1's strict form, a part has no leading zero.
//
// The widths of the parts are as good as random, and a branch on each costs more than all the rest:
// so it finds the dots in all 16 bytes at once, and reads each part in one step whatever its width.
func leadingIPv4(b []byte) (a [4]byte, n int) {
	end16 := min(len(b), 16)
	if cap(b) >= 16 { // what is behind b is read, but does not count
		b = b[:16]
	} else {
		var padded [16]byte
		copy(padded[:], b)
		b = padded[:]
	}
	lo, hi := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	others := nonDigits(lo) | nonDigits(hi)<<8 | 1<<end16
	start := 0
	for part := range a {
		end := bits.TrailingZeros32(others)
		others &= others - 1
		width := end - start
		if uint(width-1) > 2 || part < 3 && (b[end&15] != '.' || end == end16) {
			return a, 0
		}
		// Shifted, the last digit is the top byte, and bytes of missing digits are 0.
		w := binary.LittleEndian.Uint32(b[start:]) << (8 * (4 - width)) & 0x0f0f0f0f
		v := (w>>8&15)*100 + (w>>16&15)*10 + w>>24
		if v > 255 || v < [4]uint32{0, 0, 10, 100}[width] {
			return a, 0
		}
		a[part] = byte(v)
		start = end + 1
	}
	return a, start - 1
}

// nonDigits has bit i set if byte i of w, the least significant first, is no decimal digit.
func nonDigits(w uint64) uint32 {
	w ^= 0x3030303030303030 // digits become 0 to 9
	high := ((w&0x7f7f7f7f7f7f7f7f + 0x7676767676767676) | w) >> 7 & 0x0101010101010101
	return uint32(high * 0x0102040810204080 >> 56)
}

// parseIPv6 reads all of b: hexadecimal groups with at most one "::", the last 32 bits perhaps
// dotted.
func parseIPv6(b []byte) (a [16]byte, ok bool) {
	n, gap := 0, -1 // bytes of a that are set; where "::" stood
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, b[2:]
	}
	for len(b) > 0 {
		if n == 16 {
			return a, false
		}
		v, w := leadingHex(b)
		if w > 0 && w < len(b) && b[w] == '.' {
			a4, w := leadingIPv4(b)
			if w == 0 || w < len(b) || n > 12 {
				return a, false
			}
			copy(a[n:], a4[:])
			n += 4
			break
		}
		if w == 0 {
			return a, false
		}
		a[n], a[n+1] = byte(v>>8), byte(v)
		n += 2
		if b = b[w:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return a, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return a, false
			}
			gap, b = n, b[1:]
		}
	}
	return spread(a, n, gap)
}

// spread moves the bytes after the gap to the end.
func spread(a [16]byte, n, gap int) ([16]byte, bool) {
	if gap < 0 || n == 16 {
		return a, gap < 0 && n == 16
	}
	tail := a
	clear(a[gap:])
	copy(a[16-(n-gap):], tail[gap:n])
	return a, true
}

// leadingHex reads one to four hexadecimal digits; width 0 is none, or too many.
func leadingHex(b []byte) (v uint16, width int) {
	for width < len(b) {
		x := hexValue(b[width])
		if x > 15 {
			break
		}
		if width == 4 {
			return 0, 0
		}
		v = v<<4 | uint16(x)
		width++
	}
	return v, width
}

// hexValue is the value of a hexadecimal digit; 255 is none.
func hexValue(c byte) byte { return hexValues[c] }

// hexValues is a table, since which digits of an address are letters is as good as random: nobody could
// predict a branch on it.
var hexValues = func() (values [256]byte) {
	for c := range values {
		values[c] = 255
	}
	for i, digit := range []byte("0123456789abcdef0123456789ABCDEF") {
		values[digit] = byte(i % 16)
	}
	return values
}()
