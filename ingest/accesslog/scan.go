package accesslog

import "encoding/binary"

// scan is the walk over one JSON object. Its methods leave pos after what they read, or where they
// failed.
type scan struct {
	gather
	o       *object
	b       []byte
	pos     int
	escaped bool // there is a backslash somewhere in b
}

// members reads an object and all in it that keys lead through, up to its closing brace.
func (s *scan) members() bool {
	at, last, pos := &s.o.top, &s.o.leads.first, s.pos+1
	for {
		l := last.next
		if l.begins(at, s.b[pos:]) {
			pos += len(l.text)
		} else {
			s.pos = pos
			if l = s.lead(at, last == &s.o.leads.first); l == nil {
				return false
			}
			last.follow(l)
			pos = s.pos
		}
		last, at = l, l.in
		switch l.to {
		case toText: // nearly all values are strings
			n := s.closingQuote(s.b[pos:])
			if n < 0 {
				s.pos = pos - 1
				return false
			}
			if l.key != nil && n > 0 || s.r.explain {
				s.takeText(l.key, pos, pos+n)
			}
			pos += n + 1
		case toList:
			n := s.closingQuote(s.b[pos:])
			if end := pos + n + 1; n < 0 || end == len(s.b) || s.b[end] != ']' {
				s.pos = pos - len(`["`)
				if !s.array(l.key, l.below) {
					return false
				}
				pos = s.pos
				continue
			}
			if l.key != nil {
				s.takeText(l.key, pos, pos+n)
			}
			pos += n + len(`"]`)
		case toOther, toBegun:
			if s.pos = pos; l.to == toBegun {
				s.pos--
			}
			if !s.value(l.meant) {
				return false
			}
			pos = s.pos
		case toLineEnd:
			s.pos = pos
			return true
		}
	}
}

// takeText records the string at [start, end).
func (s *scan) takeText(k *key, start, end int) {
	v := s.b[start:end]
	if s.escaped {
		v = s.r.unescape(v)
	}
	s.take(k, v, start, end)
}

// lead reads what leads to the next value: out of objects and into them. The first member of an object has
// no comma before it.
func (s *scan) lead(at *place, fresh bool) *lead {
	start, l := s.pos, lead{leadText: leadText{at: at}, in: at}
	for l.to = toObject; l.to == toObject; {
		switch c := s.next(); {
		case c == '}':
			s.pos++
			if l.in = l.in.outer; l.in == nil {
				l.to = toLineEnd
			}
			fresh = false
		case fresh || c == ',':
			if !s.name(&l, fresh) {
				return nil
			}
			fresh = true
		default:
			return nil
		}
	}
	text := s.b[start:s.pos]
	if known := s.o.known(at, text); known != nil {
		return known
	}
	return s.o.learn(l, text)
}

// name reads a member's name up to its value, into which it goes where that is an object that keys lead
// through.
func (s *scan) name(l *lead, fresh bool) bool {
	if !fresh {
		s.pos++
		s.space()
	}
	name, ok := s.text()
	if !ok || !s.colon() || s.pos == len(s.b) {
		return false
	}
	l.meant = s.o.find(l.in.level, name)
	if l.to = s.destination(l.below); l.to == toObject {
		l.in = l.in.enter(l.below)
	}
	return true
}

// destination goes to where the value before which it stands is read from.
func (s *scan) destination(below *level) destination {
	switch b := s.b[s.pos:]; {
	case hasPrefix(b, `"`):
		s.pos++
		return toText
	case hasPrefix(b, `["`):
		s.pos += 2
		return toList
	case hasPrefix(b, `{`) && below != nil:
		s.pos++
		return toObject
	case below != nil:
		s.pos++
		return toBegun
	}
	return toOther
}

// closingQuote is how far away the quotation mark at the end of a string is.
func (s *scan) closingQuote(b []byte) int {
	if s.escaped {
		return closingQuote(b)
	}
	if len(b) >= 8 {
		if n := indexInWord(binary.LittleEndian.Uint64(b), '"'); n < 8 {
			return n
		}
	}
	return indexNear(b, '"')
}

// value reads a value of any kind but an object that keys lead through.
func (s *scan) value(m meant) bool {
	switch s.next() {
	case '{':
		return s.skip()
	case '[':
		return s.array(m.key, m.below)
	}
	v, start, end, ok := s.scalar()
	if v != nil {
		s.take(m.key, v, start, end)
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
	s.pos += leadingNumber(s.b[at:])
	for s.pos < len(s.b) && !endsScalar(s.b[s.pos]) { // a letter
		s.pos++
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
	s.pos++
	start, n := s.pos, s.closingQuote(s.b[s.pos:])
	if n < 0 {
		s.pos--
		return nil, false
	}
	s.pos += n + 1
	if v = s.b[start : start+n]; s.escaped {
		v = s.r.unescape(v)
	}
	return v, true
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
