package accesslog

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendNDJSON appends the record as one JSON object and a newline, with the field names time (RFC
// 3339, UTC), remote_addr, forwarded_for, remote_user, method, target, path, query, protocol, status,
// bytes, referer, user_agent, host, request_time (seconds), dnt and sec_gpc. Absent fields are left
// out; bytes that are not UTF-8 become U+FFFD. The format json reads it back.
//
// The result is the raw zone as text. It is for a person who looks at logs of their own.
func AppendNDJSON(dst []byte, rec *Record) []byte {
	dst = append(dst, `{"time":"`...)
	dst = time.Unix(rec.Time, 0).UTC().AppendFormat(dst, time.RFC3339)
	dst = append(dst, '"')
	if rec.RemoteAddr.IsValid() {
		dst = append(dst, `,"remote_addr":"`...)
		dst = append(rec.RemoteAddr.AppendTo(dst), '"')
	} else {
		dst = appendMember(dst, "remote_addr", rec.RemoteHost)
	}
	dst = appendMember(dst, "forwarded_for", rec.ForwardedFor)
	dst = appendMember(dst, "remote_user", rec.RemoteUser)
	dst = appendMember(dst, "method", rec.MethodText)
	dst = appendMember(dst, "target", rec.Target)
	dst = appendMember(dst, "path", rec.Path)
	dst = appendMember(dst, "query", rec.Query)
	dst = appendMember(dst, "protocol", rec.Protocol)
	if rec.Status != 0 {
		dst = append(dst, `,"status":`...)
		dst = strconv.AppendUint(dst, uint64(rec.Status), 10)
	}
	dst = append(dst, `,"bytes":`...)
	dst = strconv.AppendUint(dst, rec.Bytes, 10)
	dst = appendMember(dst, "referer", rec.Referer)
	dst = appendMember(dst, "user_agent", rec.UserAgentText())
	dst = appendMember(dst, "host", rec.Host)
	if seconds, ok := rec.RequestTime.Seconds(); ok {
		dst = append(dst, `,"request_time":`...)
		dst = strconv.AppendFloat(dst, seconds, 'f', -1, 64)
	}
	dst = appendMember(dst, "dnt", rec.DNT.Value)
	dst = appendMember(dst, "sec_gpc", rec.GPC.Value)
	return append(dst, "}\n"...)
}

func appendMember(dst []byte, name string, v []byte) []byte {
	if len(v) == 0 {
		return dst
	}
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":"`...)
	for len(v) > 0 {
		c, n := utf8.DecodeRune(v)
		dst = appendEscaped(dst, c)
		v = v[n:]
	}
	return append(dst, '"')
}

// appendEscaped appends one character of a JSON string (RFC 8259 section 7).
func appendEscaped(dst []byte, c rune) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', byte(c))
	case c < ' ':
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return utf8.AppendRune(dst, c)
}
