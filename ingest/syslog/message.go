package syslog

import (
	"bytes"
	"strings"
)

// Message is the content of a syslog message, without the header of RFC 5424 or RFC 3164. What has no
// priority at its front is no syslog message and is returned whole. The result is part of frame.
//
// RFC 3164 only describes what was found in use: the time can be missing, have four forms, or be that of
// RFC 3339, the host name can be missing (nginx's nohostname), and so can the tag.
func Message(frame []byte) []byte {
	frame = bytes.TrimRight(frame, "\r\n\x00")
	rest, ok := priority(frame)
	if !ok {
		return frame
	}
	if after, ok := bytes.CutPrefix(rest, []byte("1 ")); ok {
		if msg, ok := structured(after); ok {
			return msg
		}
	}
	return untag(untime(rest))
}

// priority takes <N> off, a number of up to three digits.
func priority(b []byte) (rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '<' {
		return nil, false
	}
	i := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if i < 2 || !digits(b[1:i]) {
		return nil, false
	}
	return b[i+1:], true
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// structured takes off what follows the version in RFC 5424: five words, then structured data.
func structured(b []byte) (msg []byte, ok bool) {
	for range 5 {
		i := bytes.IndexByte(b, ' ')
		if i < 1 {
			return nil, false
		}
		b = b[i+1:]
	}
	if b, ok = data(b); !ok {
		return nil, false
	}
	b = bytes.TrimPrefix(b, []byte(" "))
	return bytes.TrimPrefix(b, []byte("\ufeff")), true
}

// data takes structured data off: "-", or elements in brackets with values in quotes.
func data(b []byte) (rest []byte, ok bool) {
	if len(b) > 0 && b[0] == '-' {
		return b[1:], len(b) == 1 || b[1] == ' '
	}
	elements := 0
	for ; len(b) > 0 && b[0] == '['; elements++ {
		end := element(b)
		if end == 0 {
			return nil, false
		}
		b = b[end:]
	}
	return b, elements > 0
}

// element is the length of the element at the front of b; 0 when it does not end.
func element(b []byte) int {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return i + 1
		}
	}
	return 0
}

// untime takes the time of RFC 3164, or of RFC 3339, off.
func untime(b []byte) []byte {
	const form = "Mmm dd hh:mm:ss "
	if len(b) >= len(form) && isMonth(b[:3]) && b[3] == ' ' && b[6] == ' ' && b[9] == ':' && b[12] == ':' && b[15] == ' ' {
		return b[len(form):]
	}
	if word, rest, ok := bytes.Cut(b, []byte{' '}); ok && len(word) >= len("2006-01-02T15:04:05Z") && word[4] == '-' && word[10] == 'T' && digits(word[:4]) {
		return rest
	}
	return b
}

func isMonth(b []byte) bool {
	const months = "JanFebMarAprMayJunJulAugSepOctNovDec"
	i := strings.Index(months, string(b))
	return i >= 0 && i%3 == 0
}

// untag takes the host name and the tag off: a tag is the first or the second word, and ends in a colon.
func untag(b []byte) []byte {
	rest := b
	for range 2 {
		word, after, ok := bytes.Cut(rest, []byte{' '})
		if isTag(word) {
			return after
		}
		if !ok {
			break
		}
		rest = after
	}
	return b
}

// isTag is careful not to take an IPv6 address for one.
func isTag(word []byte) bool {
	name, ok := bytes.CutSuffix(word, []byte{':'})
	return ok && len(name) > 0 && bytes.IndexByte(name, ':') < 0
}
