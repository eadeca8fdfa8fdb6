package anonymize

import (
	"bytes"
	"math"

	"throng"
)

// product is a token by which a family is known, and the token before its version where that is
// another one.
type product struct {
	token   string
	client  throng.Client
	version string
}

// products are tried in order, the most special first: browsers name those whose engine they share. Those
// of no family, which hold a family's own token all the same, come before it.
var products = []product{
	{"OculusBrowser/", throng.OtherClient, ""}, {"baidubrowser", throng.OtherClient, ""}, {"Sleipnir", throng.OtherClient, ""},
	{"chromeframe/", throng.OtherClient, ""}, {"AOL ", throng.OtherClient, ""}, {"MSOffice ", throng.OtherClient, ""},
	{"Outlook", throng.OtherClient, ""}, {"Maxthon", throng.OtherClient, ""}, {"PlayStation", throng.OtherClient, ""},
	{"Teams/", throng.OtherClient, ""},
	{"FBAN/", throng.WebView, ""}, {"FBAV/", throng.WebView, ""}, {"FB_IAB/", throng.WebView, ""},
	{"Instagram", throng.WebView, ""}, {"MicroMessenger/", throng.WebView, ""}, {"musical_ly", throng.WebView, ""},
	{"BytedanceWebview", throng.WebView, ""}, {"Pinterest/", throng.WebView, ""}, {"[Pinterest", throng.WebView, ""},
	{"Snapchat/", throng.WebView, ""}, {"Twitter for", throng.WebView, ""}, {"LinkedInApp", throng.WebView, ""},
	{"Weibo", throng.WebView, ""}, {" Line/", throng.WebView, ""}, {"GSA/", throng.WebView, ""},
	{"EdgA/", throng.Edge, ""}, {"EdgiOS/", throng.Edge, ""}, {"Edg/", throng.Edge, ""}, {"Edge/", throng.Edge, ""},
	{"UCBrowser/", throng.UCBrowser, ""}, {"UCMobile/", throng.UCBrowser, ""}, {"UC Browser", throng.UCBrowser, ""},
	{"UBrowser/", throng.UCBrowser, ""}, {"UCBrowser", throng.UCBrowser, ""}, {"UCWEB", throng.UCBrowser, ""},
	{"Opera Mini/att/", throng.OperaMini, ""}, {"Opera Mini/", throng.OperaMini, ""}, {"OPiOS/", throng.OperaMini, ""},
	{"OPR/", throng.Opera, ""}, {"OPT/", throng.Opera, ""}, {"OPX/", throng.Opera, ""},
	{"SamsungBrowser/", throng.SamsungInternet, ""},
	{"YaBrowser/", throng.Yandex, ""}, {"YaSearchBrowser/", throng.Yandex, ""}, {"Vivaldi/", throng.Vivaldi, ""}, {"Whale/", throng.Whale, ""},
	{"MiuiBrowser/", throng.MIUI, ""}, {"MQQBrowser/", throng.QQBrowser, ""}, {"QQBrowser/", throng.QQBrowser, ""},
	{"Silk/", throng.Silk, ""},
	{"FxiOS/", throng.FirefoxMobile, ""}, {"CriOS/", throng.ChromeMobile, ""}, {"CrMo/", throng.ChromeMobile, ""},
	{"Opera/", throng.Opera, "Version/"}, {"Opera ", throng.Opera, ""},
	{"QQBrowser ", throng.QQBrowser, ""}, {"Pinterest for", throng.WebView, ""},
	{"Trident/", throng.InternetExplorer, ""}, {"MSIE ", throng.InternetExplorer, ""},
}

// readers are the words by which programs that read feeds name themselves.
var readers = []string{
	"Feedly", "Feedbin", "NewsBlur", "Inoreader", "FreshRSS", "Tiny Tiny RSS", "Miniflux", "NetNewsWire", "Reeder/",
	"Feedfetcher", "theoldreader", "BazQux", "CommaFeed", "NewsGator", "Akregator", "Liferea", "RSSOwl", "Vienna/",
}

// strangers are of no family here, though their user agents hold the tokens of an engine.
var strangers = []string{
	"PaleMoon/", "SeaMonkey/", "Seamonkey/", "Iceweasel/", "Camino/", "Epiphany/", "Konqueror/", "PhantomJS/",
	"BB10", "BlackBerry", "webOS/", "hpwOS/", "Puffin/", "Waterfox/", "Basilisk/", "(like Firefox", "K-Meleon/",
	"QtWebEngine/", "Electron/", "Valve ", "(Ecosia", "Chromium GOST", "1Password/",
}

