package accesslog

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
)

// Nearly all lines of nearly all logs begin alike, so what the common and combined formats begin with
// is also read by code of its own, as long as a line has it in the most frequent form. The steps of
// the layout read all else: they alone define the format, and a test holds both to one result.

// Steps of the format combined_signals up to which there is such code.
const (
	toSize      = 6
	toUserAgent = 8
	toEnd       = 11
)

// knownHead finds the steps that readHead can do: how many and where they begin.
func (l *layout) knownHead() (at, head int) {
	_, known, err := compileSteps(combined + signals)
	if err != nil {
		return 0, 0
	}
	at = max(slices.IndexFunc(l.steps, func(s step) bool { return s.field == remoteAddr }), 0)
	n := 0
	for n < min(len(known), len(l.steps)-at) && l.steps[at+n] == known[n] {
		n++
	}
	for _, head := range []int{toEnd, toUserAgent, toSize} {
		if n >= head {
			return at, head
		}
	}
	return 0, 0
}

// readHead does the first steps on a line without escapes: all up to the known ones, and of those as
// many as the line has in the frequent form. It tells which step is next and where its value begins;
// the first step and the line's beginning if it could do nothing.
func (l *layout) readHead(line []byte, r *recorder) (step, pos int) {
	start, reject := len(l.before), accepted
	if l.headAt > 0 {
		start, reject = l.walk(line, r, 0, l.headAt, start, false)
	}
	if reject == accepted {
		pos = r.readToSize(line[start:])
	}
	if pos == 0 {
		*r.rec, r.timed, r.short = Record{}, false, false
		return 0, len(l.before)
	}
	step, pos = l.headAt+toSize, start+pos
	if l.head >= toUserAgent {
		if n := r.readSizeAndReferer(line[pos:]); n > 0 {
			step, pos = l.headAt+toUserAgent, pos+n
		}
	}
	if step == l.headAt+toUserAgent {
		n, steps := 0, toEnd
		switch {
		case l.head == toEnd:
			n = r.readUserAgentAndSignals(line[pos:])
		case l.agentLast:
			n, steps = r.readLastUserAgent(line[pos:]), toUserAgent+1
		}
		if n > 0 {
			step, pos = l.headAt+steps, pos+n
		}
	}
	return step, pos
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
	r.rec.Referer = present(b[start : start+q])
	return start + q + 3
}

// readUserAgentAndSignals reads USER-AGENT" "D" "G", where D and G are one byte each, and tells the
// length. More fields may follow.
func (r *recorder) readUserAgentAndSignals(b []byte) (n int) {
	n = bytes.IndexByte(b, '"')
	const length = len(`" "D" "G"`)
	if n < 0 || len(b) < n+length {
		return 0
	}
	tail := b[n:]
	if binary.LittleEndian.Uint64(tail)&signalsMask != signalsWord || tail[8] != '"' || len(tail) > length && tail[length] != ' ' {
		return 0
	}
	r.rec.UserAgent = present(b[:n])
	if tail[3] != '-' {
		r.rec.DNT = Field{tail[3:4], true}
	}
	if tail[7] != '-' {
		r.rec.GPC = Field{tail[7:8], true}
	}
	return n + length
}

// readLastUserAgent reads USER-AGENT" to the line's end and tells the length; 0 where that is not the first quote.
func (r *recorder) readLastUserAgent(b []byte) (n int) {
	if n = bytes.IndexByte(b, '"'); n < 0 || n+1 < len(b) {
		return 0
	}
	r.rec.UserAgent = present(b[:n])
	return n + 1
}

// endsWithAgent tells whether the format ends with the user agent, in quotes, after the known steps.
func (l *layout) endsWithAgent() bool {
	last := len(l.steps) - 1
	return last == l.headAt+toUserAgent && l.steps[last].field == userAgent && l.steps[last].quoted && l.steps[last].after == `"`
}

// The first eight bytes of `" "D" "G"`, the least significant first, without D and G.
const (
	signalsMask = 0x00ffffff00ffffff
	signalsWord = 0x0022202200222022
)

// present is v, or nil for a value that stands for none.
func present(v []byte) []byte {
	if isAbsent(v) {
		return nil
	}
	return v
}
