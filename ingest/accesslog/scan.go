package accesslog

import "bytes"

// scan is the walk over one JSON object. Its methods leave pos after what they read, or where they
// failed.
type scan struct {
	gather
	o       *object
	b       []byte
	pos     int
	escaped bool // there is a backslash somewhere in b
	count   int  // of the members so far
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
		k, inner, path, ok := s.name(prefix)
		s.count++
		if !ok || !s.value(k, inner, path) {
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

// name reads a member's name and the colon behind it, and finds the key. Where the name is the one that
// is guessed it need not be looked for.
func (s *scan) name(prefix int) (k *key, inner bool, path []byte, ok bool) {
	g := &s.o.guess[s.count%len(s.o.guess)]
	b, n := s.b[s.pos:], int(g.n)-prefix
	if n > 0 && len(b) > n+2 && b[0] == '"' && b[n+1] == '"' && b[n+2] == ':' &&
		string(b[1:n+1]) == string(g.path[prefix:g.n]) && string(s.o.path[:prefix]) == string(g.path[:prefix]) {
		s.pos += n + 3
		s.space()
		path = g.path[:g.n]
	} else {
		name, isName := s.text()
		if !isName || !s.colon() {
			return nil, false, nil, false
		}
		path = s.o.join(prefix, name)
	}
	k, inner = s.o.find(path, s.count)
	return k, inner, path, true
}

// value reads the value of a key, nil for one that means no field. inner tells whether keys lead
// through an object under it.
func (s *scan) value(k *key, inner bool, path []byte) bool {
	switch s.peek() {
	case '{':
		if inner {
			return s.members(s.o.enter(path))
		}
		return s.skip()
	case '[':
		return s.array(k, inner, path)
	}
	v, start, end, ok := s.scalar()
	if v != nil {
		s.take(k, v, start, end)
	}
	return ok
}

// scalar reads a string, a number, or one of true, false and null, which no field has as its value
// and which give nil.
func (s *scan) scalar() (v []byte, start, end int, ok bool) {
	at := s.pos
	if s.peek() == '"' {
		v, ok := s.text()
		return v, at + 1, s.pos - 1, ok
	}
	for s.pos < len(s.b) && !endsScalar(s.b[s.pos]) {
		s.pos++
	}
	switch v := s.b[at:s.pos]; {
	case string(v) == "null" || string(v) == "true" || string(v) == "false":
		return nil, at, s.pos, true
	case len(v) > 0 && (v[0] == '-' || v[0]-'0' <= 9):
		return v, at, s.pos, true
	}
	s.pos = at
	return nil, at, at, false
}

func endsScalar(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r'
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
