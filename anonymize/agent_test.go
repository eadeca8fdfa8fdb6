package anonymize_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
	"throng/ingest/accesslog"
)

func TestAgents(t *testing.T) {
	const webkit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for ua, want := range map[string]string{
		chrome: "Chrome/143 (Windows)",
		"Mozilla/5.0 (Linux; Android 10; K)" + webkit + "Chrome/143.0.0.0 Mobile Safari/537.36":                                             "Chrome Mobile/143 (Android)",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8; wv)" + webkit + "Version/4.0 Chrome/143.0.0.0 Mobile Safari/537.36":                       "WebView (Android)",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/143.0.0.0 Safari/537.36 Edg/142.0.0.0":                               "Edge/142 (Windows)",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/143.0.0.0 Safari/537.36 NobodysBrowser/7":                            "Other (Windows)",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)" + webkit + "Chrome/143.0.0.0 Safari/537.36":                                              "Chrome/143 (ChromeOS)",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15":             "Safari/26 (macOS)",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/143.0.1.0 Mobile/15E148":     "Chrome Mobile/143 (iOS)",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/1]": "WebView (iOS)",
		"Mozilla/5.0+(iPad;+CPU+OS+9_3+like+Mac+OS+X)+AppleWebKit/601.1.46+(KHTML,+like+Gecko)+Version/9.0+Mobile/13E238+Safari/601.1":      "Mobile Safari/9 (iOS)",
		"Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0":                                                            "Firefox/146 (Linux)",
		"Mozilla/5.0 (compatible; MSIE 7.0; Windows NT 6.1; Trident/7.0)":                                                                   "Internet Explorer/11 (Windows)",
		"Mozilla/5.0 (X11; Linux x86_64)" + webkit + "HeadlessChrome/143.0.0.0 Safari/537.36":                                               "Other (Linux; automation)",
		"Mozilla/5.0" + webkit[:len(webkit)-2] + "; compatible; GPTBot/1.2; +https://openai.com/gptbot)":                                    "Other (Other; crawler)",
		"Mozilla/5.0 (compatible; Unheard/1.0)":                                                                             "Other (Other; tool)",
		"Feedly/1.0 (+http://www.feedly.com/fetcher.html; 7 subscribers)":                                                   "Feed Reader (Other; crawler)",
		"Mozilla/5.0 (Linux; Android 13; CUBOT_X18)" + webkit + "Chrome/143.0.0.0 Mobile Safari/537.36":                     "Chrome Mobile/143 (Android)",
		"Mozilla/5.0 (Linux; Android 15; CPH2557 Build/AP3A.240617.008)" + webkit + "Chrome/143.0.0.0 Mobile Safari/537.36": "Chrome Mobile/143 (Android)",
		"Mozilla/5.0 (Linux; Android 14; R bot 7 Build/UP1A.231005.007)" + webkit + "Chrome/143.0.0.0 Mobile Safari/537.36": "Chrome Mobile/143 (Android)",
		"Mozilla/5.0 (Linux; Android 14; R bot 7 Build/UP1A)" + webkit + "Chrome/143.0.0.0 Mobile Safari/537.36; RBot":      "Other (Android; crawler)",
		"Mozilla/5.0 (X11; Linux x86_64)" + webkit + "Chrome/143.0.0.0 Safari/537.36 Looker (ops@looker.example)":           "Other (Linux; crawler)",
		"Mozilla/5.0 (Linux; Android 10; K)" + webkit + "Chrome/143.0.0.0 Mobile Safari/537.36 (Tree android@143.0.1)":      "Chrome Mobile/143 (Android)",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Neustar WPM)" + webkit + "Chrome/143.0.0.0 Safari/537.36":                "Other (Windows; automation)",
		"Opera/9.80 (MAUI Runtime; Opera Mini/4.4.39008/37.9178; U; en) Presto/2.12.423 Version/12.16":                      "Opera Mini/4 (Other)",
		"": "Other (Other; tool)", "-": "Other (Other; tool)", "Mozilla/5.0": "Other (Other; tool)",
		"curl/8.5.0": "Other (Other; tool)", "python-requests/2.32.3": "Other (Other; tool)", "Go-http-client/2.0": "Other (Other; tool)",
		"Wget/1.18 (linux-gnu)": "Other (Linux; tool)",
	} {
		if got := anonymize.GeneralizeAgent([]byte(ua)).String(); got != want {
			t.Errorf("%s: got %s, want %s", ua, got, want)
		}
	}
}

