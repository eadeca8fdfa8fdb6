package anonymize_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the derived lists")

// source reads a file of the shared data, or skips the test.
func source(t testing.TB, name string) []byte {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "data", filepath.FromSlash(name))
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("the shared data is not here: %s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestListsAreDerived(t *testing.T) {
	for file, derive := range map[string]func(testing.TB) []string{
		"crawlers.txt": deriveCrawlers, "referrers.txt": deriveReferrers, "spam.txt": deriveSpam,
		"triples.txt": deriveTriples,
	} {
		t.Run(file, func(t *testing.T) {
			lines := derive(t)
			slices.Sort(lines)
			want := strings.Join(slices.Compact(lines), "\n") + "\n"
			path := filepath.Join("lists", file)
			if *update {
				if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, string(got)); d != "" {
				t.Errorf("not what the source gives (-update): %.500s", d)
			}
		})
	}
}

type crawler struct {
	Pattern   string
	Instances []string
	Tags      []string
}

func readCrawlers(t testing.TB) (list []crawler) {
	if err := json.Unmarshal(source(t, "ua/crawler-user-agents.json"), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// tooCommon are texts that human user agents hold too. The last two are patterns of the list itself:
// a build of Android 15 that millions of telephones have, and the view inside of Facebook's app.
var tooCommon = []string{
	"chrome", "mozilla", "safari", "gecko", "android", "mobile", "version/", "ap3a.240617.008", "metaiab facebook",
}

func deriveCrawlers(t testing.TB) (lines []string) {
	for _, c := range readCrawlers(t) {
		re, err := syntax.Parse(c.Pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range required(re) {
			text = strings.TrimSpace(strings.ToLower(text))
			if len(strings.TrimPrefix(text, "^")) >= 4 && !slices.Contains(tooCommon, text) {
				lines = append(lines, classOf(c.Tags)+"\t"+text)
			}
		}
	}
	return oneClass(lines)
}

func classOf(tags []string) string {
	switch {
	case slices.Contains(tags, "http-library"):
		return "tool"
	case slices.Contains(tags, "browser-automation"), slices.Contains(tags, "monitoring"),
		slices.Contains(tags, "social-preview"):
		return "automation"
	}
	return "crawler"
}

// oneClass keeps the first class of a text that has several.
func oneClass(lines []string) (out []string) {
	seen := map[string]bool{}
	for _, l := range lines {
		_, text, _ := strings.Cut(l, "\t")
		if !seen[text] {
			out = append(out, l)
		}
		seen[text] = true
	}
	return out
}

// required are texts of which every match of re holds at least one; the longest run that is certain.
// It is empty where nothing is.
func required(re *syntax.Regexp) []string {
	subs := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		subs = re.Sub
	}
	var best []string
	run := []string{""}
	for _, sub := range subs {
		texts := exact(sub)
		if texts == nil {
			best, run = longer(best, run), []string{""}
			continue
		}
		var next []string
		for _, a := range run {
			for _, b := range texts {
				next = append(next, a+b)
			}
		}
		run = next
	}
	return longer(best, run)
}

func longer(a, b []string) []string {
	shortest := func(s []string) int {
		n := 0
		for i, t := range s {
			if i == 0 || len(t) < n {
				n = len(t)
			}
		}
		return n
	}
	if shortest(b) > shortest(a) {
		return b
	}
	return a
}

// exact are all texts that re matches; nil where they are many.
func exact(re *syntax.Regexp) (texts []string) {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{strings.ToLower(string(re.Rune))}
	case syntax.OpBeginText:
		return []string{"^"}
	case syntax.OpCapture:
		return exact(re.Sub[0])
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i+1]-re.Rune[i] > 2 {
				return nil
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				texts = append(texts, strings.ToLower(string(r)))
			}
		}
		slices.Sort(texts)
		return slices.Compact(texts)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			t := exact(sub)
			if t == nil {
				return nil
			}
			texts = append(texts, t...)
		}
		return texts
	case syntax.OpConcat:
		return concat(re.Sub)
	}
	return nil
}

func concat(subs []*syntax.Regexp) []string {
	run := []string{""}
	for _, sub := range subs {
		texts := exact(sub)
		if texts == nil {
			return nil
		}
		var next []string
		for _, a := range run {
			for _, b := range texts {
				next = append(next, a+b)
			}
		}
		run = next
	}
	return run
}

func deriveReferrers(t testing.TB) (lines []string) {
	add := func(host, name string) {
		host = strings.TrimPrefix(strings.ToLower(host), "www.")
		host = strings.ReplaceAll(host, "{}", "*")
		if !strings.Contains(host, "/") && strings.Contains(host, ".") {
			lines = append(lines, host+"\t"+name)
		}
	}
	for _, file := range []string{"lists/Socials.yml", "lists/AIAssistants.yml"} {
		var names map[string][]string
		if err := yaml.Unmarshal(source(t, file), &names); err != nil {
			t.Fatal(err)
		}
		for name, hosts := range names {
			for _, host := range hosts {
				add(host, name)
			}
		}
	}
	var engines map[string][]struct{ URLs []string }
	if err := yaml.Unmarshal(source(t, "lists/SearchEngines.yml"), &engines); err != nil {
		t.Fatal(err)
	}
	for name, entries := range engines {
		for _, e := range entries {
			for _, host := range e.URLs {
				add(host, name)
			}
		}
	}
	slices.Sort(lines)
	return oneHost(lines)
}

func oneHost(lines []string) (out []string) {
	seen := map[string]bool{}
	for _, l := range lines {
		host, _, _ := strings.Cut(l, "\t")
		if !seen[host] {
			out = append(out, l)
		}
		seen[host] = true
	}
	return out
}

func deriveSpam(t testing.TB) (lines []string) {
	for line := range strings.Lines(string(source(t, "lists/referrer-spam.txt"))) {
		if line = strings.ToLower(strings.TrimSpace(line)); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
