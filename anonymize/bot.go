package anonymize

import (
	"bytes"
	_ "embed" // the lists
	"fmt"
	"strings"

	"throng"
)

// crawlerList holds a class and a text a line, in lower case: see lists/README.md.
//
//go:embed lists/crawlers.txt
var crawlerList string

// generalWords are what programs of no list call themselves, in any position, in lower case.
var generalWords = map[throng.Bot][]string{
	throng.Automation: {
		"headless", "puppeteer", "playwright", "selenium", "webdriver", "phantomjs", "lighthouse", "synthetic", "monitor", "uptime",
		"page speed", "pagespeed", "camoufox", "web preview", "linkpreview", "link preview", "ptst", "neustar wpm", "gomezagent", "debugbear",
		"screenshot", "mshots", "webthumb", "wkhtmlto",
	},
	throng.Crawler: {
		"crawl", "spider", "scrap", "scan", "archiv", "fetch", "feed", "harvest", "validat", "checker", "link check", "linkcheck",
		"survey", "verification", "transcoder", "search console", "http://", "https://", "www.", "mailto:", "gecko; compatible",
		"safari/537.36 (compatible", "google-", "backlink", "stumbleupon",
	},
	throng.Tool: {
		"curl/", "libwww", "python", "perl/", "ruby/", "okhttp", "http-client", "httpclient", "http client", "go-http", "java-client",
	},
}

// Ranks of what the bot matcher finds: the list's classes before the general words'.
const generalRank = 10

// maxWord is the longest text of the list that must begin a word; what is longer is in no other word.
const maxWord = 8

var botMatcher = must(newBotMatcher(crawlerList))

func newBotMatcher(list string) (*matcher, error) {
	classes := map[string]int{}
	for i, name := range throng.BotNames()[throng.Human+1:] {
		classes[name] = int(throng.Human) + 1 + i
	}
	var patterns []pattern
	for i, line := range strings.Split(strings.TrimSpace(list), "\n") {
		class, text, _ := strings.Cut(line, "\t")
		text, start := strings.CutPrefix(text, "^")
		rank, ok := classes[class]
		if !ok || text == "" {
			return nil, fmt.Errorf("read crawler list: line %d", i+1)
		}
		patterns = append(patterns, pattern{text, rank, start, (isLetter(text[0]) || isDigit(text[0])) && len(text) <= maxWord})
	}
	for bot, words := range generalWords {
		for _, w := range words {
			patterns = append(patterns, pattern{text: w, rank: generalRank + int(bot)})
		}
	}
	return newMatcher(patterns)
}

// botOf decides from the user agent alone, so that a block that is made again is the same. It errs
// towards a bot: a bot that passes for a human can help a cell to reach k.
func botOf(ua []byte, client throng.Client) throng.Bot {
	var buf [maxAgentBytes]byte
	lower := buf[:copy(buf[:], ua)]
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c | 0x20
		}
	}
	hideModel(lower)
	rank, _ := botMatcher.find(lower)
	switch {
	case rank != noMatch:
		return throng.Bot(rank % generalRank)
	case client == throng.FeedReader, namesBot(lower), namesContact(lower):
		return throng.Crawler
	case isBrowser(client), isOldBrowser(lower), bytes.Contains(lower, []byte("applewebkit/")),
		bytes.HasPrefix(lower, []byte("mozilla/")) && namesEngine(lower):
		return throng.Human
	}
	return throng.Tool // an empty one, and apps that fetch something for themselves, too
}

// namesEngine tells what draws pages from what only begins as a browser does.
func namesEngine(lower []byte) bool {
	for _, engine := range []string{"webkit", "gecko/", "khtml", "goanna/", "trident/", "msie", "presto", "netfront", "opera",
		"konqueror", "ladybird/", "dreamcast", "nintendo", "playstation"} {
		if bytes.Contains(lower, []byte(engine)) {
			return true
		}
	}
	return false
}

// hideModel blanks a telephone's model, as Android writes it ("; M bot 51 build/"): models are called after bots,
// and no bot calls itself there alone.
func hideModel(lower []byte) {
	before, _, found := bytes.Cut(lower, []byte(" build/"))
	if !found || !bytes.Contains(before, []byte("android")) {
		return
	}
	for i := bytes.LastIndexByte(before, ';') + 1; i > 0 && i < len(before); i++ {
		before[i] = ' '
	}
}

// namesContact finds a mail address, which programs leave for whoever they trouble: a letter on each side of the
// "@", and later a dot before letters. Apps write versions so (ios@9.2), and locales (en_sa@calendar).
func namesContact(lower []byte) bool {
	before, after, found := bytes.Cut(lower, []byte{'@'})
	if !found || len(before) == 0 || !isLetter(before[len(before)-1]) && !isDigit(before[len(before)-1]) {
		return false
	}
	host := after
	for i, c := range after {
		if !isLetter(c) && !isDigit(c) && c != '.' && c != '-' {
			host = after[:i]
			break
		}
	}
	dot := bytes.LastIndexByte(bytes.TrimRight(host, "."), '.')
	return dot > 0 && isLetter(host[0]) && dot+1 < len(host) && isLetter(host[dot+1])
}

// namesBot finds "bot" and "bots" at the end of a word, but not in the name of the telephones called
// Cubot.
func namesBot(lower []byte) bool {
	for {
		before, after, found := bytes.Cut(lower, []byte("bot"))
		if !found {
			return false
		}
		after = bytes.TrimPrefix(after, []byte("s"))
		if (len(after) == 0 || !isLetter(after[0])) && !bytes.HasSuffix(before, []byte("cu")) {
			return true
		}
		lower = after
	}
}

// isBrowser tells families that are known by a token of their own from those that others share.
func isBrowser(c throng.Client) bool {
	return c != throng.OtherClient && c != throng.WebView && c != throng.FeedReader
}

// isOldBrowser knows telephones' browsers that did not call themselves Mozilla.
func isOldBrowser(lower []byte) bool {
	for _, p := range []string{"nokia", "samsung-", "sonyericsson", "blackberry", "mot-", "lg-"} {
		if bytes.HasPrefix(lower, []byte(p)) {
			return true
		}
	}
	return bytes.Contains(lower, []byte("midp"))
}
