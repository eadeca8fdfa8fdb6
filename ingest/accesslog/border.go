package accesslog

import "bytes"

// Where the values of a line end.

// mayEnd tells whether a line may end before b, after step i: after a closing quote more fields may
// follow.
func (l *layout) mayEnd(i int, b []byte) bool {
	return len(b) == 0 || l.open || l.steps[i].mayEnd(b)
}

func (s *step) mayEnd(b []byte) bool { return len(b) == 0 || s.quoted && b[0] == ' ' }

// end finds where the value of step i at the start of b ends; -1 is nowhere. plainEnd does it for plain values.
//
// A value may hold the first byte of what comes after it: servers that do not escape write quotes as
// they are, and paths and user agents without quotes have spaces. So of several ends that is taken
// after which the next value looks as it must, and the first if none does.
func (l *layout) end(i int, b []byte, r *recorder, escaped bool) int {
	s := &l.steps[i]
	switch {
	case s.clock != nil:
		return s.clockEnd(b, r)
	case s.after == "":
		return l.openEnd(i, b)
	case s.last && l.escaping == noEscape && s.quoted && hasSuffix(b, s.after):
		return len(b) - len(s.after)
	}
	first := -1
	for n := 0; ; n++ {
		d := s.delimiter(b[n:], escaped)
		if d < 0 {
			return first
		}
		n += d
		if !hasPrefix(b[n:], s.after) || s.list && !s.quoted && s.goesOn(b, n) {
			continue
		}
		rest := b[n+len(s.after):]
		if s.last && !l.mayEnd(i, rest) {
			continue
		}
		if !s.mayHoldDelimiter() || l.fits(i, rest) {
			return n
		}
		if first < 0 {
			first = n
		}
	}
}

// plainEnd finds the first place where what comes after the value stands. It looks for the byte of it
// that is rarest.
func (s *step) plainEnd(b []byte) (n int) {
	if len(s.after) == 1 && s.skips == "" {
		return indexNear(b, s.after[0])
	}
	for i := range len(s.skips) {
		d := indexNear(b[n:], s.skips[i])
		if d < 0 {
			return -1
		}
		n += d + 1
	}
	for n+int(s.probe) < len(b) {
		d := indexNear(b[n+int(s.probe):], s.after[s.probe])
		if d < 0 {
			break
		}
		if n += d; len(s.after) == 1 || hasPrefix(b[n:], s.after) {
			return n
		}
		n++
	}
	return -1
}

// quotedEnd finds the end of a value in quotes where that is the first quote, as it mostly is; -1 means that end has to
// look.
func (l *layout) quotedEnd(i int, b []byte, escaped bool) int {
	s := &l.steps[i]
	if !s.quoted || escaped || s.last || s.clock != nil {
		return -1
	}
	if n := bytes.IndexByte(b, '"'); n >= 0 && hasPrefix(b[n:], s.after) && l.fits(i, b[n+len(s.after):]) {
		return n
	}
	return -1
}

// mayHoldDelimiter tells whether a value may hold what comes after it.
func (s *step) mayHoldDelimiter() bool {
	switch s.field {
	case request, userAgent, referer, target:
		return true
	}
	return s.quoted && !s.field.isWord()
}

// fits tells whether b can go on after step i: with a value of the next step, or, after the last one,
// with a field more.
func (l *layout) fits(i int, b []byte) bool {
	switch {
	case i+1 < len(l.steps):
		return l.steps[i+1].accepts(b)
	case l.open:
		return l.tail.accepts(b)
	case len(b) > 0:
		return isWordOrQuoted(b[1:])
	}
	return true
}

// clockEnd reads a time by its pattern and tells where it ends, if what must come after it does.
func (s *step) clockEnd(b []byte, r *recorder) int {
	var skipped calendar
	cal := &r.calendar
	if s.field != timestamp {
		cal = &skipped
	}
	n := s.clock.read(b, cal)
	if n == 0 || !hasPrefix(b[n:], s.after) {
		return -1
	}
	if s.field == timestamp && r.calendarAt == 0 {
		r.calendarAt = len(b)
	}
	return n
}

