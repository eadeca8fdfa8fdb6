package anonymize

import (
	"bytes"
	"unicode/utf8"

	"throng"
)

// normalizer brings paths to one spelling and replaces segments that identify. It holds scratch
// memory only; its results are valid until the next call of normalize.
type normalizer struct {
	caseSensitive bool
	text          []byte
	// spelled is the path in one spelling, by which it is looked for in the route list; general is
	// the same with placeholders.
	spelled, general []byte
	asset            bool // the last segment had one of the suffixes
}

// otherSuffix is that of groups (see [throng.IsOther]).
var otherSuffix = []byte("/" + throng.Other)

const upperHex = "0123456789ABCDEF"

// maxDecodings is how often a path is percent-decoded; one that is encoded more often hides something.
const maxDecodings = 4

// normalize reads a request's path (method section 2). ok is false where it has no general form:
// control bytes, invalid UTF-8, more than [throng.MaxPathBytes], or percent-encoding of
// percent-encoding without end.
//
// Both forms are fixed points: the general form of a general form is itself.
func (n *normalizer) normalize(path []byte, assets suffixes) (ok bool) {
	n.spelled, n.general, n.asset = n.spelled[:0], n.general[:0], false
	if !n.decode(path) {
		return false
	}
	for rest, more := n.text, true; more; {
		var segment []byte
		segment, rest, more = bytes.Cut(rest, []byte{'/'})
		segment = cutParameters(segment)
		switch {
		case len(segment) == 0, string(segment) == ".", isSessionSegment(segment):
			continue
		case string(segment) == "..":
			n.spelled, n.general, n.asset = parent(n.spelled), parent(n.general), false
			continue
		}
		n.asset = assets.match(segment)
		n.appendSegment(segment)
		if len(n.general) > throng.MaxPathBytes {
			return false
		}
		if bytes.HasSuffix(n.general, otherSuffix) {
			break // a group has nothing below it
		}
	}
	if len(n.general) == 0 {
		n.spelled, n.general = append(n.spelled, '/'), append(n.general, '/')
	}
	return true
}

func parent(path []byte) []byte { return path[:max(bytes.LastIndexByte(path, '/'), 0)] }

// decode percent-decodes into n.text until nothing changes, and cuts off a query or fragment, however
// it was encoded: whatever a server would split, an encoded secret must not slip through.
func (n *normalizer) decode(path []byte) (ok bool) {
	n.text = append(n.text[:0], path...)
	for range maxDecodings {
		if i := bytes.IndexAny(n.text, "?#"); i >= 0 {
			n.text = n.text[:i]
		}
		if !decodeOnce(&n.text) {
			return utf8.Valid(n.text) && bytes.IndexFunc(n.text, isControl) < 0
		}
	}
	return false
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// decodeOnce decodes in place what is a valid escape and tells whether there was one.
func decodeOnce(text *[]byte) (changed bool) {
	b := *text
	first := bytes.IndexByte(b, '%')
	if first < 0 {
		return false
	}
	out := b[:first]
	for i := first; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]) {
			out = append(out, unhex(b[i+1])<<4|unhex(b[i+2]))
			i += 2
			changed = true
			continue
		}
		out = append(out, b[i])
	}
	*text = out
	return changed
}

func isHex(c byte) bool {
	return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// appendSegment adds a decoded segment to both forms: its text, with everything encoded that RFC 3986
// does not allow in a segment, and in the general form a placeholder where it identifies.
func (n *normalizer) appendSegment(segment []byte) {
	n.spelled = n.appendText(append(n.spelled, '/'), segment)
	afterSecret := isSecretName(n.general[bytes.LastIndexByte(n.general, '/')+1:])
	n.general = append(n.general, '/')
	stem, extension := cutExtension(segment)
	p := placeholder(stem)
	switch {
	case p != "":
	case afterSecret && !bytes.EqualFold(segment, []byte(throng.Other)):
		p, extension = tokenPlaceholder, nil
	default:
		// What is before the last dot is no token; with what is behind it, it can be one.
		if len(stem) < len(segment) {
			p, extension = placeholder(segment), nil
		}
		if p == "" {
			n.general = n.appendText(n.general, segment)
			return
		}
	}
	n.general = n.appendText(append(n.general, p...), extension)
}

// spell spells the literal text of a route's segment.
func (n *normalizer) spell(text string) string {
	n.decode([]byte(text))
	return string(n.appendText(nil, n.text))
}

func (n *normalizer) appendText(to, text []byte) []byte {
	for _, c := range text {
		switch {
		case 'A' <= c && c <= 'Z' && !n.caseSensitive:
			to = append(to, c|0x20)
		case plain[c]:
			to = append(to, c)
		default:
			to = append(to, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return to
}

// plain holds the bytes that stand for themselves in a segment: pchar of RFC 3986 less ";".
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			bytes.IndexByte([]byte("-._~!$&'()*+,=:@"), byte(c)) >= 0
	}
	return t
}()

// suffixes are the file-name suffixes of assets, in lower case, each with its dot.
type suffixes map[string]bool

const maxSuffix = 16

// match looks up what begins with the last dot of a segment.
func (s suffixes) match(segment []byte) bool {
	dot := bytes.LastIndexByte(segment, '.')
	if dot < 0 || len(segment)-dot > maxSuffix {
		return false
	}
	var lower [maxSuffix]byte
	n := copy(lower[:], segment[dot:])
	for i, c := range lower[:n] {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c | 0x20
		}
	}
	return s[string(lower[:n])]
}

// AssetSuffixes are the suffixes that are no page views unless Options say otherwise.
func AssetSuffixes() []string {
	return []string{
		".css", ".js", ".mjs", ".map", ".wasm", ".json", ".xml", ".txt", ".webmanifest",
		".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg", ".ico", ".bmp", ".tif", ".tiff", ".cur",
		".woff", ".woff2", ".ttf", ".otf", ".eot",
		".mp3", ".mp4", ".m4a", ".m4v", ".m3u8", ".ts", ".webm", ".ogg", ".wav", ".avi", ".mov", ".flv", ".swf",
	}
}
