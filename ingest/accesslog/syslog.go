package accesslog

import "bytes"

// syslog is a format whose lines are those of another in the envelope of a syslog message, as RFC 5424
// or RFC 3164 have it: as a server sends it, and as rsyslog, syslog-ng and journald's forwarding write it
// to a file. The line's own time counts; the envelope's only where the line has none and the envelope
// tells the whole of it.
type syslog struct{ inner reader }

func (s syslog) signals() bool { return s.inner.signals() }

// read finds the line inside and hands it on.
func (s syslog) read(line []byte, r *recorder) Reject {
	e, ok := openEnvelope(line, false)
	if !ok {
		return r.fail(NotAnAccessLog, e.payload)
	}
	if r.span(envelopeSpan, 0, e.payload); e.payload == len(line) {
		return r.fail(Incomplete, e.payload)
	}
	if e.timeEnd > 0 {
		if sent, ok := parseISOTime(line[e.timeStart:e.timeEnd]); ok {
			r.sent = sent
		}
	}
	outside := len(r.spans)
	reject := s.inner.read(line[e.payload:], r)
	for i := outside; i < len(r.spans); i++ {
		r.spans[i].Start += e.payload
		r.spans[i].End += e.payload
	}
	if reject != accepted {
		r.offset += e.payload
	}
	return reject
}

// envelope says where the parts of a syslog message are.
type envelope struct {
	timeStart, timeEnd int // a time as ISO 8601 has it; 0, 0 where there is none
	payload            int // where the message begins; where reading failed
}

// SyslogMessage gives what a syslog message says that was received as its sender made it, without its
// header: a part of b. ok is false where b has no priority at its front, and so is none.
//
// Time, host name and tag may each be missing, since RFC 3164 only describes what was found in use (section
// 4.3). The format syslog is stricter, as what writes files puts them there.
func SyslogMessage(b []byte) (message []byte, ok bool) {
	if priority(b) == 0 {
		return nil, false
	}
	e, _ := openEnvelope(b, true)
	return b[e.payload:], true
}

// openEnvelope reads what is around a message; ok is false where line is none. A lenient reading always
// takes it for one, whatever is missing.
func openEnvelope(line []byte, lenient bool) (e envelope, ok bool) {
	pos := skipOctetCount(line)
	pos += priority(line[pos:])
	if n := version(line[pos:]); n > 0 {
		if e, ok = openRFC5424(line, pos+n); ok {
			return e, true
		}
	}
	return openRFC3164(line, pos, lenient)
}

// skipOctetCount is the length of "123 " before "<" (RFC 6587 section 3.4.1); 0 is none.
func skipOctetCount(b []byte) int {
	n := leadingDigits(b)
	if n > 0 && n+1 < len(b) && b[n] == ' ' && b[n+1] == '<' {
		return n + 1
	}
	return 0
}

// priority is the length of <PRI>; 0 is none.
func priority(b []byte) int {
	if len(b) < 3 || b[0] != '<' {
		return 0
	}
	n := leadingDigits(b[1:])
	if n < 1 || n > 3 || n+1 >= len(b) || b[n+1] != '>' {
		return 0
	}
	return n + 2
}

// version is the length of RFC 5424's version and its blank; 0 is none.
func version(b []byte) int {
	if n := leadingDigits(b); n >= 1 && n <= 3 && n < len(b) && b[n] == ' ' {
		return n + 1
	}
	return 0
}

// openRFC5424 reads, behind the version, TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA.
func openRFC5424(line []byte, pos int) (e envelope, ok bool) {
	for part := range 5 {
		n := bytes.IndexByte(line[pos:], ' ')
		if n <= 0 {
			return envelope{payload: pos}, false
		}
		if part == 0 && !isNil(line[pos:pos+n]) {
			if _, ok := parseISOTime(line[pos : pos+n]); !ok {
				return envelope{payload: pos}, false
			}
			e.timeStart, e.timeEnd = pos, pos+n
		}
		pos += n + 1
	}
	n, ok := structuredData(line[pos:])
	if !ok {
		return envelope{payload: pos}, false
	}
	pos += n
	if pos < len(line) && line[pos] == ' ' {
		pos++
	}
	pos += prefixLength(line[pos:], "\xef\xbb\xbf")
	e.payload = pos
	return e, true
}

