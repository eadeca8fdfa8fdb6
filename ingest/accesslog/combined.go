package accesslog

import (
	"bytes"
	"net/netip"
)

// Nearly all lines of nearly all logs begin alike, so what the common and combined formats begin with
// is also read by code of its own, as long as a line has it in the most frequent form. The steps of
// the layout read all else: they alone define the format, and a test holds both to one result.

// Steps of the combined layout up to which there is such code.
const (
	toSize      = 6
	toUserAgent = 8
)

// knownHead is the number of steps at the layout's beginning that readHead can do.
func (l *layout) knownHead() int {
	_, known, err := compileSteps(combined)
	if err != nil || l.before != "" {
		return 0
	}
	n := 0
	for n < min(len(known), len(l.steps)) && l.steps[n].field == known[n].field && l.steps[n].after == known[n].after {
		n++
	}
	switch {
	case n >= toUserAgent:
		return toUserAgent
	case n >= toSize:
		return toSize
	}
	return 0
}

// readHead reads the first values of a line without escapes. It tells how many steps it did and where
// the next value begins; 0 and 0 if the line is not of the frequent form.
func (r *recorder) readHead(line []byte, known int) (steps, pos int) {
	pos = r.readToSize(line)
	if pos == 0 {
		*r.rec = Record{}
		return 0, 0
	}
	if known == toUserAgent {
		if n := r.readSizeAndReferer(line[pos:]); n > 0 {
			return toUserAgent, pos + n
		}
	}
	return toSize, pos
}

// readToSize reads ADDRESS - - [TIME] "REQUEST" STATUS and the space that follows.
func (r *recorder) readToSize(line []byte) (n int) {
	n = r.readAddress(line)
	b := line[n:]
	const fixed = len(" - - [") + clfWidth + len(`] "`)
	if n == 0 || len(b) < fixed || string(b[:6]) != " - - [" || string(b[fixed-3:fixed]) != `] "` {
		return 0
	}
	if r.setTime(b[6:6+clfWidth]) != accepted {
		return 0
	}
	b = b[fixed:]
	q := bytes.IndexByte(b, '"')
	if q < 0 || len(b) < q+len(`" 200 `) || b[q+1] != ' ' || b[q+5] != ' ' || r.rec.setStatus(b[q+2:q+5]) != accepted {
		return 0
	}
	r.rec.setRequest(b[:q])
	return n + fixed + q + len(`" 200 `)
}

// readAddress reads the address at the start of b and tells its length.
func (r *recorder) readAddress(b []byte) (n int) {
	if a4, n := leadingIPv4(b); n > 0 {
		r.rec.RemoteAddr, r.rec.RemoteHost = netip.AddrFrom4(a4), b[:n]
		return n
	}
	n = max(bytes.IndexByte(b, ' '), 0)
	a16, ok := parseIPv6(b[:n])
	if !ok {
		return 0
	}
	r.rec.RemoteAddr, r.rec.RemoteHost = netip.AddrFrom16(a16).Unmap(), b[:n]
	return n
}

// readSizeAndReferer reads BYTES "REFERER" " and tells the length.
func (r *recorder) readSizeAndReferer(b []byte) (n int) {
	size := uint64(0)
	for n < len(b) && n < 19 && b[n]-'0' <= 9 {
		size = size*10 + uint64(b[n]-'0')
		n++
	}
	if n == 0 || n == 19 || len(b) < n+2 || b[n] != ' ' || b[n+1] != '"' {
		return 0
	}
	start := n + 2
	q := bytes.IndexByte(b[start:], '"')
	if q < 0 || len(b) < start+q+3 || b[start+q+1] != ' ' || b[start+q+2] != '"' {
		return 0
	}
	r.rec.Bytes = size
	if q > 1 || q == 1 && b[start] != '-' {
		r.rec.Referer = b[start : start+q]
	}
	return start + q + 3
}
