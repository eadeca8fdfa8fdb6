package anonymize

import (
	"bytes"
	"cmp"
	_ "embed" // the lists
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Internal is the referrer of a visitor who came from another page of a configured host. No domain is
// spelled like it.
const Internal = "(internal)"

// The lists: see lists/README.md.
var (
	//go:embed lists/referrers.txt
	referrerList string
	//go:embed lists/spam.txt
	spamList string
)

// maxReferrerBytes is how much of a referrer is read: a scheme, and a host of at most 253 bytes.
const maxReferrerBytes = 320

// referrerNames maps hosts to the search engine, social network or assistant that they belong to.
// "google.*" stands for all public suffixes, "*.bing.com" for one label in front.
var (
	referrerNames, referrerNameSet = readReferrers(referrerList)
	spam                           = readSpam(spamList)
)

func readReferrers(list string) (hosts map[string]string, names map[string]bool) {
	hosts, names = map[string]string{}, map[string]bool{}
	for line := range strings.Lines(list) {
		host, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		hosts[host] = name
		names[name] = true
	}
	return hosts, names
}

func readSpam(list string) map[string]bool {
	m := map[string]bool{}
	for domain := range strings.Lines(list) {
		m[strings.TrimSpace(domain)] = true
	}
	return m
}

// ownHosts are a site's host names and their registrable domains, those below private suffixes too:
// of jo.github.io, jo.github.io is.
type ownHosts map[string]bool

func newOwnHosts[V any](hosts map[string]V) ownHosts {
	own := ownHosts{}
	for host := range hosts {
		own[host] = true
		if domain, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
			own[domain] = true
		}
	}
	return own
}

func (own ownHosts) has(host string) bool {
	if own[host] {
		return true
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil && own[domain]
}

// generalizeReferrer gives the name of a search engine, social network or assistant, the registrable domain,
// or [Internal]. It is "" for no referrer, spam, and a host that tells more than a domain: an address, a
// name under no suffix of the ICANN's (localhost, an intranet), a label that is a token.
func generalizeReferrer(referrer []byte, own ownHosts) string {
	if len(referrer) == 0 {
		return ""
	}
	text := string(referrer[:min(len(referrer), maxReferrerBytes)])
	if text == Internal || referrerNameSet[text] {
		return text
	}
	host := hostOf(text, len(referrer) > len(text))
	if host == "" {
		return ""
	}
	if own.has(host) {
		return Internal
	}
	domain := registrable(host)
	if !isDomain([]byte(host)) || domain == "" || isSpam(host) {
		return ""
	}
	if own.has(domain) {
		return Internal
	}
	if name := cmp.Or(nameOf(host), nameOf(domain)); name != "" {
		return name
	}
	label, _, _ := strings.Cut(domain, ".")
	if identifies(label) {
		return ""
	}
	return domain
}

// identifies tells whether a domain's label is no name but something that was made for one visitor.
func identifies(label string) bool {
	if strings.HasPrefix(label, "xn--") {
		return false // letters of another script, in turn
	}
	b := []byte(label)
	return isHexText(b) || isUUID(b) || holdsLongNumber(b) || len(b) >= minTokenLabel && isToken(b)
}

// minTokenLabel is longer than minWord: names of domains are less like words than those of pages.
const minTokenLabel = 16

// registrable is the public suffix of the ICANN's part of the list and one label. A private suffix counts
// as a domain: what is below github.io or blogspot.com is mostly a person. It is "" where there is none.
func registrable(host string) string {
	suffix, icann := publicsuffix.PublicSuffix(host)
	for !icann {
		_, parent, found := strings.Cut(suffix, ".")
		if !found {
			return ""
		}
		suffix, icann = publicsuffix.PublicSuffix(parent)
	}
	label, found := strings.CutSuffix(host, "."+suffix)
	if !found || strings.HasSuffix(suffix, "arpa") { // home networks (RFC 8375) and addresses in reverse
		return ""
	}
	return label[strings.LastIndexByte(label, '.')+1:] + "." + suffix
}

// isSpam looks up a host and the domains above it.
func isSpam(host string) bool {
	for found := true; found; _, host, found = strings.Cut(host, ".") {
		if spam[host] {
			return true
		}
	}
	return false
}

// hostOf cuts the host out of a URL, takes a text without scheme for a host, and makes one of an Android
// package ("com.example.app" is app.example.com). It is "" where there is none, or credentials, of which
// nothing is taken. cut says that the text is the beginning of a longer one.
func hostOf(text string, cut bool) string {
	scheme, rest, found := strings.Cut(text, "://")
	android := found && strings.EqualFold(scheme, "android-app")
	switch {
	case found && !android && !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https"):
		return ""
	case found:
		text = rest
	}
	if i := strings.IndexAny(text, `/?#\`); i >= 0 {
		text = text[:i]
	} else if cut {
		return ""
	}
	if strings.IndexByte(text, '@') >= 0 {
		return ""
	}
	if i := strings.IndexByte(text, ':'); i >= 0 && isPort(text[i+1:]) {
		text = text[:i]
	}
	host := asciiHost(strings.TrimSuffix(text, "."))
	if android {
		labels := strings.Split(host, ".")
		slices.Reverse(labels)
		host = strings.Join(labels, ".")
	}
	return host
}

func isPort(text string) bool {
	for _, c := range []byte(text) {
		if !isDigit(c) {
			return false
		}
	}
	return len(text) <= 5
}

// asciiHost is a host in lower case, with letters of other scripts in Punycode (RFC 5891); "" where that
// cannot be.
func asciiHost(host string) string {
	for i := range len(host) {
		if host[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(host)
			if err != nil || !utf8.ValidString(host) {
				return ""
			}
			return ascii
		}
	}
	return strings.ToLower(host)
}

// isDomain wants letters, digits and hyphens in at least two labels, the last not a number: an address
// is no domain.
func isDomain(host []byte) bool {
	if len(host) == 0 || len(host) > 253 {
		return false
	}
	labels := 0
	var label []byte
	for more := true; more; labels++ {
		label, host, more = bytes.Cut(host, []byte{'.'})
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			if !isLetter(c) && !isDigit(c) && c != '-' {
				return false
			}
		}
	}
	return labels >= 2 && !isNumber(label)
}

// nameOf looks a host up as it is, without www, under any public suffix, and under any first label.
func nameOf(host string) string {
	host = strings.TrimPrefix(host, "www.")
	if name := referrerNames[host]; name != "" {
		return name
	}
	suffix, _ := publicsuffix.PublicSuffix(host)
	if name := referrerNames[strings.TrimSuffix(host, suffix)+"*"]; name != "" {
		return name
	}
	_, rest, _ := strings.Cut(host, ".")
	return referrerNames["*."+rest]
}