func isNil(b []byte) bool { return len(b) == 1 && b[0] == '-' }

// structuredData is the length of "-" or of [ID NAME="VALUE" …]…, in which a backslash protects a
// quotation mark, a bracket or itself.
func structuredData(b []byte) (n int, ok bool) {
	if len(b) > 0 && b[0] == '-' {
		return 1, len(b) == 1 || b[1] == ' '
	}
	for n < len(b) && b[n] == '[' {
		end := closingBracket(b[n:])
		if end < 0 {
			return n, false
		}
		n += end + 1
	}
	return n, n > 0
}

// closingBracket finds the bracket at an element's end, outside of quotation marks.
func closingBracket(b []byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && quoted:
			i++
		case b[i] == '"':
			quoted = !quoted
		case b[i] == ']' && !quoted:
			return i
		}
	}
	return -1
}

// openRFC3164 reads TIMESTAMP HOSTNAME TAG: where the time may be as ISO 8601 has it, as rsyslog writes it
// to files, and where nginx leaves the host name out if it is told to. A lenient reading goes on
// without time and without tag.
func openRFC3164(line []byte, pos int, lenient bool) (e envelope, ok bool) {
	n := traditionalTime(line[pos:])
	if n == 0 {
		n = max(bytes.IndexByte(line[pos:], ' '), 0)
		if _, ok := parseISOTime(line[pos : pos+n]); ok {
			e.timeStart, e.timeEnd = pos, pos+n
		} else if !lenient {
			return envelope{payload: pos}, false
		} else {
			n = 0
		}
	}
	pos = skipBlanks(line, pos+n)
	e.payload = pos
	for range 2 { // HOSTNAME TAG:, or TAG: alone
		n := bytes.IndexByte(line[pos:], ' ')
		if n < 0 {
			n = len(line) - pos
		}
		word := line[pos : pos+n]
		pos = skipBlanks(line, pos+n)
		if isTag(word) {
			pos += prefixLength(line[pos:], "@cee:")
			e.payload = skipBlanks(line, pos)
			return e, true
		}
	}
	if !lenient {
		e.payload = pos
	}
	return e, lenient
}

// isTag tells a program's name, with or without its process id, by the colon at its end. An IPv6
// address may end in two.
func isTag(word []byte) bool {
	n := len(word)
	return n > 1 && word[n-1] == ':' && word[n-2] != ':'
}

func skipBlanks(line []byte, pos int) int {
	for pos < len(line) && line[pos] == ' ' {
		pos++
	}
	return pos
}

func prefixLength(b []byte, prefix string) int {
	if hasPrefix(b, prefix) {
		return len(prefix)
	}
	return 0
}

// traditionalTime is the length of "Jan  2 15:04:05", perhaps with a year or a fraction behind it (as
// Cisco's and syslog-ng's); 0 is none.
func traditionalTime(b []byte) int {
	const width = len("Jan  2 15:04:05")
	if len(b) <= width || b[3] != ' ' || b[6] != ' ' || !isMonth(b[:3]) {
		return 0
	}
	if day, ok := digits(bytes.TrimLeft(b[4:6], " ")); !ok || day < 1 || day > 31 {
		return 0
	}
	if year, ok := digits(b[7:11]); ok && b[11] == ' ' { // Jan  2 2006 15:04:05
		if year == 0 || len(b) <= width+5 {
			return 0
		}
		if _, ok := parseClock(b[12:20]); !ok {
			return 0
		}
		return width + 5
	}
	if _, ok := parseClock(b[7:15]); !ok {
		return 0
	}
	if b[width] == '.' {
		return width + 1 + leadingDigits(b[width+1:])
	}
	return width
}

func isMonth(b []byte) bool {
	i := bytes.Index([]byte(monthNames), b)
	return i >= 0 && i%3 == 0
}

// parseISOTime reads a time with its offset, as RFC 3339 has it.
func parseISOTime(b []byte) (int64, bool) {
	if len(b) < 20 || b[4] != '-' || b[10] != 'T' {
		return 0, false
	}
	return parseISO(b)
}
