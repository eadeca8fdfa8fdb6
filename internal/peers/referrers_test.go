package peers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRefererParser: the tests of Snowplow's referer-parser, which names search engines and social networks.
func TestRefererParser(t *testing.T) {
	suite{
		name: "referer-parser", version: "0.4.1", folder: "referer-parser-0.4.1",
		read: func(t *testing.T, folder string) (all []expectation) {
			for _, a := range record(t, folder, "referer_parser", "referer_parser", "referer_parser/test/__init__.py") {
				url, ok := a.argument("Referer")
				if !ok || a.field() != "referer" {
					all = append(all, expectation{name: a.name(a.field())}) // the medium and the term searched for are not kept
					continue
				}
				all = append(all, expectation{name: a.name(url), want: value(a.Want), ask: func(t *testing.T) string {
					return event(t, map[string]any{"referer": url}, "referrer")
				}})
			}
			return all
		},
		different: []difference{
			{[]string{"test_bing_img", "test_google_img", "test_yahoo_img"}, 3, "a search for pictures is no engine of its own"},
			{[]string{"test_ixquick", "test_mailru", "test_tumblr"}, 4, "the name is spelled as Matomo's list has it"},
			{[]string{"mail:"}, 3, "web mail is kept as its domain"},
			{[]string{"test_price_runner"}, 1, "a shop is kept as its domain"},
			{[]string{"test_internal"}, 1, "what is internal is configured, here nothing is"},
		},
	}.run(t)
}

// TestInbound: the tests of Segment's inbound, which tells kinds of referrers.
func TestInbound(t *testing.T) {
	suite{
		name: "inbound", version: "0.0.6", folder: "inbound-0.0.6", read: readInbound,
		different: []difference{
			{[]string{"yahoo"}, 3, "the name is spelled as Matomo's list has it"},
			{[]string{"plus.url.google.com", "me2day"}, 2, "the network is gone, and is kept as what its host is"},
		},
	}.run(t)
}

func readInbound(t *testing.T, folder string) (all []expectation) {
	file, err := os.ReadFile(filepath.Join(folder, "test", "cases", "referrers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Referrer string
		Result   struct {
			Referrer struct{ Type, Engine, Network, Client string }
		}
	}
	if err := json.Unmarshal(file, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		r := c.Result.Referrer
		e := expectation{name: r.Type + " " + c.Referrer}
		switch r.Type {
		case "search", "social": // the name, in small letters
			e.want = r.Engine + r.Network
			e.ask = func(t *testing.T) string {
				return strings.ToLower(event(t, map[string]any{"referer": c.Referrer}, "referrer"))
			}
		case "direct": // of no site
			e.want = absent
			e.ask = func(t *testing.T) string { return event(t, map[string]any{"referer": c.Referrer}, "referrer") }
		}
		all = append(all, e)
	}
	return all
}
