package accesslog

import "bytes"

// Preamble collects the lines of a log that say how the lines after them are to be read: the
// directives of the W3C format. Whoever reads a log from its middle gives them to [Parser.Restart]. It
// holds names of fields and dates, nothing of a request; at most two lines of 16 KiB.
//
// The zero value is that of a log's start.
type Preamble struct {
	fields, date []byte
	line         []byte // the beginning of a directive whose end was not written yet
	within       bool   // the last byte written was not a line's last, and line is not of that line
}

// ReadsPreamble tells whether lines of the format are read as lines before them say.
func ReadsPreamble(format string) bool {
	r, err := open(format)
	_, ok := r.(*w3c)
	return err == nil && ok
}

// NamesFields tells whether a log of the format says itself which fields it has, in every line or in
// directives.
func NamesFields(format string) bool {
	r, err := open(format)
	if s, ok := r.(syslog); ok {
		r = s.inner
	}
	_, named := r.(interface {
		find(at *level, name []byte, position int) (*key, *level)
	})
	return err == nil && named
}

// Write takes the bytes of the log in order. It never fails.
func (p *Preamble) Write(b []byte) (int, error) {
	n := len(b)
	if p.within || len(p.line) > 0 {
		b = p.finish(b)
	}
	for len(b) > 0 {
		if b[0] != '#' {
			i := bytes.Index(b, []byte("\n#"))
			if i < 0 {
				p.within = b[len(b)-1] != '\n'
				break
			}
			b = b[i+1:]
		}
		b = p.finish(b)
	}
	return n, nil
}

// finish takes the rest of a line that has begun and gives what follows it.
func (p *Preamble) finish(b []byte) []byte {
	end := bytes.IndexByte(b, '\n') + 1
	if end == 0 {
		end = len(b)
	}
	whole := end > 0 && b[end-1] == '\n'
	switch {
	case p.within:
	case len(p.line)+end > maxDirective+2: // with the line's end, a parser passes it over too
		p.line, p.within = p.line[:0], true
	default:
		p.line = append(p.line, b[:end]...)
	}
	if whole {
		p.keep()
		p.line, p.within = p.line[:0], false
	}
	return b[end:]
}

// keep keeps a directive that counts until the next of its kind.
func (p *Preamble) keep() {
	switch directiveName(withoutEnd(p.line)) {
	case "fields":
		p.fields = append(p.fields[:0], p.line...)
	case "date":
		p.date = append(p.date[:0], p.line...)
	}
}

// Lines are the directives in force behind what was written, each with its newline.
func (p *Preamble) Lines() []byte { return append(append([]byte(nil), p.fields...), p.date...) }

// Restart forgets what the lines read so far say about those after them. The next line is the one
// behind those of preamble.
func (p *Parser) Restart(preamble []byte) {
	w, ok := p.reader.(*w3c)
	if !ok {
		return
	}
	w.restart()
	for line := range bytes.Lines(preamble) {
		w.directive(withoutEnd(line))
	}
}