// openEnd finds the end of a value after which there is no fixed text.
func (l *layout) openEnd(i int, b []byte) int {
	s := &l.steps[i]
	if i+1 < len(l.steps) && !s.last {
		if l.steps[i+1].field == target {
			return bytes.IndexByte(b, '/')
		}
		n := 0
		for n < len(b) && (b[n]-'0' <= 9 || b[n] == '.') {
			n++
		}
		return n
	}
	if n := bytes.IndexByte(b, ' '); n >= 0 && s.field.isWord() {
		return n
	}
	return len(b)
}

// shortEnd finds the end of a line's last value where the format's optional ones, or the rest of them,
// are missing. One in quotes that is there must be whole: a signal that was cut off is no missing one.
func (l *layout) shortEnd(i int, b []byte, escaped bool) (n, after int) {
	if i >= l.required {
		if l.steps[i].quoted || bytes.IndexByte(b, ' ') >= 0 {
			return -1, 0
		}
		return len(b), 0
	}
	s := &l.short
	if s.after == "" {
		return len(b), 0
	}
	for n := 0; ; n++ {
		d := s.delimiter(b[n:], escaped)
		if d < 0 {
			return -1, 0
		}
		n += d
		if hasPrefix(b[n:], s.after) && s.mayEnd(b[n+len(s.after):]) {
			return n, len(s.after)
		}
	}
}

// goesOn tells whether the space at n is one within a list: "a, b", "a; b", "a : b".
func (s *step) goesOn(b []byte, n int) bool {
	if n == 0 || b[n] != ' ' {
		return false
	}
	switch b[n-1] {
	case ',', ';':
		return true
	case ':':
		return n > 1 && b[n-2] == ' '
	}
	return len(b) > n+2 && b[n+1] == ':' && b[n+2] == ' '
}

// accepts tells whether b can begin with the step's value. It knows only fields of a narrow form.
func (s *step) accepts(b []byte) bool {
	switch s.field {
	case status:
		return len(b) > 0 && b[0] == '-' || len(b) > 2 && b[0]-'0' <= 9 && b[1]-'0' <= 9 && b[2]-'0' <= 9 && hasPrefix(b[3:], s.after) ||
			len(b) > 0 && b[0] == '0'
	case size, requestTime, requestMillis, requestMicros:
		return len(b) > 0 && (b[0]-'0' <= 9 || b[0] == '-' || b[0] == '+')
	case protocol:
		return hasPrefix(b, "HTTP/")
	}
	return s.quoted || isWordOrQuoted(b)
}

// isWordOrQuoted tells whether b begins with a quote, or with a word that has none. A quote that ends
// a word shows that an earlier one did not end a value.
func isWordOrQuoted(b []byte) bool {
	if len(b) > 0 && b[0] == '"' {
		return true
	}
	for _, c := range b {
		switch c {
		case ' ':
			return true
		case '"':
			return false
		}
	}
	return true
}

// delimiter finds the first byte of what comes after the value.
func (s *step) delimiter(b []byte, escaped bool) int {
	if escaped && s.quoted {
		return closingQuote(b)
	}
	return bytes.IndexByte(b, s.after[0])
}

// closingQuote finds the first quote that no backslash protects.
func closingQuote(b []byte) int {
	n := indexNear(b, '"')
	if n < 0 || bytes.IndexByte(b[:n], '\\') < 0 {
		return n
	}
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// whyNoEnd tells why a value has no end. Until the time is read, nothing shows that the line is one
// of an access log at all.
func (l *layout) whyNoEnd(s *step, b []byte, escaped, timed bool) Reject {
	switch {
	case !timed:
		return NotAnAccessLog
	case s.clock != nil || s.after == "":
		return Incomplete
	case s.delimiter(b, escaped) >= 0 && s.last:
		return TrailingText
	case s.delimiter(b, escaped) < 0 && s.quoted:
		return UnterminatedQuote
	}
	return Incomplete
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

func hasSuffix(b []byte, s string) bool { return len(b) >= len(s) && string(b[len(b)-len(s):]) == s }
