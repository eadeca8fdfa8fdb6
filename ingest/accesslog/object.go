package accesslog

// object is a format whose lines are JSON objects (RFC 8259), told apart by their keys. Objects
// inside are read where a key's path leads through them, else skipped without looking into them, so
// that no depth of nesting takes more than the line's own memory. Of an array the first value counts, or
// all of a header field that clients can send several times.
//
// It is more lenient than the RFC where servers are: strings may hold control characters, \xHH and
// bytes that are not UTF-8, and what is skipped is only checked for balanced brackets.
type object struct {
	keyTable
	path [maxPathKey]byte // of the object that is read, each name with a dot after it
}

const maxPathKey = 128

func newObject(own []key, usual []spellings) reader {
	return &object{keyTable: newKeyTable(own, usual)}
}

// read walks over one line.
func (o *object) read(line []byte, r *recorder) Reject {
	r.reserve(4 * len(line)) // for lists, and for values that are decoded twice
	s := scan{gather: gather{r: r}, o: o, b: line, escaped: hasEscapes(line)}
	s.space()
	if s.peek() != '{' {
		return r.fail(NotAnAccessLog, s.pos)
	}
	if !s.members(0) {
		return r.fail(BadJSON, s.pos)
	}
	if s.space(); s.pos < len(line) {
		return r.fail(TrailingText, s.pos)
	}
	return s.outcome()
}

// join is the path of a key in the object whose path has n bytes; nil if it is longer than any that
// is looked for.
func (o *object) join(n int, name []byte) []byte {
	if n == 0 {
		return name
	}
	if n+len(name) > len(o.path) {
		return nil
	}
	copy(o.path[n:], name)
	return o.path[:n+len(name)]
}

// enter makes the object at path the one that is read and tells its path's length with the dot. Keys
// lead through it, so there is room for both.
func (o *object) enter(path []byte) (n int) {
	n = copy(o.path[:], path)
	o.path[n] = '.'
	return n + 1
}
