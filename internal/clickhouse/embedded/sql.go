package embedded

import "strings"

// splitInsert cuts an INSERT whose data follows in the same text, or in the request's body, into the
// statement, the format and the data. ok is false for every other text: it is run as it is.
func splitInsert(text string) (statement, format, data string, ok bool) {
	s := scanner{text: text}
	if w, ok := s.word(); !ok || !strings.EqualFold(w, "INSERT") {
		return "", "", "", false
	}
	for {
		w, ok := s.word()
		if !ok || s.semicolon {
			return "", "", "", false
		}
		if s.depth > 0 {
			continue
		}
		switch strings.ToUpper(w) {
		case "VALUES", "SELECT", "WITH":
			return "", "", "", false
		case "FORMAT":
			statement = text[:s.pos-len(w)]
			format, ok = s.word()
			if !ok || strings.EqualFold(format, "Values") {
				return "", "", "", false
			}
			return statement, format, skipLineEnd(text[s.pos:]), true
		}
	}
}

// skipLineEnd drops what separates a format's name from data on the next line.
func skipLineEnd(s string) string {
	t := strings.TrimLeft(s, " \t\r;")
	return strings.TrimPrefix(t, "\n")
}

// verb is the first keyword of a statement in upper case.
func verb(text string) string {
	s := scanner{text: text}
	w, _ := s.word()
	return strings.ToUpper(w)
}

// outputFormat is the format in the FORMAT clause that ends a query, or else.
func outputFormat(text, otherwise string) string {
	s := scanner{text: text}
	last, before := "", ""
	for {
		w, ok := s.word()
		if !ok {
			break
		}
		last, before = w, last
	}
	if strings.EqualFold(before, "FORMAT") && strings.HasSuffix(strings.TrimRight(text, " \t\r\n;"), last) {
		return last
	}
	return otherwise
}

// scanner walks over the words of a statement and steps over all that is no keyword: literals, quoted
// identifiers and comments.
type scanner struct {
	text      string
	pos       int
	depth     int  // of parentheses
	semicolon bool // one was passed
}

// word is the next bare word; the scanner stands behind it.
func (s *scanner) word() (string, bool) {
	for s.pos < len(s.text) {
		rest := s.text[s.pos:]
		switch c := rest[0]; {
		case isWordByte(c):
			n := 0
			for n < len(rest) && isWordByte(rest[n]) {
				n++
			}
			s.pos += n
			return rest[:n], true
		case c == '\'' || c == '`' || c == '"':
			s.pos += quotedLen(rest)
		case strings.HasPrefix(rest, "--"):
			s.skipThrough("\n")
		case strings.HasPrefix(rest, "/*"):
			s.skipThrough("*/")
		default:
			s.punctuation(c)
		}
	}
	return "", false
}

func (s *scanner) punctuation(c byte) {
	switch c {
	case '(':
		s.depth++
	case ')':
		s.depth--
	case ';':
		s.semicolon = true
	}
	s.pos++
}

func (s *scanner) skipThrough(end string) {
	i := strings.Index(s.text[s.pos:], end)
	if i < 0 {
		s.pos = len(s.text)
		return
	}
	s.pos += i + len(end)
}

// quotedLen is the length of the literal or quoted identifier at the start of s. A doubled quote is
// read as two literals, which comes to the same.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// literal quotes a string for SQL.
func literal(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// identifier quotes a name for SQL.
func identifier(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}
