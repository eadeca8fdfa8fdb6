package anonymize_test

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"throng"
	"throng/ingest/accesslog"
)

// families maps the names of ua-parser to the closed vocabulary. What is not here is of no family.
var families = map[string]throng.Client{
	"Chrome": throng.Chrome, "Chromium": throng.Chrome, "Chrome Mobile": throng.ChromeMobile, "Chrome Mobile iOS": throng.ChromeMobile,
	"Safari": throng.Safari, "Mobile Safari": throng.MobileSafari,
	"Firefox": throng.Firefox, "Firefox Mobile": throng.FirefoxMobile, "Firefox iOS": throng.FirefoxMobile,
	"Edge": throng.Edge, "Edge Mobile": throng.Edge,
	"Opera": throng.Opera, "Opera Mobile": throng.Opera, "Opera Touch": throng.Opera, "Opera Mini": throng.OperaMini,
	"Samsung Internet": throng.SamsungInternet, "UC Browser": throng.UCBrowser,
	"Android": throng.AndroidBrowser, "IE": throng.InternetExplorer, "IE Mobile": throng.InternetExplorer,
	"Yandex Browser": throng.Yandex, "Vivaldi": throng.Vivaldi, "Whale": throng.Whale, "MiuiBrowser": throng.MIUI,
	"QQ Browser": throng.QQBrowser, "QQ Browser Mobile": throng.QQBrowser, "Amazon Silk": throng.Silk,
	"Facebook": throng.WebView, "Instagram": throng.WebView, "Chrome Mobile WebView": throng.WebView,
	"Mobile Safari UI/WKWebView": throng.WebView, "WeChat Browser": throng.WebView, "Pinterest": throng.WebView,
	"Snapchat": throng.WebView, "LINE": throng.WebView, "Weibo": throng.WebView, "Google": throng.WebView,
}

var systems = map[string]throng.OS{
	"Windows": throng.Windows, "Mac OS X": throng.MacOS, "Android": throng.Android, "iOS": throng.IOS, "Chrome OS": throng.ChromeOS,
	"Linux": throng.Linux, "Ubuntu": throng.Linux, "Debian": throng.Linux, "Gentoo": throng.Linux, "Fedora": throng.Linux,
}

type agentCase struct {
	UA     string `yaml:"user_agent_string"`
	Family string `yaml:"family"`
	Major  string `yaml:"major"`
}

func readAgents(t testing.TB, file string) []agentCase {
	var f struct {
		Cases []agentCase `yaml:"test_cases"`
	}
	if err := yaml.Unmarshal(source(t, file), &f); err != nil {
		t.Fatal(err)
	}
	return f.Cases
}

// share is part of whole in percent.
func share(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// TestUserAgentScore prints how well the vocabulary is filled, on the test cases of ua-parser. They are
// no sample of traffic: most are curiosities.
func TestUserAgentScore(t *testing.T) {
	a := newAnonymizer(t, nil)
	var known, right, rightMajor, browsers, human int
	outputs := map[throng.Event]bool{}
	for _, c := range readAgents(t, "ua/test_ua.yaml") {
		ev := anonymizeAgent(t, a, c.UA)
		outputs[throng.Event{Client: ev.Client, ClientMajor: ev.ClientMajor, OS: ev.OS, Bot: ev.Bot}] = true
		want, ok := families[c.Family]
		if !ok {
			continue
		}
		known++
		if strings.HasPrefix(c.UA, "Mozilla/") { // apps fetch for themselves under other names
			browsers++
			if ev.Bot == throng.Human {
				human++
			} else {
				t.Logf("a bot: %s", c.UA)
			}
		}
		if ev.Client != want {
			t.Logf("%s is not %s: %s", ev.Client, want, c.UA)
			continue
		}
		right++
		if want == throng.WebView || c.Major == fmtMajor(ev.ClientMajor) {
			rightMajor++
		} else {
			t.Logf("major %d is not %s: %s", ev.ClientMajor, c.Major, c.UA)
		}
	}
	t.Logf("%d cases of known families: family %.1f %%, and major %.1f %%, human %.1f %%; %d distinct outputs",
		known, share(right, known), share(rightMajor, known), share(human, browsers), len(outputs))
	atLeast(t, "family", share(right, known), 90)
	atLeast(t, "family and major", share(rightMajor, known), 85)
	atLeast(t, "human", share(human, browsers), 97)
}

func atLeast(t *testing.T, what string, got, floor float64) {
	t.Helper()
	if got < floor {
		t.Errorf("%s: %.1f %%, want at least %.1f %%", what, got, floor)
	}
}

func TestOperatingSystemScore(t *testing.T) {
	a := newAnonymizer(t, nil)
	all, right := 0, 0
	for _, c := range readAgents(t, "ua/test_os.yaml") {
		all++
		if got := anonymizeAgent(t, a, c.UA).OS; got == systems[c.Family] {
			right++
		} else {
			t.Logf("%s is not %s: %s", got, c.Family, c.UA)
		}
	}
	t.Logf("%d cases: OS %.1f %%", all, share(right, all))
	atLeast(t, "OS", share(right, all), 85)
}

func TestBotScore(t *testing.T) {
	a := newAnonymizer(t, nil)
	all, found, class := 0, 0, 0
	for _, c := range readCrawlers(t) {
		for _, ua := range c.Instances {
			all++
			switch got := anonymizeAgent(t, a, ua).Bot; {
			case got == throng.Human:
				t.Logf("human: %s", ua)
				continue
			case got.String() == classOf(c.Tags):
				class++
			}
			found++
		}
	}
	t.Logf("%d instances of crawlers: found %.1f %%, class %.1f %%", all, share(found, all), share(class, all))
	atLeast(t, "recall", share(found, all), 97)
}

func anonymizeAgent(t testing.TB, a anonymizer, ua string) throng.Event {
	var ev throng.Event
	rec := accesslog.Record{Time: now.Unix(), Method: throng.GET, Status: 200, Path: []byte("/"), UserAgent: []byte(ua)}
	if out := a.Anonymize(&rec, &ev); out != 0 {
		t.Fatal(out)
	}
	return ev
}
