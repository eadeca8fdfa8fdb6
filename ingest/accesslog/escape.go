package accesslog

import (
	"bytes"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// expectEscapes tells whether the line has a backslash. If so it makes room for all that can be
// decoded, so that the scratch memory does not move while records alias it.
func (r *recorder) expectEscapes(line []byte) bool {
	if !hasEscapes(line) {
		return false
	}
	r.reserve(len(line))
	return true
}

func hasEscapes(line []byte) bool { return bytes.IndexByte(line, '\\') >= 0 }

// reserve makes room for n bytes of decoded values.
func (r *recorder) reserve(n int) { r.scratch = slices.Grow(r.scratch, n) }

// room is scratch memory for n bytes, which are the recorder's until they are taken.
func (r *recorder) room(n int) []byte {
	r.reserve(n)
	return r.scratch[len(r.scratch) : len(r.scratch)+n]
}

// taken takes the first bytes of room for a value.
func (r *recorder) taken(v []byte) []byte {
	r.scratch = r.scratch[:len(r.scratch)+len(v)]
	return v[:len(v):len(v)]
}

// unescape gives v with its escape sequences decoded: v itself where it has none, else a copy in the
// scratch memory.
//
// One decoder serves all writers, since each of them escapes the backslash itself and so never makes
// another's sequences: nginx escape=default (\xHH), Apache (\" \\ \n \t \r \b \f \v \xHH), JSON
// (\" \\ \/ \b \f \n \r \t \uHHHH). An unknown sequence stays as it is.
func (r *recorder) unescape(v []byte) []byte {
	i := bytes.IndexByte(v, '\\')
	if i < 0 {
		return v
	}
	start := len(r.scratch)
	for i >= 0 {
		r.scratch = append(r.scratch, v[:i]...)
		v = v[i:]
		n := 0
		if r.scratch, n = appendEscape(r.scratch, v); n == 0 {
			r.scratch = append(r.scratch, '\\')
			n = 1
		}
		v = v[n:]
		i = bytes.IndexByte(v, '\\')
	}
	r.scratch = append(r.scratch, v...)
	return r.scratch[start:len(r.scratch):len(r.scratch)]
}

// appendEscape appends what the sequence at the start of v stands for and tells its length; 0 is no
// sequence. What it appends is never longer than the sequence.
func appendEscape(dst, v []byte) ([]byte, int) {
	if len(v) < 2 {
		return dst, 0
	}
	switch c := v[1]; c {
	case '"', '\\', '/', '\'':
		return append(dst, c), 2
	case 'n':
		return append(dst, '\n'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'v':
		return append(dst, '\v'), 2
	case 'x':
		if len(v) < 4 {
			return dst, 0
		}
		hi, lo := hexValue(v[2]), hexValue(v[3])
		if hi > 15 || lo > 15 {
			return dst, 0
		}
		return append(dst, hi<<4|lo), 4
	case 'u':
		return appendUnicode(dst, v)
	}
	return dst, 0
}

// appendUnicode decodes \uHHHH, in pairs for a surrogate (RFC 8259 section 7); half a pair is
// U+FFFD.
func appendUnicode(dst, v []byte) ([]byte, int) {
	u, ok := codeUnit(v)
	if !ok {
		return dst, 0
	}
	if !utf16.IsSurrogate(u) {
		return utf8.AppendRune(dst, u), 6
	}
	if low, ok := codeUnit(v[6:]); ok {
		if full := utf16.DecodeRune(u, low); full != utf8.RuneError {
			return utf8.AppendRune(dst, full), 12
		}
	}
	return utf8.AppendRune(dst, utf8.RuneError), 6
}

func codeUnit(v []byte) (rune, bool) {
	if len(v) < 6 || v[0] != '\\' || v[1] != 'u' {
		return 0, false
	}
	u, width := leadingHex(v[2:6])
	return rune(u), width == 4
}

// expectHashes is expectEscapes for HAProxy's escapes.
func (r *recorder) expectHashes(line []byte) bool {
	if bytes.IndexByte(line, '#') < 0 {
		return false
	}
	r.scratch = slices.Grow(r.scratch, len(line))
	return true
}

// unescapeHashes is unescape for HAProxy's escapes: #XX is a byte in hexadecimal.
func (r *recorder) unescapeHashes(v []byte) []byte {
	i := bytes.IndexByte(v, '#')
	if i < 0 {
		return v
	}
	start := len(r.scratch)
	for i >= 0 {
		r.scratch = append(r.scratch, v[:i]...)
		v = v[i:]
		if len(v) > 2 && hexValue(v[1]) < 16 && hexValue(v[2]) < 16 {
			r.scratch = append(r.scratch, hexValue(v[1])<<4|hexValue(v[2]))
			v = v[3:]
		} else {
			r.scratch = append(r.scratch, '#')
			v = v[1:]
		}
		i = bytes.IndexByte(v, '#')
	}
	r.scratch = append(r.scratch, v...)
	return r.scratch[start:len(r.scratch):len(r.scratch)]
}