// TestMajorsAreClosed asks for every major that can be written for one family or another: no visitor can
// bring in a version that does not exist, whatever the family's token.
func TestMajorsAreClosed(t *testing.T) {
	for _, form := range []string{
		strings.Replace(chrome, "143", "%d", 1), chrome + " Edg/%d.0", chrome + " OPR/%d", "Opera/9.80 (X11) Presto/2 Version/%d.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko/20100101 Firefox/%d.0", "Mozilla/4.0 (compatible; MSIE %d.0; Windows NT 5.1)",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/%d.1 Safari/605", "Chrome/%d (Windows)",
		"Mozilla/5.0 (Linux; Android %d; X) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
	} {
		kept := map[uint16]bool{}
		for major := range 3_000 {
			a := anonymize.GeneralizeAgent(fmt.Appendf(nil, form, major))
			if a.Major != 0 && int(a.Major) != major {
				t.Fatalf("%s: major %d became %d", form, major, a.Major)
			}
			kept[a.Major] = true
		}
		if len(kept) < 2 || len(kept) > 221 {
			t.Errorf("%s: %d majors come through, want a few up to 220, and unknown", form, len(kept))
		}
		for _, made := range []string{"99999", "65679", "4294967439", "18446744073709551759", "-143", "१४३"} {
			if a := anonymize.GeneralizeAgent([]byte(strings.Replace(form, "%d", made, 1))); a.Major != 0 {
				t.Errorf("%s: made-up major %s became %d", form, made, a.Major)
			}
		}
	}
}

// TestAgentsAreFixedPoints spells every agent that there can be and generalizes it again.
func TestAgentsAreFixedPoints(t *testing.T) {
	a := newAnonymizer(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		once := anonymize.GeneralizeAgent([]byte(drawAgent().Draw(t, "user agent")))
		if twice := anonymize.GeneralizeAgent([]byte(once.String())); twice != once {
			t.Fatalf("%s became %s", once, twice)
		}
		rec := record()
		rec.UserAgent = []byte(once.String())
		if rapid.Bool().Draw(t, "opted out") {
			rec.DNT = field("1")
		}
		ev := do(t, a, rec)
		rec.UserAgent = []byte(agentOf(&ev).String())
		if again := do(t, a, rec); agentOf(&again) != agentOf(&ev) {
			t.Fatalf("%s became %s", agentOf(&ev), agentOf(&again))
		}
	})
}

func agentOf(ev *throng.Event) anonymize.Agent {
	return anonymize.Agent{Client: ev.Client, Major: ev.ClientMajor, OS: ev.OS, Bot: ev.Bot}
}

// drawAgent draws user agents of the words that mean something, in any order, and spelled agents.
func drawAgent() *rapid.Generator[string] {
	words := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(append([]string{
		"Mozilla/5.0", "(", ")", "Windows NT 10.0;", "iPhone", "Android 14;", "; wv)", "Linux", "Macintosh", "AppleWebKit/537.36",
		"Version/", "Chrome/", "Safari/", "Firefox/", "Edg/", "OPR/", "Trident/", "MSIE ", "bot", "compatible;", "Mobile", "curl/",
	}, slices.Concat(throng.ClientNames(), throng.OSNames(), throng.BotNames())...)),
		rapid.StringMatching(`[0-9]{1,6}`), rapid.String()), 0, 12)
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "spelled") {
			return fmt.Sprintf("%s/%d (%s; %s)", rapid.SampledFrom(throng.ClientNames()).Draw(t, "client"), rapid.Uint16().Draw(t, "major"),
				rapid.SampledFrom(throng.OSNames()).Draw(t, "os"), rapid.SampledFrom(throng.BotNames()[1:]).Draw(t, "bot"))
		}
		return strings.Join(words.Draw(t, "words"), rapid.SampledFrom([]string{"", " ", "+"}).Draw(t, "between"))
	})
}

