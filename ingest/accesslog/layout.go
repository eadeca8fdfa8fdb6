package accesslog

import "slices"

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
	agentLast    bool // the step after the head is the last, and the user agent's
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
	// plain values end at the first place where after stands, of which the byte at probe is looked for.
	plain bool
	probe uint8
	skips string // the single bytes after the values that were skipped before this one, with which they are one
	// run is how many steps from this one on read nothing and end with a blank, if they are several that a line may
	// lack.
	run int
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
	l.mergeSkipped()
	l.findRuns()
	l.headAt, l.head = l.knownHead()
	l.agentLast = l.head == toUserAgent && l.endsWithAgent()
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

// mergeSkipped makes one step of several that read nothing.
func (l *layout) mergeSkipped() {
	skipped := func(s step) bool { return s.field == unused && s.plain && !s.quoted }
	for i := 0; i+1 < l.required; {
		a, b := l.steps[i], l.steps[i+1]
		if !skipped(a) || !skipped(b) || len(a.after) != 1 {
			i++
			continue
		}
		b.skips = a.skips + a.after
		l.steps[i] = b
		l.steps = slices.Delete(l.steps, i+1, i+2)
		l.required--
	}
}

// findRuns finds the runs of optional steps that read nothing. A line may end between any two of them, so that they
// are no one step.
func (l *layout) findRuns() {
	for i := len(l.steps) - 2; i >= l.required; i-- {
		if s := &l.steps[i]; s.field == unused && s.plain && !s.quoted && s.after == " " {
			s.run = l.steps[i+1].run + 1
		}
	}
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
		if s.run > 1 && !r.explain {
			if n := indexNth(rest, ' ', s.run); n >= 0 {
				i, pos = i+s.run-1, pos+n+1
				continue
			}
		}
		var n int
		if s.plain && !(escaped && s.quoted) {
			n = s.plainEnd(rest)
		} else if n = l.quotedEnd(i, rest, escaped); n < 0 {
			n = l.end(i, rest, r, escaped)
		}
		after := len(s.after)
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
		} else if s.clock == nil && s.field != unused {
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
