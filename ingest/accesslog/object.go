package accesslog

// object is a format whose lines are JSON objects (RFC 8259), told apart by their keys. Objects
// inside are read where a key's path leads through them, else skipped without looking into them, so
// that no depth of nesting takes more than the line's own memory. Of an array the first value counts, or
// all of a header field that clients can send several times.
//
// It is more lenient than the RFC where servers are: strings may hold control characters, \xHH and
// bytes that are not UTF-8, and what is skipped is only checked for balanced brackets.
type object struct{ keyTable }

const maxPathKey = 128

func newObject(own []key, usual []spellings) reader {
	return &object{newKeyTable(own, usual)}
}

// read walks over one line.
func (o *object) read(line []byte, r *recorder) Reject {
	r.reserve(4 * len(line)) // for lists, and for values that are decoded twice
	s := scan{gather: gather{r: r}, o: o, b: line, escaped: hasEscapes(line)}
	s.space()
	if s.peek() != '{' {
		return r.fail(NotAnAccessLog, s.pos)
	}
	if !s.members() {
		return r.fail(BadJSON, s.pos)
	}
	if s.space(); s.pos < len(line) {
		return r.fail(TrailingText, s.pos)
	}
	return s.outcome()
}
