package accesslog

import (
	"bytes"
	"slices"
)

// scan is the walk over one JSON object. Its methods leave pos after what they read, or where they
// failed.
type scan struct {
	o       *object
	r       *recorder
	b       []byte
	pos     int
	escaped bool // there is a backslash somewhere in b
	roomy   bool // there is room in the scratch memory for all of b
	count   int  // of the members so far
	// ranks holds, by field, 1 + the rank of the spelling that was taken.
	ranks     [fields]uint8
	requested bool // there was a request line, perhaps garbage
	// reject and rejectAt tell of the first value that could not be read.
	reject   Reject
	rejectAt int
}

// members reads an object, whose path has the given length, and its closing brace. It enters only
// objects that keys lead through, so it cannot go deeper than they do.
func (s *scan) members(prefix int) bool {
	s.pos++
	if s.space(); s.peek() == '}' {
		s.pos++
		return true
	}
	for {
		name, ok := s.text()
		if !ok {
			return false
		}
		if s.space(); s.peek() != ':' {
			return false
		}
		s.pos++
		s.space()
		path := s.o.join(prefix, name)
		k := s.o.find(path, s.count)
		s.count++
		if k != nil && (k.field == dnt || k.field == gpc) {
			s.o.seen = true
		}
		if !s.value(k, path) {
			return false
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.pos++
			return true
		default:
			return false
		}
	}
}

// value reads the value of a key, nil for one that means no field.
func (s *scan) value(k *key, path []byte) bool {
	switch s.peek() {
	case '{':
		if prefix, ok := s.o.enter(path); ok {
			return s.members(prefix)
		}
		return s.skip()
	case '[':
		return s.array(k)
	}
	return s.scalar(k)
}

// array reads the first element, if it is a string, a number or the like, and skips the rest.
func (s *scan) array(k *key) bool {
	if k != nil && k.field.joint() != "" {
		return s.list(k)
	}
	open := s.pos
	s.pos++
	s.space()
	if c := s.peek(); c != '[' && c != '{' && c != ']' && !s.scalar(k) {
		return false
	}
	s.pos = open
	return s.skip()
}

// list reads an array of strings, the values of several header fields of one name, as one value, joined
// as one header field has them. An array with anything else in it is as if absent.
func (s *scan) list(k *key) bool {
	r, open, start := s.r, s.pos, len(s.r.scratch)
	first, last := 0, 0 // offsets of the values, less the outer quotes
	if !s.roomy {       // enough for all lists of the line: the scratch memory must not move
		r.scratch, s.roomy = slices.Grow(r.scratch, len(s.b)), true
	}
	for more := true; more; {
		s.pos++
		s.space()
		if first == 0 {
			first = s.pos + 1
		}
		if len(r.scratch) > start {
			r.scratch = append(r.scratch, k.field.joint()...)
		}
		at := len(r.scratch)
		v, ok := s.text()
		if !ok {
			s.pos = open
			return s.skip()
		}
		if len(r.scratch) == at { // else text has decoded it there
			r.scratch = append(r.scratch, v...)
		}
		last = s.pos - 1
		s.space()
		more = s.peek() == ','
	}
	if s.peek() != ']' {
		return false
	}
	s.pos++
	s.take(k, r.scratch[start:len(r.scratch):len(r.scratch)], first, last)
	return true
}

// scalar reads a string, a number, or one of true, false and null, which no field has as its value.
func (s *scan) scalar(k *key) bool {
	at := s.pos
	if s.peek() == '"' {
		v, ok := s.text()
		if ok {
			s.take(k, v, at+1, s.pos-1)
		}
		return ok
	}
	for s.pos < len(s.b) && !endsScalar(s.b[s.pos]) {
		s.pos++
	}
	switch v := s.b[at:s.pos]; {
	case string(v) == "null" || string(v) == "true" || string(v) == "false":
		return true
	case len(v) > 0 && (v[0] == '-' || v[0]-'0' <= 9):
		s.take(k, v, at, s.pos)
		return true
	}
	s.pos = at
	return false
}

func endsScalar(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

// take records a value that stands at [start, end), unless a better spelling of the field was read.
func (s *scan) take(k *key, v []byte, start, end int) {
	if k == nil || s.ranks[k.field] != 0 && s.ranks[k.field] <= k.rank || s.requested && k.field.isRequestPart() {
		s.r.span(unused, start, end)
		return
	}
	s.r.span(k.field, start, end)
	if isAbsent(v) {
		return
	}
	if k.field == namedCookie {
		s.r.addCookie(k.cookie, v)
		return
	}
	if k.field == request {
		rec := s.r.rec
		rec.Method, rec.MethodText, rec.Target, rec.Query, rec.Protocol = 0, nil, nil, nil, nil
		s.requested = true
	}
	if reject := s.r.set(k.field, v); reject == accepted {
		s.ranks[k.field] = k.rank + 1
	} else if s.reject == accepted || s.reject == BadTime {
		s.reject, s.rejectAt = reject, start
	}
}

// text reads a string and decodes its escapes.
func (s *scan) text() (v []byte, ok bool) {
	if s.peek() != '"' {
		return nil, false
	}
	b := s.b[s.pos+1:]
	var n int
	if s.escaped {
		n = closingQuote(b)
	} else {
		n = bytes.IndexByte(b, '"')
	}
	if n < 0 {
		return nil, false
	}
	s.pos += n + 2
	if s.escaped {
		return s.r.unescape(b[:n]), true
	}
	return b[:n], true
}

// skip passes over an object or an array without looking into it.
func (s *scan) skip() bool {
	start, depth := s.pos, 0
	for ; s.pos < len(s.b); s.pos++ {
		switch s.b[s.pos] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				s.pos++
				return true
			}
		case '"':
			n := closingQuote(s.b[s.pos+1:])
			if n < 0 {
				return false
			}
			s.pos += n + 1
		}
	}
	s.pos = start
	return false
}

func (s *scan) space() {
	for s.pos < len(s.b) && (s.b[s.pos] == ' ' || s.b[s.pos] == '\t') {
		s.pos++
	}
}

// peek is the next byte; 0 at the end.
func (s *scan) peek() byte {
	if s.pos < len(s.b) {
		return s.b[s.pos]
	}
	return 0
}
