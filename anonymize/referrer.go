package anonymize

import (
	"bytes"
	_ "embed" // the lists
	"strings"

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

// generalizeReferrer gives the registrable domain (the public suffix and one label), or the name of a
// search engine, social network or assistant, or [Internal]. It is "" for no referrer, spam, a host
// that is an address, and a name under no suffix of the ICANN's: such names can be anything.
func generalizeReferrer(referrer []byte, own func(host string) bool) string {
	text := string(referrer[:min(len(referrer), maxReferrerBytes)])
	if text == Internal || referrerNameSet[text] {
		return text
	}
	host, ok := hostOf(text)
	if !ok {
		return ""
	}
	if own(host) {
		return Internal
	}
	if name := nameOf(host); name != "" {
		return name
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil || !underKnownSuffix(host) || spam[host] || spam[domain] {
		return ""
	}
	if own(domain) {
		return Internal
	}
	if name := nameOf(domain); name != "" {
		return name
	}
	return domain
}

// hostOf cuts the host out of a URL, or takes a text without scheme for a host.
func hostOf(text string) (host string, ok bool) {
	if scheme, rest, found := strings.Cut(text, "://"); found {
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return "", false
		}
		text = rest
	}
	if i := strings.IndexAny(text, `/?#\`); i >= 0 {
		text = text[:i]
	}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return "", false // credentials: nothing of it is taken
	}
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		text = text[:i]
	}
	host = strings.ToLower(strings.TrimSuffix(text, "."))
	return host, isDomain([]byte(host))
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

func underKnownSuffix(host string) bool {
	suffix, icann := publicsuffix.PublicSuffix(host)
	return icann || strings.IndexByte(suffix, '.') >= 0
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