// clients finds readers first, then products, then strangers.
var clients = must(newMatcher(clientPatterns()))

func clientPatterns() (patterns []pattern) {
	add := func(text string) { patterns = append(patterns, pattern{text: text, rank: len(patterns)}) }
	for _, r := range readers {
		add(r)
	}
	for _, p := range products {
		add(p.token)
	}
	for _, s := range strangers {
		add(s)
	}
	return patterns
}

func clientOf(ua []byte) (throng.Client, uint16) {
	rank, end := clients.find(ua)
	switch product := rank - len(readers); {
	case rank == noMatch:
		return engineOf(ua)
	case product < 0:
		return throng.FeedReader, 0
	case product < len(products):
		return products[product].client, products[product].major(ua, end)
	}
	return throng.OtherClient, 0
}

// major reads the version of a family whose token ends at end.
func (p *product) major(ua []byte, end int) uint16 {
	if p.token == "Trident/" { // the engine's number tells also in a compatibility view
		return min(number(ua[end:]), 7) + 4
	}
	if p.version != "" {
		if v := bytes.Index(ua, []byte(p.version)); v >= 0 {
			return number(ua[v+len(p.version):])
		}
	}
	return number(ua[end:])
}

// engineOf tells apart the browsers that give nothing but their engine's own tokens. One that adds a
// name is another browser, of no family here.
func engineOf(ua []byte) (throng.Client, uint16) {
	client, token := throng.OtherClient, ""
	apple := has(ua, "iPhone") || has(ua, "iPad") || has(ua, "iPod")
	switch {
	case has(ua, "Firefox/"):
		client, token = throng.Firefox, "Firefox/"
		if has(ua, "Mobile;") || has(ua, "Tablet;") || has(ua, "Android") {
			client = throng.FirefoxMobile
		}
	case has(ua, "Chrome/") && (has(ua, "; wv)") || has(ua, "Version/4.0 Chrome/")):
		return throng.WebView, 0
	case has(ua, "Chrome/") && has(ua, " Mobile"):
		client, token = throng.ChromeMobile, "Chrome/"
	case has(ua, "Chrome/"):
		client, token = throng.Chrome, "Chrome/"
	case has(ua, "Android ") && has(ua, "AppleWebKit/"):
		client, token = throng.AndroidBrowser, "Android "
	case apple && has(ua, "Version/") && has(ua, "Safari"):
		client, token = throng.MobileSafari, "Version/"
	case apple && has(ua, "AppleWebKit/"):
		return throng.WebView, 0
	case has(ua, "Safari/") && (has(ua, "Macintosh") || has(ua, "Windows")):
		client, token = throng.Safari, "Version/"
	}
	if !unbranded(ua) {
		return throng.OtherClient, 0
	}
	return client, after(ua, token)
}

// unbranded says whether nothing but what the engines' own browsers write stands outside of comments.
func unbranded(ua []byte) bool {
	comment, word := 0, 0
	for i := 0; i <= len(ua); i++ {
		if i < len(ua) && ua[i] != ' ' && ua[i] != '(' && ua[i] != ')' {
			continue
		}
		if comment == 0 && !isEngineWord(ua[word:i]) {
			return false
		}
		word = i + 1
		switch {
		case i < len(ua) && ua[i] == '(':
			comment++
		case i < len(ua) && ua[i] == ')' && comment > 0:
			comment--
		}
	}
	return true
}

func isEngineWord(word []byte) bool {
	name, _, versioned := bytes.Cut(word, []byte{'/'})
	if len(name) == 0 || !isLetter(name[0]) && !versioned {
		return true
	}
	switch string(name) {
	case "Mozilla", "AppleWebKit", "Chrome", "Safari", "Version", "Mobile", "Gecko", "Firefox", "like",
		"Chromium", "Ubuntu", "Fedora", "Debian", "SUSE":
		return true
	}
	return false
}

func has(ua []byte, token string) bool { return bytes.Contains(ua, []byte(token)) }

// after is the number that follows the first token, 0 where there is none.
func after(ua []byte, token string) uint16 {
	_, rest, _ := bytes.Cut(ua, []byte(token))
	return number(rest)
}

// number reads the digits at the beginning, after separators; 0 where there are none or too many.
func number(text []byte) uint16 {
	text = bytes.TrimLeft(text, "/ v")
	n := 0
	for _, c := range text {
		if !isDigit(c) {
			break
		}
		if n = 10*n + int(c-'0'); n > math.MaxUint16 {
			return 0
		}
	}
	return uint16(n)
}
