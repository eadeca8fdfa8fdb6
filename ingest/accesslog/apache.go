package accesslog

import (
	"strings"
)

// apacheDirectives are those of Apache's LogFormat that are read and have no argument; all others are
// skipped. https://httpd.apache.org/docs/current/mod/mod_log_config.html
var apacheDirectives = map[string]meaning{
	"a": {remoteAddr, 0},
	"h": {remoteAddr, 1},
	"u": {remoteUser, 0},
	"r": {request, 0},
	"m": {method, 0},
	"U": {target, 0},
	"q": {query, 0},
	"H": {protocol, 0},
	"s": {status, 0},
	"b": {size, 0},
	"B": {size, 0},
	"O": {size, 1},
	"V": {host, 0},
	"v": {host, 2},
	"T": {requestTime, 2},
	"D": {requestMicros, 0},
}

// apacheHeaders are the request header fields that are read, in lower case.
var apacheHeaders = map[string]meaning{
	"referer":         {referer, 0},
	"user-agent":      {userAgent, 0},
	"host":            {host, 1},
	"x-forwarded-for": {forwardedFor, 0},
	"forwarded":       {forwardedFor, 2},
	"dnt":             {dnt, 0},
	"sec-gpc":         {gpc, 0},
	"cookie":          {cookie, 0},
	"x-consent":       {consent, 0},
}

// parseApache reads a format in the language of Apache's LogFormat.
func parseApache(f bareFormat) (*template, error) {
	t := &template{}
	for pos := 0; pos < len(f.text); {
		switch c := f.text[pos]; {
		case c == '\\' && pos+1 < len(f.text) && strings.IndexByte(`"\tn`, f.text[pos+1]) >= 0:
			t.fixed(unescapeOne(f.text[pos+1]))
			pos += 2
		case c == '%' && strings.HasPrefix(f.text[pos:], "%%"):
			t.fixed("%")
			pos += 2
		case c == '%':
			n, err := t.directive(f, pos)
			if err != nil {
				return nil, err
			}
			pos += n
		default:
			t.fixed(f.text[pos : pos+1])
			pos++
		}
	}
	t.boundFractions()
	return t, t.checkClocks()
}

// boundFractions makes the end of a second's fraction known where a zone follows it at once: it has three
// digits, or six.
func (t *template) boundFractions() {
	for i := range t.vars[:max(len(t.vars)-1, 0)] {
		v := &t.vars[i]
		switch {
		case v.after != "":
		case strings.HasSuffix(v.name, "msec_frac}t"):
			v.clock = fraction(3)
		case strings.HasSuffix(v.name, "usec_frac}t"):
			v.clock = fraction(6)
		}
	}
}

// unescapeOne is what \c stands for in a format.
func unescapeOne(c byte) string {
	switch c {
	case 't':
		return "\t"
	case 'n':
		return "\n"
	}
	return string(rune(c))
}

// directive reads one %-directive at pos and tells its length: %, then in any order modifiers (a list of
// status codes, perhaps after "!", "<", ">") and {argument}, then a letter, or "^" and two.
func (t *template) directive(f bareFormat, pos int) (width int, err error) {
	s := f.text[pos:]
	n, argument, conditional, final := 1, "", false, false
	for n < len(s) && strings.IndexByte("!<>,0123456789{", s[n]) >= 0 {
		width := 1
		switch c := s[n]; c {
		case '{':
			if width = strings.IndexByte(s[n:], '}') + 1; width == 0 {
				return 0, badFormat(f.columns[pos+n], "the { that begins here has no }")
			}
			argument = s[n+1 : n+width-1]
		case '>':
			final = true
		case '<':
		default:
			conditional = true
		}
		n += width
	}
	letters := directiveLetters(s[n:])
	if letters == 0 {
		return 0, badFormat(f.columns[pos], "a %% without a directive's letter; %%%% stands for a percent sign")
	}
	letter := s[n : n+letters]
	width = n + letters
	v := variable{name: s[:width], column: f.columns[pos]}
	if conditional {
		v.rank = conditionally
	}
	if letter == "t" {
		return width, t.time(v, argument)
	}
	m := apacheMeaning(letter, argument)
	if letter == "s" && !final {
		m.rank = 1 // of a request that was redirected inside, the last status is the client's
	}
	if m.field == namedCookie {
		v.cookie = argument
	}
	v.field, v.list = m.field, letter == "i" || letter == "o" || letter == "a" || letter == "h"
	v.rank += m.rank
	t.vars = append(t.vars, v)
	return width, nil
}

// conditionally is added to the rank of what is logged for some statuses only: the same without
// condition says more.
const conditionally = 8

// directiveLetters is how many bytes name a directive at the start of s: a letter, "^" and two, or none.
func directiveLetters(s string) int {
	switch {
	case len(s) > 0 && isLetter(s[0]):
		return 1
	case len(s) > 2 && s[0] == '^' && isLetter(s[1]) && isLetter(s[2]):
		return 3
	}
	return 0
}

func isLetter(c byte) bool { return c|0x20-'a' < 26 }

func apacheMeaning(letter, argument string) meaning {
	switch {
	case letter == "i":
		return apacheHeaders[strings.ToLower(argument)]
	case letter == "o" && strings.EqualFold(argument, "Tk"):
		return meaning{consent, 0}
	case letter == "C" && argument != "":
		return meaning{namedCookie, 0}
	case letter == "a" && argument == "c":
		return meaning{} // the proxy's, where mod_remoteip says the client's
	case letter == "T" && strings.EqualFold(argument, "ms"):
		return meaning{requestMillis, 1}
	case letter == "T" && strings.EqualFold(argument, "us"):
		return meaning{requestMicros, 0}
	case argument != "" && letter != "T" && letter != "s":
		return meaning{}
	}
	return apacheDirectives[letter]
}

// time reads %t and %{format}t.
func (t *template) time(v variable, format string) error {
	phase := ""
	for _, p := range []string{"begin", "end"} {
		if rest, ok := strings.CutPrefix(format, p+":"); ok {
			phase, format = p, rest
		} else if format == p {
			phase, format = p, ""
		}
	}
	v.field = timestamp
	if phase == "end" {
		v.rank++ // when the request came is what counts
	}
	switch format {
	case "":
		t.fixed("[")
		v.after = "]"
	case "sec", "msec", "usec":
	case "msec_frac", "usec_frac":
		v.field = unused
	default:
		c, err := newClock(format, v.column+strings.Index(v.name, format))
		if err != nil {
			return err
		}
		v.clock = c
		v.rank += 2
	}
	t.vars = append(t.vars, v)
	return nil
}

// checkClocks makes sure that a time can be made of the format's patterns. Where the format has a
// whole time too, that one counts and they are skipped.
func (t *template) checkClocks() error {
	var all directives
	column, whole := 0, false
	for _, v := range t.vars {
		switch {
		case v.clock != nil:
			all |= v.clock.has
			if column == 0 {
				column = v.column
			}
		case v.field == timestamp:
			whole = true
		}
	}
	if column == 0 || whole {
		return nil
	}
	if missing := all.missing(); missing != "" {
		return badFormat(column, "the time has no %s", missing)
	}
	return nil
}
