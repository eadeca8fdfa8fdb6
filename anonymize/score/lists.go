// Package score measures what anonymize makes of user agents against lists that others keep: how often
// family, major version and operating system are right, how many crawlers are found, how many browsers
// are taken for one, and how many distinct outputs there are.
//
// The lists are collections of curiosities and no sample of traffic: a figure here is a lower bound of
// quality, not the share of visits that are counted right. docs/user-agents.md says how each is defined.
package score

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml"
)

// Lists are what others say about user agents.
type Lists struct {
	browsers, systems []testCase
	crawlers          []crawler
}

// testCase is one of ua-parser's.
type testCase struct {
	UserAgent string `yaml:"user_agent_string"`
	Family    string `yaml:"family"`
	Major     string `yaml:"major"`
}

// crawler is one of crawler-user-agents'.
type crawler struct {
	Pattern   string         `json:"pattern"`
	Instances []string       `json:"instances"`
	regexp    *regexp.Regexp // of Pattern
}

// errKind says what a list can be.
var errKind = errors.New("it is none of test_ua.yaml and test_os.yaml of ua-parser and crawler-user-agents.json")

// Read adds the list that is in the file. The lists are told apart by what is in them: JSON is
// crawler-user-agents.json; of ua-parser's YAML files the one whose every case has patch_minor is
// test_os.yaml.
func (l *Lists) Read(file []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(file), []byte{'['}) {
		return l.readCrawlers(file)
	}
	var list struct {
		Cases []testCase `yaml:"test_cases"`
	}
	if err := yaml.Unmarshal(file, &list); err != nil {
		return fmt.Errorf("read test cases: %w: %w", errKind, err)
	}
	if len(list.Cases) == 0 {
		return fmt.Errorf("read test cases: %w", errKind)
	}
	if bytes.Count(file, []byte("patch_minor:")) == len(list.Cases) {
		l.systems = append(l.systems, list.Cases...)
	} else {
		l.browsers = append(l.browsers, list.Cases...)
	}
	return nil
}

func (l *Lists) readCrawlers(file []byte) error {
	var list []crawler
	if err := json.Unmarshal(file, &list); err != nil {
		return fmt.Errorf("read crawlers: %w: %w", errKind, err)
	}
	for i := range list {
		var err error
		if list[i].regexp, err = regexp.Compile(list[i].Pattern); err != nil {
			return fmt.Errorf("read crawlers: pattern %d: %w", i, err)
		}
	}
	l.crawlers = append(l.crawlers, list...)
	return nil
}

// declares says whether the list of crawlers has a pattern for ua.
func (l *Lists) declares(ua string) bool {
	for i := range l.crawlers {
		if l.crawlers[i].regexp.MatchString(ua) {
			return true
		}
	}
	return false
}
