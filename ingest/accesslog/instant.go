package accesslog

import (
	"encoding/binary"
	"strings"
	"time"
)

// instants reads times. Neighbouring lines mostly have the same one, so the last text is remembered.
type instants struct {
	text [32]byte
	n    int
	sec  int64
}

// parse reads a time in any of the forms that servers write, in seconds since the Unix epoch.
func (c *instants) parse(b []byte) (sec int64, ok bool) {
	if len(b) == clfWidth && c.isCLF((*[clfWidth]byte)(b)) || len(b) == c.n && string(b) == string(c.text[:c.n]) && c.n > 0 {
		return c.sec, true
	}
	switch {
	case len(b) == clfWidth && b[2] == '/':
		sec, ok = parseCLF(b)
	case len(b) >= 20 && b[4] == '-':
		sec, ok = parseISO(b)
	default:
		sec, ok = parseEpoch(b)
	}
	if ok && len(b) <= len(c.text) {
		c.n, c.sec = copy(c.text[:], b), sec
	}
	return sec, ok
}

// isCLF tells whether the last text was b. It compares words: nearly every line has the time of the one
// before, and a call that compares texts of any length takes longer than all the rest.
func (c *instants) isCLF(b *[clfWidth]byte) bool {
	le := binary.LittleEndian
	return c.n == clfWidth && le.Uint64(b[:]) == le.Uint64(c.text[:]) && le.Uint64(b[8:]) == le.Uint64(c.text[8:]) &&
		le.Uint64(b[16:]) == le.Uint64(c.text[16:]) && le.Uint64(b[clfWidth-8:]) == le.Uint64(c.text[clfWidth-8:])
}

// clfWidth is the length of a time in the common log format.
const clfWidth = len("02/Jan/2006:15:04:05 -0700")

// likeTime tells whether b looks as if it were meant as a time, and so whether failing to read it is
// worth a reason of its own.
func likeTime(b []byte) bool {
	return len(b) > 9 && b[0]-'0' <= 9 && b[1]-'0' <= 9 && (b[2] == '/' && b[6] == '/' || b[4] == '-' && b[7] == '-' || b[2]-'0' <= 9)
}

const monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"

// parseCLF reads 02/Jan/2006:15:04:05 -0700, the common log format's time.
func parseCLF(b []byte) (int64, bool) {
	month := strings.Index(monthNames, string(b[3:6]))
	if month < 0 || month%3 != 0 || b[6] != '/' || b[11] != ':' || b[20] != ' ' {
		return 0, false
	}
	day, ok1 := digits(b[:2])
	year, ok2 := digits(b[7:11])
	clock, ok3 := parseClock(b[12:20])
	offset, ok4 := parseOffset(b[21:])
	if !(ok1 && ok2 && ok3 && ok4) {
		return 0, false
	}
	return unixTime(year, month/3+1, day, clock-offset)
}

// parseISO reads 2006-01-02T15:04:05Z (RFC 3339): a space for the T, a fraction, and an offset
// without colon are accepted. A time without offset is refused, since its zone is not known.
func parseISO(b []byte) (int64, bool) {
	if b[7] != '-' || b[10]|0x20 != 't' && b[10] != ' ' {
		return 0, false
	}
	year, ok1 := digits(b[:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	clock, ok4 := parseClock(b[11:19])
	if !(ok1 && ok2 && ok3 && ok4) {
		return 0, false
	}
	zone, ok := afterFraction(b[19:])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(zone)
	if !ok {
		return 0, false
	}
	return unixTime(year, month, day, clock-offset)
}

// afterFraction is what follows a decimal fraction, if b begins with one; else b.
func afterFraction(b []byte) (rest []byte, ok bool) {
	if b[0] != '.' && b[0] != ',' {
		return b, true
	}
	n := 1
	for n < len(b) && b[n]-'0' <= 9 {
		n++
	}
	return b[n:], n > 1
}

// parseEpoch reads seconds since the Unix epoch, with or without a fraction, or a whole number of
// milli-, micro- or nanoseconds, told by its length: 13, 16 or 19 digits.
func parseEpoch(b []byte) (int64, bool) {
	n := 0
	for n < len(b) && b[n]-'0' <= 9 {
		n++
	}
	v, ok := digits(b[:n])
	if !ok {
		return 0, false
	}
	if n == len(b) {
		switch n {
		case 13:
			return int64(v) / 1e3, true
		case 16:
			return int64(v) / 1e6, true
		case 19:
			return int64(v) / 1e9, true
		}
	} else if rest, ok := afterFraction(b[n:]); !ok || len(rest) == len(b[n:]) || len(rest) > 0 {
		return 0, false
	}
	return int64(v), n <= 11
}

// parseClock reads 15:04:05 as seconds of the day; second 60 is a leap second.
func parseClock(b []byte) (sec int, ok bool) {
	if b[2] != ':' || b[5] != ':' {
		return 0, false
	}
	h, ok1 := digits(b[:2])
	m, ok2 := digits(b[3:5])
	s, ok3 := digits(b[6:8])
	return h*3600 + m*60 + s, ok1 && ok2 && ok3 && h < 24 && m < 60 && s <= 60
}

// parseOffset reads an offset from UTC in seconds: Z, +hhmm or +hh:mm.
func parseOffset(b []byte) (sec int, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
	}
	if len(b) == 6 && b[3] == ':' {
		b = []byte{b[0], b[1], b[2], b[4], b[5]}
	}
	if len(b) != 5 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	h, ok1 := digits(b[1:3])
	m, ok2 := digits(b[3:5])
	sec = h*3600 + m*60
	if b[0] == '-' {
		sec = -sec
	}
	return sec, ok1 && ok2 && h < 24 && m < 60
}

// unixTime is the time sec seconds after midnight UTC of a day that must exist.
func unixTime(year, month, day, sec int) (int64, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.Unix() + int64(sec), year > 0 && t.Month() == time.Month(month) && t.Day() == day
}

// digits reads a decimal number of 1 to 19 digits; all of b must be digits, and at most the largest int.
func digits(b []byte) (n int, ok bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	for _, c := range b {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, n >= 0
}