func FuzzUserAgent(f *testing.F) {
	for _, ua := range []string{
		chrome, "", "curl/8.5.0", "Mozilla/5.0 (compatible; MSIE 99999; Trident/", "Opera/9.80 Version/", "Chrome/143 (Windows; tool)",
		"Mozilla/5.0+(+Chrome/", strings.Repeat("goog", 512), "Firefox/\xff)",
	} {
		f.Add(ua)
	}
	f.Fuzz(func(t *testing.T, ua string) {
		a := anonymize.GeneralizeAgent([]byte(ua))
		spelled := a.String()
		if strings.Contains(spelled, "invalid") || a.Major > 220 || !utf8.ValidString(spelled) {
			t.Fatalf("%s is not in the vocabulary", spelled)
		}
		if again := anonymize.GeneralizeAgent([]byte(spelled)); again != a {
			t.Fatalf("%s became %s", a, again)
		}
	})
}

// TestCachesEndWithTheEpoch erases a key: nothing that was made of earlier lines is remembered then.
func TestCachesEndWithTheEpoch(t *testing.T) {
	ratchet := keys.Ephemeral(&clock{now: now})
	a := newAnonymizer(t, func(o *anonymize.Options) { o.Keys = ratchet })
	rec := record()
	do(t, a, rec)
	if a.Remembered() != 3 {
		t.Fatalf("%d values are remembered of one line, want its user agent, path and referrer", a.Remembered())
	}
	if err := ratchet.Advance(now.AddDate(0, 0, 7)); err != nil {
		t.Fatal(err)
	}
	var ev throng.Event
	if out := a.Anonymize(&rec, &ev); out != anonymize.NoKey {
		t.Fatalf("a line of a span whose key is erased: %s, want %s", out, anonymize.NoKey)
	}
	if a.Remembered() != 0 {
		t.Errorf("%d values of earlier lines are remembered after a key was erased", a.Remembered())
	}
}

// TestAgentCacheIsBounded floods it: no more is remembered than was asked for.
func TestAgentCacheIsBounded(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.AgentCache, o.PathCache, o.ReferrerCache = 8, 8, 8 })
	rec := accesslog.Record{Time: now.Unix(), Path: []byte("/")}
	var ev throng.Event
	for i := range 10_000 {
		rec.UserAgent = fmt.Appendf(nil, "%s %d", chrome, i)
		a.Anonymize(&rec, &ev)
	}
	if n := a.Remembered(); n > 8+2 {
		t.Errorf("%d values are remembered, want at most 8 user agents, a path and a referrer", n)
	}
}

// TestCrawlersOfNoListAreFound withholds the list that they are on: what is found then is what would be
// of a crawler that no list has yet.
func TestCrawlersOfNoListAreFound(t *testing.T) {
	all, found := 0, 0
	anonymize.WithoutCrawlerList(func() {
		for _, c := range readCrawlers(t) {
			for _, ua := range c.Instances {
				all++
				if anonymize.GeneralizeAgent([]byte(ua)).Bot != throng.Human {
					found++
				}
			}
		}
	})
	t.Logf("%d of %d crawlers are found by their own words alone", found, all)
	if 100*found < 96*all {
		t.Errorf("%d of %d crawlers are found by their own words alone, want 96 %%", found, all)
	}
}
