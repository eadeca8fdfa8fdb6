package anonymize

import (
	"bytes"
	_ "embed" // the lists
	"encoding/binary"
	"fmt"
	"strings"

	"throng"
)

// crawlerList holds a class and a text a line, in lower case: see lists/README.md.
//
//go:embed lists/crawlers.txt
var crawlerList string

// words are what programs call themselves, in any position. The rest of the list is looked up.
var words = []struct {
	text string
	bot  throng.Bot
}{
	{"headlesschrome", throng.Automation}, {"phantomjs", throng.Automation}, {"puppeteer", throng.Automation},
	{"playwright", throng.Automation}, {"selenium", throng.Automation}, {"electron/", throng.Automation},
	{"lighthouse", throng.Automation}, {"monitor", throng.Automation}, {"uptime", throng.Automation},
	{"preview", throng.Automation},
	{"crawl", throng.Crawler}, {"spider", throng.Crawler}, {"scan", throng.Crawler}, {"archive", throng.Crawler},
	{"fetch", throng.Crawler}, {"feed", throng.Crawler}, {"http://", throng.Crawler}, {"https://", throng.Crawler},
	{"curl/", throng.Tool}, {"libwww", throng.Tool}, {"python", throng.Tool}, {"java/", throng.Tool},
	{"okhttp", throng.Tool}, {"httpclient", throng.Tool}, {"go-http", throng.Tool},
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
	if bot := crawlers.find(lower); bot != throng.Human {
		return bot
	}
	for _, w := range words {
		if bytes.Contains(lower, []byte(w.text)) {
			return w.bot
		}
	}
	switch {
	case namesBot(lower):
		return throng.Crawler
	case client == throng.FeedReader:
		return throng.Crawler
	case !bytes.HasPrefix(lower, []byte("mozilla/")) && !isBrowser(client) && !isOldBrowser(lower):
		return throng.Tool // an empty one, and apps that fetch something for themselves, too
	case len(lower) <= len("mozilla/5.0 (compatible)"):
		return throng.Tool
	}
	return throng.Human
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

// textSet finds any of many texts in one pass: four bytes at each position are looked up in a bitmap,
// and only those that are the beginning of a text are compared.
type textSet struct {
	filter  [1 << 12]uint64
	entries map[uint32][]text
}

type text struct {
	text string
	bot  throng.Bot
	// start: only at the beginning of the user agent.
	start bool
	// word: only at the beginning of a word: "sonic" is a bot, a Panasonic is not.
	word bool
}

const (
	minText = 4
	// maxWord is the longest text that must begin a word; what is longer is in no other word.
	maxWord = 8
)

var crawlers = mustReadTexts(crawlerList)

func mustReadTexts(list string) *textSet {
	s, err := readTexts(list)
	if err != nil {
		panic(err) // the list is part of the program
	}
	return s
}

func readTexts(list string) (*textSet, error) {
	classes := map[string]throng.Bot{}
	for i, name := range throng.BotNames() {
		classes[name] = throng.Bot(i)
	}
	s := &textSet{entries: map[uint32][]text{}}
	for i, line := range strings.Split(strings.TrimSpace(list), "\n") {
		class, t, _ := strings.Cut(line, "\t")
		bot, ok := classes[class]
		t, start := strings.CutPrefix(t, "^")
		if !ok || bot == throng.Human || len(t) < minText {
			return nil, fmt.Errorf("read crawler list: line %d", i+1)
		}
		k := binary.LittleEndian.Uint32([]byte(t))
		s.entries[k] = append(s.entries[k], text{t, bot, start, isLetter(t[0]) && len(t) <= maxWord})
		word, bit := slot(k)
		s.filter[word] |= bit
	}
	return s, nil
}

func slot(k uint32) (word int, bit uint64) {
	h := k * 0x9E3779B1 >> 14 // 18 bits
	return int(h >> 6), 1 << (h & 63)
}

// find is the class of the first text in ua, Human where there is none.
func (s *textSet) find(ua []byte) throng.Bot {
	for i := 0; i+minText <= len(ua); i++ {
		k := binary.LittleEndian.Uint32(ua[i:])
		if word, bit := slot(k); s.filter[word]&bit == 0 {
			continue
		}
		for _, t := range s.entries[k] {
			inWord := i > 0 && isLetter(ua[i-1])
			if bytes.HasPrefix(ua[i:], []byte(t.text)) && !(t.start && i > 0) && !(t.word && inWord) {
				return t.bot
			}
		}
	}
	return throng.Human
}
