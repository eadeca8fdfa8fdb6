package peers_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCrawlerUserAgents: what the instances of monperrus' list of crawlers are to us. The list is also where part of
// our words come from, so this is a newer version than the one in the program.
func TestCrawlerUserAgents(t *testing.T) {
	suite{name: "crawler-user-agents", version: "1.60.0", folder: "crawler-user-agents-1.60.0",
		read: func(t *testing.T, folder string) []expectation {
			file, err := os.ReadFile(filepath.Join(folder, "crawler-user-agents.json"))
			if err != nil {
				t.Fatal(err)
			}
			var list []struct{ Instances []string }
			if err := json.Unmarshal(file, &list); err != nil {
				t.Fatal(err)
			}
			var agents []string
			for _, c := range list {
				agents = append(agents, c.Instances...)
			}
			return bots(t, agents, isBot)
		},
		different: []difference{
			{[]string{"AP3A.240617.008", "MetaIAB Facebook"}, 2, "the peer's mistake: telephones' browsers, known by a build number that millions share and by an app's view"},
		},
	}.run(t)
}

// TestCrawlerDetect: the collections that CrawlerDetect is tested with: user agents of crawlers, and of devices that
// people hold.
func TestCrawlerDetect(t *testing.T) {
	fixtures := func(name, want string) func(*testing.T, string) []expectation {
		return func(t *testing.T, folder string) []expectation {
			f, err := os.Open(filepath.Join(folder, "tests", "fixtures", "user_agent", name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var agents []string
			for lines := bufio.NewScanner(f); lines.Scan(); {
				agents = append(agents, lines.Text())
			}
			return bots(t, agents, want)
		}
	}
	t.Run("crawlers", suite{
		name: "crawlerdetect, crawlers", version: "0.4.2", folder: "crawlerdetect-0.4.2", read: fixtures("crawlers.txt", isBot),
		different: []difference{
			{[]string{""}, 49, "browsers with the name of a company, an add-on or an app, none of whose words is a bot's"},
		},
	}.run)
	t.Run("devices", suite{
		name: "crawlerdetect, devices", version: "0.4.2", folder: "crawlerdetect-0.4.2", read: fixtures("devices.txt", isHuman),
		different: []difference{
			{[]string{"> Mozilla/", "> Opera/"}, 178, "no engine that draws pages, a program's address, or a word of crawlers (the app Blackboard): it errs towards a bot"},
			{[]string{""}, 1469, "apps that fetch for themselves (Dalvik, CFNetwork) are tools: what they ask for is no page view"},
		},
	}.run)
}

// isBot and isHuman are what an event's bot says at all.
const (
	isBot   = "bot"
	isHuman = "human"
)

// bots expects throng anonymize to take each of the user agents for a bot, or for a person's.
func bots(t *testing.T, agents []string, want string) (all []expectation) {
	lines := make([]string, len(agents))
	for i, agent := range agents {
		lines[i] = line(t, map[string]any{"user_agent": agent})
	}
	events := ask(t, strings.Join(lines, "\n"), "anonymize", "--format", "json")
	for i, agent := range agents {
		all = append(all, expectation{name: "> " + agent, want: want, ask: func(*testing.T) string {
			switch events[i]["bot"] {
			case nil, "":
				return isHuman
			}
			return isBot
		}})
	}
	return all
}
