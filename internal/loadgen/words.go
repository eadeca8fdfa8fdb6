package loadgen

// weighted is a word and how often it stands among 256.
type weighted struct {
	word string
	of   int
}

// ownSite stands for the page's own host.
const ownSite = "own"

var referrers = []weighted{
	{ownSite, 66},
	{"https://www.google.com/", 38},
	{"https://www.bing.com/", 8},
	{"https://duckduckgo.com/", 6},
	{"https://www.bing.com/search?q=where+is+my+grandfather+buried&form=QBLH", 3},
	{"https://search.yahoo.com/", 2},
	{"https://www.facebook.com/", 3},
	{"https://t.co/k3Jx0aQ9", 2},
	{"https://www.reddit.com/r/history/comments/1abcde/a_private_thread/", 2},
	{"https://chatgpt.com/", 3},
	{"https://en.wikipedia.org/wiki/Lighthouse", 4},
	{"https://news.example.org/2026/long-read?reader=4711", 2},
	{"http://semalt.semalt.com/crawler.php?u=http://www.example.com", 1},
	{"http://buttons-for-website.com/", 1},
	{"-", 115},
}

var queries = []string{
	"?utm_source=newsletter&utm_medium=email&utm_campaign=spring", "?page=2", "?q=family+name+and+town",
	"?session=7f3a9c1e5b2d", "?fbclid=IwAR0aXh8kQ2vT7", "?lang=en&print=1", "?email=reader%40example.org", "?ref=home",
}

var assets = []string{
	"/assets/app.css", "/assets/app.js", "/assets/print.css", "/img/logo.svg", "/img/header.jpg", "/img/icons.png",
	"/fonts/text.woff2", "/favicon.ico",
}

// failures are requests of people that count as no page view.
var failures = []struct{ method, suffix, status string }{
	{"GET ", "/no-such-page", "404"}, {"GET ", "", "301"}, {"POST ", "", "200"}, {"GET ", "", "404"},
	{"HEAD ", "", "200"}, {"GET ", "", "500"}, {"GET ", "", "302"}, {"POST ", "/contact", "403"},
}

var errorLines = []string{
	"2026/11/22 10:11:12 [error] 1234#1234: *5 open() \"/var/www/html/robots.txt\" failed (2: No such file or directory)\n",
	"[Sun Nov 22 10:11:12.123456 2026] [core:error] [pid 77:tid 88] AH00126: Invalid URI in request\n",
	"PHP Warning:  Undefined variable $page in /var/www/html/index.php on line 12\n",
	"    at org.example.Main.main(Main.java:42)\n",
}

// garbledRequests are what servers write for greetings of other protocols.
var garbledRequests = []string{
	`\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03`, `\x03\x00\x00/*\xE0\x00\x00\x00\x00\x00Cookie: mstshash=Administr`, "-", "",
}

// planWords sets the canary into every word that stands in a raw field.
func (l *Log) planWords() {
	n := 0
	for _, w := range referrers {
		for range w.of {
			l.referrers[n] = w.word
			n++
		}
	}
	l.queries, l.botAgents = queries, botAgents
	if l.canary == "" {
		return
	}
	for i := range l.referrers {
		l.referrers[i] = "https://www.example.com/" + l.canary + "?q=" + l.canary
	}
	l.queries = []string{"?q=" + l.canary, "?session=" + l.canary + "&x=" + l.canary}
	l.botAgents = nil
	for _, a := range botAgents {
		l.botAgents = append(l.botAgents, a+" "+l.canary)
	}
}
