package accesslog

import (
	"strings"
)

// object is a format whose lines are JSON objects (RFC 8259), told apart by their keys. Objects
// inside are read where a key's path leads through them, else skipped; of an array the first element
// counts, or all of a header field that clients can send several times.
//
// It is more lenient than the RFC where servers are: strings may hold control characters, \xHH and
// bytes that are not UTF-8, and what is skipped is only checked for balanced brackets.
type object struct {
	keys map[string]*key
	// inner holds the paths of objects that keys lead through.
	inner map[string]bool
	// guess holds the keys of the last line in their order, since most lines have the same.
	guess [64]*key
	path  [maxPathKey]byte // of the object that is read, each name with a dot after it
	seen  bool             // a line had the key of a signal
	// cookies is the number of keys that addCookie made.
	cookies int
}

const maxPathKey = 128

// key is one spelling of a field.
type key struct {
	path  string // names from the outside in, joined by dots
	field field
	// rank orders the spellings of a field. A line may have several, and the lowest rank counts; the
	// last of equals.
	rank   uint8
	cookie string // the name of a namedCookie
}

// spellings are the keys of one field, separated by spaces, the one that counts most first.
type spellings struct {
	field field
	paths string
}

// jsonKeys are those of nginx formats with escape=json as they are passed around, of Caddy, and of
// NDJSON records.
var jsonKeys = []spellings{
	{remoteAddr, "remote_addr client_ip remote_ip clientip client_addr request.client_ip request.remote_ip"},
	{forwardedFor, "http_x_forwarded_for x_forwarded_for forwarded_for request.headers.X-Forwarded-For"},
	{remoteUser, "remote_user user user_id"},
	{timestamp, "time_iso8601 time_local msec time ts timestamp @timestamp"},
	{request, "request request_line"},
	{method, "request_method method verb request.method"},
	{target, "request_uri target uri url path request.uri"},
	{query, "args query_string query"},
	{protocol, "server_protocol protocol proto request.proto"},
	{status, "status status_code response_status"},
	{size, "body_bytes_sent bytes_sent bytes size response_size"},
	{referer, "http_referer referer referrer http_referrer request.headers.Referer"},
	{userAgent, "http_user_agent user_agent useragent agent request.headers.User-Agent"},
	{host, "host http_host vhost server_name request.host"},
	{requestTime, "request_time duration"},
	{dnt, "http_dnt dnt request.headers.Dnt request.headers.DNT"},
	{gpc, "http_sec_gpc sec_gpc gpc request.headers.Sec-Gpc"},
	{cookie, "http_cookie cookie request.headers.Cookie"},
	{consent, "consent sent_http_tk http_x_consent resp_headers.Tk"},
}

func newObject(fields []spellings) *object {
	o := &object{keys: map[string]*key{}, inner: map[string]bool{}}
	for _, f := range fields {
		for rank, path := range strings.Fields(f.paths) {
			o.keys[path] = &key{path: path, field: f.field, rank: uint8(rank)}
			for i, c := range path {
				if c == '.' {
					o.inner[path[:i]] = true
				}
			}
		}
	}
	return o
}

func (o *object) signals() bool { return o.seen }

// read walks over one line.
func (o *object) read(line []byte, r *recorder) Reject {
	s := scan{o: o, r: r, b: line, escaped: r.expectEscapes(line)}
	s.roomy = s.escaped
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
	switch {
	case s.reject != accepted && (s.reject != BadTime || !r.timed):
		return r.fail(s.reject, s.rejectAt)
	case r.rec.Status == 0 && r.rec.Target == nil && !s.requested:
		return r.fail(NotAnAccessLog, 0)
	case !r.timed:
		return r.fail(NoTime, 0)
	}
	return accepted
}

// find looks a key up by its full path; nil is a key that means no field.
func (o *object) find(path []byte, position int) *key {
	if position >= len(o.guess) {
		return o.keys[string(path)]
	}
	if k := o.guess[position]; k != nil && k.path == string(path) {
		return k
	}
	k := o.keys[string(path)]
	if k == nil {
		k = o.addCookie(path)
	}
	if k != nil {
		o.guess[position] = k
	}
	return k
}

// addCookie makes a key of one that names a cookie (nginx's $cookie_NAME), as long as there are not more
// of these than anyone writes into a log format.
func (o *object) addCookie(path []byte) *key {
	if o.cookies == maxNamedCookies || !hasPrefix(path, cookiePrefix) || len(path) == len(cookiePrefix) {
		return nil
	}
	o.cookies++
	k := &key{path: string(path), field: namedCookie}
	k.cookie = k.path[len(cookiePrefix):]
	o.keys[k.path] = k
	return k
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

// enter makes the object at path the one that is read and tells its path's length with the dot; ok is
// false if no key leads there.
func (o *object) enter(path []byte) (n int, ok bool) {
	if !o.inner[string(path)] || len(path)+1 > len(o.path) {
		return 0, false
	}
	n = copy(o.path[:], path)
	o.path[n] = '.'
	return n + 1, true
}
