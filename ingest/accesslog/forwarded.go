package accesslog

import "bytes"

// Which address is the client's, where a proxy stands before the server. X-Forwarded-For lists those
// whom a request came by, each proxy appending whom it was asked by. All but what trusted proxies
// appended is the client's own invention, so hops are counted from the right: with n trusted proxies,
// the last of which made the connection, the client is the n-th hop from the right.

// trust makes the n-th hop from the right the client's address, and tells whether there is one.
//
//   - Fewer hops than n: a request that did not come by all proxies, such as a health check; the
//     address of the connection stays.
//   - That hop is no address (unknown, an obfuscated identifier, a host name): no address is known,
//     since the connection's is a proxy's.
//   - A hop may have a port, brackets and a zone id, which are dropped.
func (rec *Record) trust(proxies int) bool {
	hop, ok := hopFromRight(rec.ForwardedFor, proxies)
	if !ok {
		return false
	}
	if v, ok := forwardedNode(hop); ok {
		hop = v
	}
	rec.RemoteAddr, rec.RemoteHost = parseAddress(hop), hop
	return true
}

// hopFromRight is the n-th element from the right of a list with commas between. Empty elements, which
// RFC 9110 section 5.6.1 asks to ignore, do not count.
func hopFromRight(list []byte, n int) (hop []byte, ok bool) {
	for {
		i := lastComma(list)
		if hop = trimBlanks(list[i+1:]); len(hop) > 0 {
			if n--; n == 0 {
				return hop, true
			}
		}
		if i < 0 {
			return nil, false
		}
		list = list[:i]
	}
}

// lastComma finds the last comma that is in no quoted string, -1 if there is none.
func lastComma(b []byte) int {
	quoted := false
	for i := len(b) - 1; i >= 0; i-- {
		switch {
		case b[i] == '"':
			quoted = !quoted
		case b[i] == ',' && !quoted:
			return i
		}
	}
	if quoted { // not a list of quoted strings at all
		return bytes.LastIndexByte(b, ',')
	}
	return -1
}

func trimBlanks(b []byte) []byte { return bytes.Trim(b, " \t") }

// forwardedNode takes the node that a hop of the header field Forwarded (RFC 7239 section 4) came
// from: the value of its parameter "for"; ok is false for a hop of X-Forwarded-For. A hop of Forwarded
// without that parameter is "unknown".
func forwardedNode(hop []byte) (node []byte, ok bool) {
	if bytes.IndexByte(hop, '=') < 0 {
		return nil, false
	}
	for len(hop) > 0 {
		pair := hop
		if i := bytes.IndexByte(hop, ';'); i >= 0 {
			pair, hop = hop[:i], hop[i+1:]
		} else {
			hop = nil
		}
		name, value, _ := bytes.Cut(trimBlanks(pair), []byte{'='})
		if len(name) == 3 && name[0]|0x20 == 'f' && name[1]|0x20 == 'o' && name[2]|0x20 == 'r' {
			return bytes.Trim(value, `"`), true
		}
	}
	return []byte("unknown"), true
}

// setChain reads X-Forwarded-For with the connection's own address after it, as nginx's
// $proxy_add_x_forwarded_for has it.
func (rec *Record) setChain(v []byte) {
	i := lastComma(v)
	if rec.RemoteHost == nil {
		own := trimBlanks(v[i+1:])
		rec.RemoteAddr, rec.RemoteHost = parseAddress(own), own
	}
	if i > 0 {
		rec.ForwardedFor = v[:i]
	}
}

// setAddress reads the client's address. Several with commas between are what a server wrote that logs
// X-Forwarded-For in its place; then the connection's is not known.
func (rec *Record) setAddress(v []byte) {
	rec.RemoteAddr, rec.RemoteHost = parseAddress(v), v
	if !rec.RemoteAddr.IsValid() && rec.ForwardedFor == nil && bytes.IndexByte(v, ',') >= 0 {
		rec.ForwardedFor = v
	}
}

// setAddressPort reads an address and the port after its last colon, which follows IPv6 without
// brackets too.
func (rec *Record) setAddressPort(v []byte) {
	addr := v
	if i := bytes.LastIndexByte(v, ':'); i >= 0 {
		addr = v[:i]
	}
	if isAbsent(addr) {
		return
	}
	rec.RemoteAddr, rec.RemoteHost = parseAddress(addr), addr
}
