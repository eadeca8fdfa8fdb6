package accesslog

import "bytes"

// layout is a format whose lines are values with fixed text between them: what nginx's log_format
// and Apache's LogFormat describe. It is compiled once; reading a line walks its steps.
type layout struct {
	before string // the fixed text before the first value
	steps  []step
	// required is the number of steps that a line must have. Those after it may all be missing; the
	// last required step is then short.
	required int
	short    step
	escaping escaping
	// open layouts have more fields, which do not matter, after the last step; tail is the first.
	open bool
	tail step
	// head is the number of steps, from headAt on, that readHead knows.
	headAt, head int
	signal       bool
}

// step reads one value, which ends where the fixed text after it begins.
type step struct {
	field  field
	name   string // of a namedCookie
	quoted bool
	last   bool   // nothing comes after it but its fixed text
	list   bool   // a space may follow a comma, semicolon or colon of the value
	clock  *clock // finds the value's end, if there is one
	after  string // the fixed text up to the next value
}

// compileLayout reads a format in the language of nginx's log_format or of Apache's LogFormat. All that
// optional describes may be missing from a line.
func compileLayout(format, optional string) (*layout, error) {
	t, err := parseTemplate(format)
	if err != nil {
		return nil, err
	}
	l := &layout{required: len(t.vars)}
	if optional != "" {
		required := t.steps()
		l.short = required[l.required-1]
		if t, err = parseTemplate(format + optional); err != nil {
			return nil, err
		}
	}
	seen := t.choose()
	if !seen[timestamp] {
		return nil, badFormat(t.end, "it has no time; add $time_local, $time_iso8601 or $msec for nginx, %%t for Apache")
	}
	if !seen[status] && !seen[request] && !seen[target] {
		return nil, badFormat(t.end, "it has neither a request nor a status; add \"$request\" $status for nginx, \"%%r\" %%>s for Apache")
	}
	l.before, l.escaping, l.steps = t.before, t.escaping, t.steps()
	l.signal = seen[dnt] || seen[gpc]
	l.dropTail()
	l.headAt, l.head = l.knownHead()
	return l, nil
}

// dropTail drops the last steps that read nothing: whatever a line has there, it does not matter.
func (l *layout) dropTail() {
	n := len(l.steps)
	for n > 1 && l.steps[n-1].field == unused {
		n--
	}
	if l.open = n < len(l.steps); l.open {
		l.tail = l.steps[n]
	}
	l.steps = l.steps[:n]
	l.required = min(l.required, n)
}

// compileSteps cuts a format into steps.
func compileSteps(format string) (before string, steps []step, err error) {
	t, err := parseTemplate(format)
	if err != nil {
		return "", nil, err
	}
	return t.before, t.steps(), nil
}

func (l *layout) signals() bool { return l.signal }

// read walks the steps over one line.
func (l *layout) read(line []byte, r *recorder) Reject {
	if !hasPrefix(line, l.before) {
		return r.fail(NotAnAccessLog, 0)
	}
	escaped := l.expectEscapes(line, r)
	i, pos := 0, len(l.before)
	if l.head > 0 && !escaped && !r.explain {
		i, pos = l.readHead(line, r)
	}
	pos, reject := l.walk(line, r, i, len(l.steps), pos, escaped)
	if reject == accepted && r.calendar.has != 0 && !r.setCalendar() {
		return r.fail(BadTime, len(line)-r.calendarAt)
	}
	switch {
	case reject != accepted:
		return r.fail(reject, pos)
	case !r.timed:
		return r.fail(NoTime, 0)
	case !l.mayEnd(len(l.steps)-1, line[pos:]):
		return r.fail(TrailingText, pos)
	}
	if pos < len(line) {
		r.span(unused, pos, len(line))
	}
	return accepted
}

func (l *layout) expectEscapes(line []byte, r *recorder) bool {
	switch l.escaping {
	case noEscape:
		return false
	case hash:
		return r.expectHashes(line)
	}
	return r.expectEscapes(line)
}

// walk does the steps from i to end and tells where the next value begins, or the one that it cannot
// read.
func (l *layout) walk(line []byte, r *recorder, i, end, pos int, escaped bool) (int, Reject) {
	for ; i < end; i++ {
		s := &l.steps[i]
		rest := line[pos:]
		n, after := l.end(i, rest, r, escaped), len(s.after)
		if n < 0 && i >= l.required-1 && l.required < len(l.steps) {
			n, after = l.shortEnd(i, rest, escaped)
			r.short = true
			i = end
		}
		if n < 0 {
			r.expected = s.field
			return pos, l.whyNoEnd(s, rest, escaped, r.timed || r.calendar.has != 0)
		}
		v := rest[:n]
		if escaped {
			v = l.unescape(r, v)
		}
		if s.field == namedCookie {
			r.addCookie(s.name, v)
		} else if s.clock == nil {
			if reject := r.set(s.field, v); reject != accepted {
				if reject == BadTime && !likeTime(v) {
					reject = NotAnAccessLog
				}
				r.expected = s.field
				return pos, reject
			}
		}
		r.span(s.field, pos, pos+n)
		pos += n + after
	}
	return pos, accepted
}

func (l *layout) unescape(r *recorder, v []byte) []byte {
	if l.escaping == hash {
		return r.unescapeHashes(v)
	}
	return r.unescape(v)
}

// mayEnd tells whether a line may end before b, after step i: after a closing quote more fields may
// follow.
func (l *layout) mayEnd(i int, b []byte) bool {
	return len(b) == 0 || l.open || l.steps[i].mayEnd(b)
}

func (s *step) mayEnd(b []byte) bool { return len(b) == 0 || s.quoted && b[0] == ' ' }

// end finds where the value of step i at the start of b ends; -1 is nowhere.
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
