package accesslog

import (
	"bytes"

	"throng"
)

// setRequest reads a request line (RFC 9112 section 3): method, target, protocol. Clients write
// anything there, and the line is worth keeping all the same: what is no request line leaves the
// record without method, target and protocol.
func (rec *Record) setRequest(b []byte) {
	sp := bytes.IndexByte(b, ' ')
	if sp <= 0 || !isToken(b[:sp]) {
		return
	}
	name, target := b[:sp], b[sp+1:]
	method := methodOf(name)
	end := len(target) - len(" HTTP/1.1")
	if end < 0 || target[end] != ' ' {
		end = bytes.LastIndexByte(target, ' ')
	}
	var protocol []byte
	if end >= 0 && bytes.HasPrefix(target[end+1:], []byte("HTTP/")) {
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
	t := rec.Target
	if len(t) > 0 && t[0] != '/' && rec.Method != throng.CONNECT {
		var host []byte
		if host, t = cutAuthority(t); len(host) > 0 {
			rec.Host = host
		}
	}
	if len(rec.Host) > 0 {
		rec.Host = withoutPort(rec.Host)
	}
	if len(t) == 0 || t[0] != '/' {
		return
	}
	if q := bytes.IndexByte(t, '?'); q >= 0 {
		rec.Query = t[q+1:]
		t = t[:q]
	}
	if f := bytes.IndexByte(t, '#'); f >= 0 {
		t = t[:f]
	}
	rec.Path = t
}

// cutAuthority splits a target in absolute form, http://host:port/path, into its host and the rest,
// which begins with a slash. User information is dropped. The rest of any other target is nil.
func cutAuthority(t []byte) (host, rest []byte) {
	i := bytes.Index(t, []byte("://"))
	if i <= 0 || !isToken(t[:i]) {
		return nil, nil
	}
	host = t[i+3:]
	rest = t[i+2 : i+3] // the path of http://host is "/"
	if end := bytes.IndexAny(host, "/?#"); end >= 0 {
		if host[end] == '/' {
			rest = host[end:]
		}
		host = host[:end]
	}
	if at := bytes.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	return host, rest
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
		if bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) < 0 {
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
