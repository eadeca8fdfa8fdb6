package anonymize

import "bytes"

// Placeholders stand for whole segments that can identify a person or a thing of theirs. A segment
// that merely contains a short number (title-38) stays. docs/paths.md has the reasons.
const (
	numberPlaceholder  = "*number*"  // digits, with the signs that dates, versions and telephone numbers have
	uuidPlaceholder    = "*uuid*"    // RFC 9562, braces or urn:uuid: allowed
	hexPlaceholder     = "*hex*"     // at least 16 hexadecimal digits
	addressPlaceholder = "*address*" // an IPv4, IPv6 or hardware address
	tokenPlaceholder   = "*token*"   // text that nobody would write, long numbers in text, the value of a secret
	emailPlaceholder   = "*email*"   // anything@anything
)

const (
	minHex = 16
	// minLongNumber is how many digits in a row, with signs between them, are a telephone number or an
	// account: eight are a date.
	minLongNumber = 9
	// minQuad is how many digits the shortest IPv4 address has.
	minQuad = 4
)

// placeholder is what stands for a decoded segment, "" where it can stay. It takes no notice of case, so
// that it decides the same of its own output in lower case.
func placeholder(s []byte) string {
	switch {
	case isEmail(s):
		return emailPlaceholder
	case isUUID(s):
		return uuidPlaceholder
	case isAddress(s):
		return addressPlaceholder
	case isNumber(s):
		return numberPlaceholder
	case isHexText(s):
		return hexPlaceholder
	case holdsSecret(s), holdsLongNumber(s), isToken(s):
		return tokenPlaceholder
	}
	return ""
}

// extensions are those that are set apart from a stem and kept behind a placeholder. The list is closed:
// what looks like an extension can be the end of a token.
var extensions = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range append(AssetSuffixes(), ".html", ".htm", ".xhtml", ".shtml", ".php", ".asp", ".aspx", ".jsp", ".jsf", ".do",
		".cgi", ".pl", ".cfm", ".md", ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".csv", ".zip", ".gz", ".rss", ".atom", ".amp") {
		m[s] = true
	}
	return m
}()

// cutExtension splits "12345.html" in "12345" and ".html", and "12345.x" in "12345" and "".
func cutExtension(segment []byte) (stem, extension []byte) {
	dot := bytes.LastIndexByte(segment, '.')
	if dot <= 0 || bytes.IndexByte(segment, '@') >= 0 { // the end of a mail address is no extension
		return segment, nil
	}
	if suffixes(extensions).match(segment) {
		return segment[:dot], segment[dot:]
	}
	for _, c := range segment[dot+1:] {
		if !isLetter(c) {
			return segment, nil
		}
	}
	return segment[:dot], nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c-'0' <= 9 }

func isEmail(s []byte) bool {
	at := bytes.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1
}

// isNumberSign is for what stands between the digits of dates, versions and telephone numbers.
func isNumberSign(c byte) bool {
	switch c {
	case '-', '+', '.', ',', ':', '_', ' ', '(', ')':
		return true
	}
	return false
}

func isNumber(s []byte) bool {
	if len(s) > 4 && (bytes.EqualFold(s[:4], []byte("tel:")) || bytes.EqualFold(s[:4], []byte("sms:"))) {
		s = s[4:]
	}
	digits := 0
	for _, c := range s {
		switch {
		case isDigit(c):
			digits++
		case !isNumberSign(c):
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

// isAddress wants four decimal numbers between dots, or hexadecimal ones between at least two colons,
// in brackets or not, with a port, prefix length or zone behind.
func isAddress(s []byte) bool {
	s = bytes.TrimPrefix(s, []byte{'['})
	if i := bytes.IndexAny(s, "]%"); i >= 0 {
		s = s[:i]
	}
	letters, digits, colons, dots := 0, 0, 0, 0
	for _, c := range s {
		switch {
		case isDigit(c):
			digits++
		case isHex(c):
			letters++
		case c == ':':
			colons++
		case c == '.':
			dots++
		default:
			return false
		}
	}
	if colons >= 2 {
		return letters+digits > 0
	}
	return letters == 0 && dots == 3 && digits >= minQuad && isQuad(s)
}

func isQuad(s []byte) bool {
	s, _, _ = bytes.Cut(s, []byte{':'})
	for more := true; more; {
		var group []byte
		group, s, more = bytes.Cut(s, []byte{'.'})
		if len(group) == 0 || len(group) > 3 || len(group) == 3 && string(group) > "255" {
			return false
		}
	}
	return true
}

// isHexText is for hashes, with 0x or not.
func isHexText(s []byte) bool {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		s = s[2:]
	}
	for _, c := range s {
		if !isHex(c) {
			return false
		}
	}
	return len(s) >= minHex
}

// holdsLongNumber finds a telephone number, an account or an IPv4 address within text. A date or year in front
// (2026-11-20, 20261120, 2026-) does not count.
func holdsLongNumber(s []byte) bool {
	digits, start := 0, 0
	for i := 0; i <= len(s); i++ {
		switch {
		case i < len(s) && isDigit(s[i]):
			if digits == 0 {
				start = i
			}
			digits++
			continue
		case i < len(s) && digits > 0 && isNumberSign(s[i]):
			continue
		}
		if digits >= minQuad && isLongNumber(s[start:i], digits) {
			return true
		}
		digits = 0
	}
	return false
}

func isLongNumber(s []byte, digits int) bool {
	digits -= dateDigits(s)
	return digits >= minLongNumber || isQuad(bytes.TrimRight(s, "-+.,:_ ()")) && bytes.Count(s, []byte{'.'}) >= 3
}

// dateDigits is how many digits at the beginning are a date from 1900 to 2099: eight, with one sign between
// year, month and day or none, or the four of a year and a sign.
func dateDigits(s []byte) int {
	var d [8]byte
	n := 0
	for i := 0; i < len(s) && i < len("2026-11-20") && n < len(d); i++ {
		if isDigit(s[i]) {
			d[n] = s[i]
			n++
		}
	}
	century, month, day := string(d[:2]), string(d[4:6]), string(d[6:])
	switch {
	case n < len(d) || century != "19" && century != "20":
		return 0
	case month >= "01" && month <= "12" && day >= "01" && day <= "31":
		return 8
	case !isDigit(s[4]):
		return 4
	}
	return 0
}
