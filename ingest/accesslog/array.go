package accesslog

import "bytes"

// array reads the first value and skips the rest. Header fields that a request may have several times
// are joined; a list of names and values, as AWS WAF writes header fields, is read where keys lead into
// it.
func (s *scan) array(k *key, below *level) bool {
	if k != nil && k.field.joint() != "" {
		return s.list(k)
	}
	open := s.pos
	s.pos++
	s.space()
	switch c := s.peek(); {
	case c == '{' && below != nil:
		return s.pairs(below)
	case k != nil && c != '{' && c != '[' && c != ']':
		v, start, end, ok := s.scalar()
		if !ok {
			return false
		}
		if v != nil {
			s.take(k, v, start, end)
		}
		if s.space(); s.closed() {
			return true
		}
	}
	s.pos = open
	return s.skip()
}

// list reads an array of strings, the values of several header fields of one name, as one value, joined
// as one header field has them. An array with anything else in it is as if absent.
func (s *scan) list(k *key) bool {
	r, open, begin := s.r, s.pos, len(s.r.scratch)
	first, last := 0, 0 // offsets of the values, less the outer quotes
	var v []byte
	var ok bool
	for more := true; more; {
		s.pos++
		s.space()
		if first == 0 {
			first = s.pos + 1
		}
		if len(r.scratch) > begin {
			r.scratch = append(r.scratch, k.field.joint()...)
		}
		at := len(r.scratch)
		if v, ok = s.text(); !ok {
			s.pos = open
			return s.skip()
		}
		last = s.pos - 1
		s.space()
		more = s.peek() == ','
		if len(r.scratch) == at && (more || at > begin) { // else text has decoded it there, or it is the only one
			r.scratch = append(r.scratch, v...)
		}
	}
	if !s.closed() {
		return false
	}
	if len(r.scratch) > begin {
		v = r.scratch[begin:len(r.scratch):len(r.scratch)]
	}
	s.take(k, v, first, last)
	return true
}

// another passes over a comma.
func (s *scan) another() bool {
	s.space()
	if s.peek() != ',' {
		return false
	}
	s.pos++
	s.space()
	return true
}

// closed passes over the bracket at an array's end.
func (s *scan) closed() bool {
	if s.peek() != ']' {
		return false
	}
	s.pos++
	return true
}

// element is scalar, but passes over objects and arrays too.
func (s *scan) element() (v []byte, start, end int, ok bool) {
	if c := s.peek(); c == '{' || c == '[' {
		return nil, s.pos, s.pos, s.skip()
	}
	return s.scalar()
}

// pairs reads [{"name":NAME,"value":VALUE},…] as if it were {NAME:VALUE,…}, names in lower case.
func (s *scan) pairs(at *level) bool {
	for s.peek() == '{' && s.pair(at) {
		if !s.another() {
			return s.closed()
		}
	}
	return false
}

// pair reads one object of a list of names and values.
func (s *scan) pair(at *level) bool {
	var name, value []byte
	var start, end int
	s.pos++
	s.space()
	for ok := s.peek() != '}'; ok; ok = s.another() {
		member, isName := s.text()
		if !isName || !s.colon() {
			return false
		}
		v, at, to, isValue := s.element()
		if !isValue {
			return false
		}
		switch string(member) {
		case "name":
			name = v
		case "value":
			value, start, end = v, at, to
		}
	}
	if s.peek() != '}' {
		return false
	}
	s.pos++
	if name != nil && value != nil {
		s.take(s.o.find(at, s.r.lower(name)).key, value, start, end)
	}
	return true
}

// colon passes over the colon between a name and its value.
func (s *scan) colon() bool {
	if s.space(); s.peek() != ':' {
		return false
	}
	s.pos++
	s.space()
	return true
}

// lower is v in lower case (ASCII), in the scratch memory.
func (r *recorder) lower(v []byte) []byte {
	start := len(r.scratch)
	r.scratch = append(r.scratch, v...)
	out := r.scratch[start:len(r.scratch):len(r.scratch)]
	for i, c := range out {
		if c-'A' < 26 {
			out[i] = c | 0x20
		}
	}
	return bytes.TrimSpace(out)
}
