package accesslog

import (
	"bytes"
	"strings"
)

// Cookie is one cookie that a server logs by its name.
type Cookie struct {
	Name  string // as the log's format has it
	Value []byte
}

// cookiePrefix begins the names of nginx's variables for single cookies, and of such keys.
const cookiePrefix = "cookie_"

// maxNamedCookies is how many cookies a line can have one by one.
const maxNamedCookies = 16

func (r *recorder) addCookie(name string, v []byte) {
	if len(r.rec.Cookies) == maxNamedCookies || isAbsent(v) {
		return
	}
	r.cookies = append(r.cookies, Cookie{name, v})
	r.rec.Cookies = r.cookies[r.firstCookie:len(r.cookies):len(r.cookies)]
}

// AnyCookie tells whether a cookie of that name has a value for which is holds, be it in the Cookie
// header field (RFC 6265 section 4.2.1) or logged one by one. A name in the header field is compared
// exactly; one in the log's format regardless of case, since servers spell it as they like. Quotes
// around a value do not belong to it.
func (rec *Record) AnyCookie(name string, is func(value []byte) bool) bool {
	for _, c := range rec.Cookies {
		if strings.EqualFold(c.Name, name) && is(unquoted(c.Value)) {
			return true
		}
	}
	for rest := rec.Cookie; len(rest) > 0; {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte{';'})
		n, v, ok := bytes.Cut(pair, []byte{'='})
		if ok && string(bytes.TrimSpace(n)) == name && is(unquoted(bytes.TrimSpace(v))) {
			return true
		}
	}
	return false
}

func unquoted(v []byte) []byte {
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' {
		return v[1 : n-1]
	}
	return v
}

// joint is what joins the values of a header field that is there several times; "" for fields of which
// only the first counts.
func (f field) joint() string {
	switch f {
	case dnt, gpc, consent, forwardedFor:
		return ", "
	case cookie:
		return "; "
	}
	return ""
}
