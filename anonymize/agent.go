package anonymize

import (
	"bytes"

	"throng"
)

// agent is what is kept of a user agent.
type agent struct {
	major  uint16
	client throng.Client
	os     throng.OS
	bot    throng.Bot
}

// maxAgentBytes is how much of a user agent is read; the rest could only name it more exactly.
const maxAgentBytes = 1024

// maxMajor is the largest major version that is kept. A larger one is made up, and a free number
// would be a mark by which a device could be known again.
const maxMajor = 999

// generalizeAgent puts a user agent into the closed vocabulary (method section 2).
func generalizeAgent(ua []byte) agent {
	ua = ua[:min(len(ua), maxAgentBytes)]
	client, major := clientOf(ua)
	return agent{client: client, major: major, os: osOf(ua), bot: botOf(ua, client)}
}

// product is a token by which a family is known, and the token before its version where that is
// another one.
type product struct {
	token   string
	client  throng.Client
	version string
}

// products are tried in order, the most special first: browsers name those whose engine they share.
var products = []product{
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
	{"Trident/", throng.InternetExplorer, ""}, {"MSIE ", throng.InternetExplorer, ""},
}

// readers are the words by which programs that read feeds name themselves.
var readers = []string{
	"Feedly", "Feedbin", "NewsBlur", "Inoreader", "FreshRSS", "Tiny Tiny RSS", "Miniflux", "NetNewsWire", "Reeder/",
	"Feedfetcher", "theoldreader", "BazQux", "CommaFeed", "NewsGator", "Akregator", "Liferea", "RSSOwl", "Vienna/",
}

// strangers name engines that are of no family here, though their user agents hold a family's token.
var strangers = []string{
	"PaleMoon/", "SeaMonkey/", "Seamonkey/", "Iceweasel/", "Camino/", "Epiphany/", "Konqueror/", "PhantomJS/",
	"BB10", "BlackBerry", "webOS/", "hpwOS/", "Puffin/", "Waterfox/", "Basilisk/", "(like Firefox", "K-Meleon/",
	"QtWebEngine/", "Electron/",
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

// major reads the version of a family whose token ends at end. Views inside of apps have none: the
// app's is another in each app.
func (p *product) major(ua []byte, end int) uint16 {
	if p.client == throng.WebView {
		return 0
	}
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

// engineOf tells apart the browsers that give nothing but their engine's own tokens.
func engineOf(ua []byte) (throng.Client, uint16) {
	apple := has(ua, "iPhone") || has(ua, "iPad") || has(ua, "iPod")
	switch {
	case has(ua, "Firefox/"):
		major := after(ua, "Firefox/")
		if has(ua, "Mobile;") || has(ua, "Tablet;") || has(ua, "Android") {
			return throng.FirefoxMobile, major
		}
		return throng.Firefox, major
	case has(ua, "Chrome/") && (has(ua, "; wv)") || has(ua, "Version/4.0 Chrome/")):
		return throng.WebView, 0
	case has(ua, "Chrome/") && has(ua, " Mobile"):
		return throng.ChromeMobile, after(ua, "Chrome/")
	case has(ua, "Chrome/"):
		return throng.Chrome, after(ua, "Chrome/")
	case has(ua, "Android") && has(ua, "AppleWebKit/"):
		return throng.AndroidBrowser, after(ua, "Android ")
	case apple && has(ua, "Version/") && has(ua, "Safari/"):
		return throng.MobileSafari, after(ua, "Version/")
	case apple && has(ua, "AppleWebKit/"):
		return throng.WebView, 0
	case has(ua, "Macintosh") && has(ua, "Safari/"):
		return throng.Safari, after(ua, "Version/")
	}
	return throng.OtherClient, 0
}

// systems are tried in order. The first are of no family here, though they name one that is.
var systems = []struct {
	token string
	os    throng.OS
}{
	{"Windows Phone", throng.OtherOS}, {"Windows CE", throng.OtherOS}, {"XBLWP7", throng.OtherOS}, {"wds ", throng.OtherOS},
	{"Xbox", throng.OtherOS}, {"Tizen", throng.OtherOS}, {"KAIOS", throng.OtherOS}, {"KaiOS", throng.OtherOS},
	{"Web0S", throng.OtherOS}, {"webOS", throng.OtherOS}, {"hpwOS", throng.OtherOS}, {"Symbian", throng.OtherOS},
	{"SunOS", throng.OtherOS}, {"FreeBSD", throng.OtherOS}, {"OpenBSD", throng.OtherOS}, {"NetBSD", throng.OtherOS},
	{"HbbTV", throng.OtherOS}, {"GoogleTV", throng.OtherOS}, {"CrKey", throng.OtherOS}, {"Kindle/", throng.OtherOS},
	{"Apple TV", throng.OtherOS}, {"Sailfish", throng.OtherOS}, {"Maemo", throng.OtherOS},
	{"iPhone", throng.IOS}, {"iPad", throng.IOS}, {"iPod", throng.IOS},
	{"Android", throng.Android}, {"Adr ", throng.Android}, {"Silk/", throng.Android},
	{"CrOS", throng.ChromeOS}, {"Windows", throng.Windows}, {"Win64", throng.Windows}, {"Win32", throng.Windows},
	{" iOS", throng.IOS}, {"(iOS", throng.IOS}, {"/iOS", throng.IOS}, {";iOS", throng.IOS}, {"iOS/", throng.IOS},
	{"Mac OS X", throng.MacOS}, {"Macintosh", throng.MacOS}, {"macOS", throng.MacOS},
	{"Linux", throng.Linux}, {"Ubuntu", throng.Linux}, {"X11; U; ", throng.Linux},
}

var systemMatcher = must(newMatcher(systemPatterns()))

func systemPatterns() (patterns []pattern) {
	for i, s := range systems {
		patterns = append(patterns, pattern{text: s.token, rank: i})
	}
	return patterns
}

func osOf(ua []byte) throng.OS {
	if rank, _ := systemMatcher.find(ua); rank != noMatch {
		return systems[rank].os
	}
	if !has(ua, "Darwin/") {
		return throng.OtherOS
	}
	if has(ua, "x86_64") || has(ua, "i386") || has(ua, "Mac") {
		return throng.MacOS
	}
	return throng.IOS
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
		if n = 10*n + int(c-'0'); n > maxMajor {
			return 0
		}
	}
	return uint16(n)
}
