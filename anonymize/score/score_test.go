package score_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"throng"
	"throng/anonymize/score"
)

// TestScore holds the figures of docs/user-agents.md, each a little below what is printed there.
func TestScore(t *testing.T) {
	var lists score.Lists
	for _, name := range []string{"test_ua.yaml", "test_os.yaml", "crawler-user-agents.json"} {
		file, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "ua", name))
		if os.IsNotExist(err) {
			t.Skipf("the shared data is not here: %s", name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := lists.Read(file); err != nil {
			t.Fatal(err)
		}
	}
	r := lists.Score()
	for _, f := range []struct {
		name  string
		ratio score.Ratio
		least float64
	}{
		{"family", r.Family, 99}, {"family and major", r.Major, 98}, {"known family", r.KnownFamily, 95},
		{"known family and major", r.KnownMajor, 91}, {"operating system", r.System, 99}, {"recall", r.Recall, 99.5},
	} {
		t.Logf("%s: %.2f %% (%d of %d)", f.name, f.ratio.Percent(), f.ratio.Part, f.ratio.Whole)
		if f.ratio.Percent() < f.least {
			t.Errorf("%s: %.2f %%, want at least %.1f %%", f.name, f.ratio.Percent(), f.least)
		}
	}
	if r.FalsePositives.Percent() > 0.1 || r.FalsePositives.Whole < 400 {
		t.Errorf("%d of %d browsers are taken for bots, want at most 0.1 %% of 400 and more", r.FalsePositives.Part, r.FalsePositives.Whole)
	}
	if r.Outputs > 200 || r.Inputs < 4000 {
		t.Errorf("%d distinct outputs of %d inputs, want at most 200", r.Outputs, r.Inputs)
	}
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "user-agents.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []score.Ratio{r.Family, r.Major, r.KnownFamily, r.KnownMajor, r.System, r.Recall, r.FalsePositives} {
		if line := fmt.Sprintf("%6.2f %%  %d of %d\n", f.Percent(), f.Part, f.Whole); !strings.Contains(string(docs), line) {
			t.Errorf("docs/user-agents.md does not say %q", line)
		}
	}
	if line := fmt.Sprintf(" %d of %d inputs\n", r.Outputs, r.Inputs); !strings.Contains(string(docs), line) {
		t.Errorf("docs/user-agents.md does not say %q", line)
	}
	for _, m := range r.Misses {
		t.Logf("%s: want %s, got %s: %s", m.Figure, m.Want, m.Got, m.UserAgent)
	}
}

// TestVocabularyIsDocumented looks for each word of it.
func TestVocabularyIsDocumented(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "user-agents.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range slices.Concat(throng.ClientNames(), throng.OSNames(), throng.BotNames()) {
		if !strings.Contains(string(docs), word) {
			t.Errorf("docs/user-agents.md does not name %q", word)
		}
	}
}

func TestListsAreRefused(t *testing.T) {
	for name, file := range map[string]string{
		"nothing": "", "prose": "no list at all", "other YAML": "routes: [a, b]", "broken JSON": "[{", "a bad pattern": `[{"pattern": "("}]`,
	} {
		var lists score.Lists
		if err := lists.Read([]byte(file)); err == nil {
			t.Errorf("%s was read as a list", name)
		}
	}
}

// TestFigures scores lists whose figures are known.
func TestFigures(t *testing.T) {
	var lists score.Lists
	for _, file := range []string{`
test_cases:
  - {user_agent_string: 'Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko/1 Firefox/146.0', family: Firefox, major: '146'}
  - {user_agent_string: 'Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko/1 Firefox/146.0', family: Firefox, major: '145'}
  - {user_agent_string: 'Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko/1 Firefox/146.0', family: Chrome, major: '146'}
  - {user_agent_string: 'Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko/1 Firefox/146.0', family: Waterfox, major: '146'}
  - {user_agent_string: 'Mozilla/5.0 (X11; Linux; Dillo/3) Gecko/1 Firefox/3 Midori/1', family: Midori, major: '1'}
  - {user_agent_string: 'Mozilla/5.0 (Linux; crawl) Gecko/1 Firefox/3', family: Firefox, major: '3'}
`, `
test_cases:
  - {user_agent_string: 'curl/8.5.0', family: Other, patch_minor: }
  - {user_agent_string: 'curl/8.5.0', family: Linux, patch_minor: }
`, `[{"pattern": "Unheard", "instances": ["Unheard/1", "Mozilla/5.0 (X11; Linux; rv:1; Unheard) Gecko/1 Firefox/146.0"]}]`} {
		if err := lists.Read([]byte(file)); err != nil {
			t.Fatal(err)
		}
	}
	r := lists.Score()
	for _, f := range []struct {
		name      string
		got, want score.Ratio
	}{
		{"family", r.Family, score.Ratio{Part: 3, Whole: 6}}, {"family and major", r.Major, score.Ratio{Part: 2, Whole: 6}},
		{"known family", r.KnownFamily, score.Ratio{Part: 2, Whole: 4}}, {"known family and major", r.KnownMajor, score.Ratio{Part: 1, Whole: 4}},
		{"operating system", r.System, score.Ratio{Part: 1, Whole: 2}}, {"recall", r.Recall, score.Ratio{Part: 1, Whole: 2}},
		{"false positives", r.FalsePositives, score.Ratio{Part: 1, Whole: 6}},
	} {
		if f.got != f.want {
			t.Errorf("%s: %d of %d, want %d of %d", f.name, f.got.Part, f.got.Whole, f.want.Part, f.want.Whole)
		}
	}
	if r.Inputs != 10 || r.Outputs != 4 {
		t.Errorf("%d distinct outputs of %d inputs, want 4 of 10", r.Outputs, r.Inputs)
	}
}
