package accesslog

import (
	"bytes"
	"strings"

	"throng"
)

// setRequest reads a request line (RFC 9112 section 3): method, target, protocol. Clients write
// anything there, and the line is worth keeping all the same: what is no request line leaves the
// record without method, target and protocol.
func (rec *Record) setRequest(b []byte) {
	sp := len("GET")
	method := throng.GET
	if len(b) < 4 || string(b[:4]) != "GET " {
		sp = bytes.IndexByte(b, ' ')
		if sp <= 0 || !isToken(b[:sp]) {
			return
		}
		method = methodOf(b[:sp])
	}
	name, target := b[:sp], b[sp+1:]
	end := len(target) - len(" HTTP/1.1")
	if end < 0 || target[end] != ' ' {
		end = bytes.LastIndexByte(target, ' ')
	}
	var protocol []byte
	if end >= 0 && len(target)-end > 5 && string(target[end+1:end+6]) == "HTTP/" {
		target, protocol = target[:end], target[end+1:]
	} else if method != throng.GET || len(target) == 0 || target[0] != '/' {
		return // only HTTP/0.9 has no protocol, and it has only GET
	}
	if len(target) == 0 {
		return
	}
	rec.Method, rec.MethodText, rec.Target, rec.Protocol = method, name, target, protocol
}

// resolve derives path, query and host from the target, once all fields of the line are read. The
// host of a target in absolute form goes before the server's (RFC 9112 section 3.2.2).
func (rec *Record) resolve() {
	path := rec.Target
	if len(path) > 0 && path[0] != '/' {
		path = rec.resolveAbsolute()
	}
	if len(rec.Host) > 0 {
		rec.Host = withoutPort(rec.Host)
	}
	if len(path) == 0 {
		return
	}
	if q := bytes.IndexByte(path, '?'); q >= 0 {
		path, rec.Query = path[:q], path[q+1:]
	}
	if f := bytes.IndexByte(path, '#'); f >= 0 {
		path = path[:f]
	}
	rec.Path = path
}

// resolveAbsolute takes the host from a target in absolute form, such as http://host:port/path?query,
// and gives what follows the authority, from its slash on; nil for a target in another form. User
// information is dropped.
func (rec *Record) resolveAbsolute() (path []byte) {
	t := rec.Target
	i := bytes.Index(t, []byte("://"))
	if rec.Method == throng.CONNECT || i <= 0 || !isToken(t[:i]) {
		return nil
	}
	authority := t[i+3:]
	path = t[i+2 : i+3] // an empty path is "/"
	if end := bytes.IndexAny(authority, "/?#"); end >= 0 {
		switch authority[end] {
		case '/':
			path = authority[end:]
		case '?':
			rec.Query = authority[end+1:]
		}
		authority = authority[:end]
	}
	if at := bytes.LastIndexByte(authority, '@'); at >= 0 {
		authority = authority[at+1:]
	}
	if len(authority) > 0 {
		rec.Host = authority
	}
	return path
}

// withoutPort drops the port of host:port and [v6]:port.
func withoutPort(host []byte) []byte {
	i := bytes.LastIndexByte(host, ':')
	if i < 0 || !isPort(host[i:]) || bytes.IndexByte(host[:i], ':') >= 0 && host[i-1] != ']' {
		return host
	}
	return host[:i]
}

// isToken tells whether b is a token (RFC 9110 section 5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if c|0x20-'a' < 26 || c-'0' < 10 {
			continue
		}
		if strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(b) > 0
}

func methodOf(b []byte) throng.Method {
	switch string(b) {
	case "GET":
		return throng.GET
	case "HEAD":
		return throng.HEAD
	case "POST":
		return throng.POST
	case "PUT":
		return throng.PUT
	case "DELETE":
		return throng.DELETE
	case "OPTIONS":
		return throng.OPTIONS
	case "PATCH":
		return throng.PATCH
	case "CONNECT":
		return throng.CONNECT
	case "TRACE":
		return throng.TRACE
	}
	return throng.OtherMethod
}
