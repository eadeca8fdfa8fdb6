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
	return t, t.checkClocks()
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

// directive reads one %-directive at pos and tells its length: %, modifiers (a list of status codes,
// perhaps after "!", "<" or ">"), {argument}, a letter, "^" and two.
func (t *template) directive(f bareFormat, pos int) (width int, err error) {
	s := f.text[pos:]
	n := 1
	for n < len(s) && strings.IndexByte("!<>,0123456789", s[n]) >= 0 {
		n++
	}
	argument := ""
	if n < len(s) && s[n] == '{' {
		end := strings.IndexByte(s[n:], '}')
		if end < 0 {
			return 0, badFormat(f.columns[pos+n], "the { that begins here has no }")
		}
		argument = s[n+1 : n+end]
		n += end + 1
	}
	letters := 1
	if n < len(s) && s[n] == '^' {
		letters = 3
	}
	if n+letters > len(s) || letters == 1 && s[n]|0x20-'a' > 25 {
		return 0, badFormat(f.columns[pos], "a %% without a directive's letter; %%%% stands for a percent sign")
	}
	letter := s[n : n+letters]
	width = n + letters
	v := variable{name: s[:width], column: f.columns[pos]}
	if letter == "t" {
		return width, t.time(v, argument)
	}
	m := apacheMeaning(letter, argument)
	if letter == "s" && !strings.Contains(s[:n], ">") {
		m.rank = 1 // of a request that was redirected inside, the last status is the client's
	}
	if m.field == namedCookie {
		v.cookie = argument
	}
	v.field, v.rank, v.list = m.field, m.rank, letter == "i" || letter == "o" || letter == "a" || letter == "h"
	t.vars = append(t.vars, v)
	return width, nil
}

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
	case letter == "T" && argument == "ms":
		return meaning{requestMillis, 1}
	case letter == "T" && argument == "us":
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
		v.rank = 1 // when the request came is what counts
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
