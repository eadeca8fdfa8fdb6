package loadgen

import (
	"strconv"
	"strings"
)

// browser is a pattern of user agents: $M is the major version, $b a build number.
type browser struct {
	pattern        string
	newest, oldest int
}

const (
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
	mac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7"
	linux   = "Mozilla/5.0 (X11; Linux x86_64"
	android = "Mozilla/5.0 (Linux; Android 10; K"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS $M_$b like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
	webkit  = ") AppleWebKit/537.36 (KHTML, like Gecko) "
	chrome  = webkit + "Chrome/$M.0.$b.0 "
)

// The families of computers and those of phones differ in operating system, so that a phone and a
// computer behind one address stay two devices when versions are rounded or dropped.
var (
	computers = []browser{
		{windows + chrome + "Safari/537.36", 147, 90},
		{mac + webkit + "Version/$M.$b Safari/605.1.15", 26, 12},
		{mac + chrome + "Safari/537.36", 147, 90},
		{windows + chrome + "Safari/537.36 Edg/$M.0.$b.0", 147, 90},
		{windows + "; rv:$M.$b) Gecko/20100101 Firefox/$M.$b", 149, 78},
		{linux + chrome + "Safari/537.36", 147, 90},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0" + chrome + "Safari/537.36", 147, 90},
		{linux + "; rv:$M.$b) Gecko/20100101 Firefox/$M.$b", 149, 78},
		{windows + chrome + "Safari/537.36 OPR/$M.0.$b.0", 131, 90},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:$M.$b) Gecko/20100101 Firefox/$M.$b", 149, 78},
	}
	phones = []browser{
		{iphone + "Version/$M.$b Mobile/15E148 Safari/604.1", 26, 12},
		{android + chrome + "Mobile Safari/537.36", 147, 90},
		{android + webkit + "SamsungBrowser/$M.$b Chrome/136.0.0.0 Mobile Safari/537.36", 29, 10},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
			"CriOS/$M.0.$b.0 Mobile/15E148 Safari/604.1", 147, 90},
		{"Mozilla/5.0 (Android 14; Mobile; rv:$M.$b) Gecko/$M.$b Firefox/$M.$b", 149, 78},
		{android + chrome + "Safari/537.36", 147, 90},
	}
)

// userAgents makes n distinct user agents, the popular ones first: the newest version of every family,
// then the one before, and so on; then the same with build numbers.
func userAgents(families []browser, n int, suffix string) []string {
	out := make([]string, 0, n)
	for build := 0; ; build++ {
		for age := 0; age <= 71; age++ {
			for _, f := range families {
				if f.newest-age < f.oldest {
					continue
				}
				if len(out) == n {
					return out
				}
				agent := strings.ReplaceAll(f.pattern, "$M", strconv.Itoa(f.newest-age))
				out = append(out, strings.ReplaceAll(agent, "$b", strconv.Itoa(build))+suffix)
			}
		}
	}
}

// Automated clients by their own words.
var botAgents = []string{
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
	"Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
	"Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
	"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
	"Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
	"Mozilla/5.0 (compatible; MJ12bot/v1.4.8; http://mj12bot.com/)",
	"Mozilla/5.0 (compatible; DotBot/1.2; +https://opensiteexplorer.org/dotbot; help@moz.com)",
	"CCBot/2.0 (https://commoncrawl.org/faq/)",
	"curl/8.5.0",
	"python-requests/2.32.3",
	"Go-http-client/2.0",
	"Wget/1.21.4",
	"Scrapy/2.11.2 (+https://scrapy.org)",
}
