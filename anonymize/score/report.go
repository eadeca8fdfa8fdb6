package score

import (
	"slices"
	"strconv"
	"strings"

	"throng"
	"throng/anonymize"
)

// Report holds the figures.
type Report struct {
	// Family and Major are over all cases of test_ua.yaml. A case whose family is not in the vocabulary
	// is right as Other, WebView or Feed Reader, without a version.
	Family, Major Ratio
	// KnownFamily and KnownMajor are over those whose family is in the vocabulary.
	KnownFamily, KnownMajor Ratio
	// System is over all cases of test_os.yaml. What is not in the vocabulary is right as Other.
	System Ratio
	// Recall is how many instances of crawler-user-agents.json are bots.
	Recall Ratio
	// FalsePositives is how many browsers of test_ua.yaml are bots. A browser is a case of a family of
	// the vocabulary, or of a rarer browser, that begins with "Mozilla/" or "Opera/", as all that draw
	// pages do, and that the list of crawlers has no pattern for.
	FalsePositives Ratio
	// Inputs is the number of user agents, Outputs that of distinct results: the vocabulary in use.
	Inputs, Outputs int
	// Misses are the user agents behind the figures that are not right.
	Misses []Miss
}

// Ratio is how many of how many.
type Ratio struct{ Part, Whole int }

// Percent is 0 where there is nothing.
func (r Ratio) Percent() float64 { return 100 * float64(r.Part) / float64(max(r.Whole, 1)) }

func (r *Ratio) count(counted bool) {
	r.Whole++
	if counted {
		r.Part++
	}
}

// Miss is a user agent of a list that did not come out as the list says.
type Miss struct {
	Figure, Want, UserAgent string
	Got                     anonymize.Agent
}

// Score measures all user agents of the lists.
func (l *Lists) Score() *Report {
	s := scorer{lists: l, outputs: map[anonymize.Agent]bool{}}
	for _, c := range l.browsers {
		s.browser(c)
	}
	for _, c := range l.systems {
		s.system(c)
	}
	for _, c := range l.crawlers {
		for _, ua := range c.Instances {
			s.crawler(ua)
		}
	}
	s.Outputs = len(s.outputs)
	return &s.Report
}

type scorer struct {
	Report
	lists   *Lists
	outputs map[anonymize.Agent]bool
}

func (s *scorer) generalize(ua string) anonymize.Agent {
	a := anonymize.GeneralizeAgent([]byte(ua))
	s.Inputs++
	s.outputs[a] = true
	return a
}

// count counts a result, and keeps what is not right.
func (s *scorer) count(figure string, right bool, want, ua string, got anonymize.Agent, ratios ...*Ratio) {
	for _, r := range ratios {
		r.count(right)
	}
	if !right {
		s.Misses = append(s.Misses, Miss{figure, want, ua, got})
	}
}

func (s *scorer) browser(c testCase) {
	got := s.generalize(c.UserAgent)
	want, known := families[c.Family]
	if known {
		right := got.Client == want
		s.count("family", right, want.String(), c.UserAgent, got, &s.Family, &s.KnownFamily)
		major := c.Major
		if want == throng.WebView || major == "" {
			major = "0"
		}
		s.count("major", right && strconv.Itoa(int(got.Major)) == major, major, c.UserAgent, got, &s.Major, &s.KnownMajor)
	} else {
		right := got.Client == throng.OtherClient || got.Client == throng.WebView || got.Client == throng.FeedReader
		s.count("family", right, "Other", c.UserAgent, got, &s.Family, &s.Major)
	}
	if (known || slices.Contains(rareBrowsers, c.Family)) && drawsPages(c.UserAgent) && !s.lists.declares(c.UserAgent) {
		bot := got.Bot != throng.Human
		s.FalsePositives.count(bot)
		if bot {
			s.Misses = append(s.Misses, Miss{"human", "human", c.UserAgent, got})
		}
	}
}

func drawsPages(ua string) bool {
	return strings.HasPrefix(ua, "Mozilla/") || strings.HasPrefix(ua, "Opera/")
}

func (s *scorer) system(c testCase) {
	got, want := s.generalize(c.UserAgent), systems[c.Family]
	s.count("OS", got.OS == want, want.String(), c.UserAgent, got, &s.System)
}

func (s *scorer) crawler(ua string) {
	got := s.generalize(ua)
	s.count("bot", got.Bot != throng.Human, "a bot", ua, got, &s.Recall)
}
