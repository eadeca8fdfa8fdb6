package accesslog

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

// members reads an object and its closing brace. It enters only objects that keys lead through, so it
// cannot go deeper than they do.
func (s *scan) members(at *level) bool {
	s.pos++
	if s.next() == '}' {
		s.pos++
		return true
	}
	for {
		k, below, ok := s.name(at)
		s.count++
		if !ok || !s.value(k, below) {
			return false
		}
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return true
		default:
			return false
		}
	}
}

// name reads a member's name and the colon behind it, and finds the key. Where the name is the one that
// is guessed its end need not be looked for.
func (s *scan) name(at *level) (k *key, below *level, ok bool) {
	s.space()
	g, b := s.o.guess(s.count), s.b[s.pos:]
	if g.at == at && len(b) > g.n && string(b[:g.n]) == string(g.text[:g.n]) {
		s.pos += g.n
		return g.key, g.below, true
	}
	name, ok := s.text()
	if !ok || !s.colon() {
		return nil, nil, false
	}
	k, below = s.o.find(at, name, s.count)
	return k, below, true
}

// value reads the value of a key, nil for one that means no field. below is the level of an object, nil
// where no key leads through it.
func (s *scan) value(k *key, below *level) bool {
	switch s.next() {
	case '"': // nearly all values are strings
		start := s.pos + 1
		v, ok := s.text()
		if ok {
			s.take(k, v, start, s.pos-1)
		}
		return ok
	case '{':
		if below != nil {
			return s.members(below)
		}
		return s.skip()
	case '[':
		return s.array(k, below)
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
		v, ok = s.text()
		return v, at + 1, s.pos - 1, ok
	}
	s.pos += leadingDigits(s.b[at:])
	for s.pos < len(s.b) && !endsScalar(s.b[s.pos]) { // a point, a sign, a letter
		s.pos++
		s.pos += leadingDigits(s.b[s.pos:])
	}
	switch v := s.b[at:s.pos]; {
	case len(v) > 0 && (v[0] == '-' || v[0]-'0' <= 9):
		return v, at, s.pos, true
	case string(v) == "null" || string(v) == "true" || string(v) == "false":
		return nil, at, s.pos, true
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
	if s.escaped {
		n := closingQuote(b)
		if n < 0 {
			return nil, false
		}
		s.pos += n + 2
		return s.r.unescape(b[:n]), true
	}
	n := indexNear(b, '"')
	if n < 0 {
		return nil, false
	}
	s.pos += n + 2
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

// next passes over blanks and gives the byte behind them; 0 at the end.
func (s *scan) next() byte {
	for ; s.pos < len(s.b); s.pos++ {
		if c := s.b[s.pos]; c != ' ' && c != '\t' {
			return c
		}
	}
	return 0
}

func (s *scan) space() { s.next() }

// peek is the next byte; 0 at the end.
func (s *scan) peek() byte {
	if s.pos < len(s.b) {
		return s.b[s.pos]
	}
	return 0
}
