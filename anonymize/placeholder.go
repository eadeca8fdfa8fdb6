package anonymize

import (
	"bytes"
)

// Placeholders stand for whole segments that can identify a person or a thing of theirs. A segment
// that merely contains a number (title-38) stays.
const (
	numberPlaceholder = "*number*" // digits, with the signs that dates, versions and telephone numbers have
	uuidPlaceholder   = "*uuid*"   // RFC 9562, braces or urn:uuid: allowed
	hexPlaceholder    = "*hex*"    // at least 16 hexadecimal digits, or groups of them between colons
	tokenPlaceholder  = "*token*"  // at least 20 characters, letters and digits mixed like base64
	emailPlaceholder  = "*email*"  // anything@anything
)

const (
	minHex   = 16
	minToken = 20
	// minSwitches is how often letter and digit must alternate in a text of several words to be no
	// title: "covid-19-2nd-wave-4k" has two.
	minSwitches = 6
)

// placeholder is what stands for a decoded segment, "" where it can stay. It decides the same for
// upper and lower case, as far as a text in lower case can still tell.
func placeholder(s []byte) string {
	switch {
	case isEmail(s):
		return emailPlaceholder
	case isUUID(s):
		return uuidPlaceholder
	case isNumber(s):
		return numberPlaceholder
	case isHexText(s):
		return hexPlaceholder
	case isToken(s):
		return tokenPlaceholder
	}
	return ""
}

// maxExtension is the longest file extension, without its dot, that is set apart from a stem.
const maxExtension = 5

// cutExtension splits "12345.html" in "12345" and ".html". An extension is short and made of letters.
func cutExtension(segment []byte) (stem, extension []byte) {
	dot := bytes.LastIndexByte(segment, '.')
	if dot <= 0 || len(segment)-dot-1 > maxExtension || len(segment)-dot-1 == 0 {
		return segment, nil
	}
	for _, c := range segment[dot+1:] {
		if !isLetter(c) {
			return segment, nil
		}
	}
	if bytes.IndexByte(segment, '@') >= 0 {
		return segment, nil // the end of an address is no extension
	}
	return segment[:dot], segment[dot:]
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c-'0' <= 9 }

func isEmail(s []byte) bool {
	at := bytes.IndexByte(s, '@')
	return at > 0 && at < len(s)-1
}

func isNumber(s []byte) bool {
	digits := 0
	for _, c := range s {
		switch {
		case isDigit(c):
			digits++
		case bytes.IndexByte([]byte("-+.,:_ ()"), c) < 0:
			return false
		}
	}
	return digits > 0
}

func isUUID(s []byte) bool {
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) == 45 && bytes.EqualFold(s[:9], []byte("urn:uuid:")) {
		s = s[9:]
	}
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash && c != '-' || !dash && !isHex(c) {
			return false
		}
	}
	return true
}

// isHexText is for hashes, hardware addresses and IPv6 addresses.
func isHexText(s []byte) bool {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		s = s[2:]
	}
	digits, colons := 0, 0
	for _, c := range s {
		switch {
		case isHex(c):
			digits++
		case c == ':':
			colons++
		case c != '.' && c != '-' || colons == 0:
			return false
		}
	}
	return colons == 0 && digits >= minHex || colons >= 2
}

// isToken finds text that nobody would write: one word of letters and digits, or of letters whose case
// changes as if by chance, or several words in which letters and digits alternate.
func isToken(s []byte) bool {
	if len(s) < minToken {
		return false
	}
	switches := 0
	for len(s) > 0 {
		n := wordLength(s)
		w := inspect(s[:n])
		if n >= minToken && (w.letters > 0 && w.digits > 0 || 5*w.caseChanges >= 2*n) {
			return true
		}
		switches += w.switches
		s = s[n:]
		if len(s) > 0 {
			s = s[1:]
		}
	}
	return switches >= minSwitches
}

// wordLength counts the letters and digits at the beginning of s.
func wordLength(s []byte) int {
	for i, c := range s {
		if !isLetter(c) && !isDigit(c) {
			return i
		}
	}
	return len(s)
}

type wordShape struct {
	letters, digits int
	switches        int // between letter and digit
	caseChanges     int
}

func inspect(word []byte) (w wordShape) {
	for i, c := range word {
		if isDigit(c) {
			w.digits++
		} else {
			w.letters++
		}
		if i == 0 {
			continue
		}
		p := word[i-1]
		switch {
		case isDigit(c) != isDigit(p):
			w.switches++
		case isLetter(c) && (c^p)&0x20 != 0:
			w.caseChanges++
		}
	}
	return w
}
