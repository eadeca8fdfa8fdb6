package main_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// alertRule is what the tests look at of a rule of deploy/prometheus.
type alertRule struct {
	Alert       string
	Expr        string
	Labels      map[string]string
	Annotations struct{ Summary, Runbook string }
}

const repository = "../.."

func alertRules(t *testing.T) (rules []alertRule) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(repository, "deploy", "prometheus", "throng.rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []alertRule } }
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		rules = append(rules, g.Rules...)
	}
	if len(rules) < 10 {
		t.Fatalf("%d rules were read", len(rules))
	}
	return rules
}

// A runbook page says what its alert means, how to see it, what to do and how to prove that it is over, with commands
// that exist.
func TestEveryAlertHasARunbook(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(repository, "docs", "runbooks", "Throng*.md"))
	if err != nil {
		t.Fatal(err)
	}
	rules := alertRules(t)
	if len(pages) != len(rules) {
		t.Errorf("%d alerts have %d pages", len(rules), len(pages))
	}
	commands := regexp.MustCompile("(?m)(?:^|`)throng ((?:[a-z]+ ?)+)")
	for _, r := range rules {
		if severity := r.Labels["severity"]; severity != "page" && severity != "ticket" {
			t.Errorf("%s has severity %q", r.Alert, severity)
		}
		if r.Annotations.Runbook != "docs/runbooks/"+r.Alert+".md" || r.Annotations.Summary == "" {
			t.Errorf("%s has summary %q and runbook %q", r.Alert, r.Annotations.Summary, r.Annotations.Runbook)
		}
		b, err := os.ReadFile(filepath.Join(repository, r.Annotations.Runbook))
		if err != nil {
			t.Error(err)
			continue
		}
		page := string(b)
		for _, heading := range []string{"# " + r.Alert + "\n", "\n## What it means\n", "\n## See it\n", "\n## Do\n", "\n## Prove that it is over\n"} {
			if !strings.Contains(page, heading) {
				t.Errorf("the page of %s has no heading %q", r.Alert, strings.TrimSpace(heading))
			}
		}
		found := commands.FindAllStringSubmatch(page, -1)
		if len(found) == 0 {
			t.Errorf("the page of %s names no command", r.Alert)
		}
		for _, m := range found {
			checkCommand(t, r.Alert, strings.Fields(m[1]))
		}
	}
}

var known = map[string]bool{}

// checkCommand asks a command's help whether it exists; the last words can be arguments or prose.
func checkCommand(t *testing.T, alert string, words []string) {
	t.Helper()
	depth := 1
	if strings.Contains(" retention hold keys ledger release backup config optout engine broker ", " "+words[0]+" ") {
		depth = 2
	}
	if len(words) < depth {
		t.Errorf("the page of %s names %q, which is half a command", alert, strings.Join(words, " "))
		return
	}
	command := strings.Join(words[:depth], " ")
	if !known[command] {
		known[command] = true
		output(t, nil, append(words[:depth:depth], "--help")...)
	}
}

// Every metric that a rule names is really there, with the labels that the rule uses.
func TestAlertsNameMetricsThatExist(t *testing.T) {
	requireEngine(t)
	t.Parallel()
	dir := testDir(t)
	log, config, admin := filepath.Join(dir, "access.log"), filepath.Join(dir, "throng.yaml"), freeAddr(t)
	writeFile(t, log, fmt.Sprintf("192.0.2.7 - - [%s] \"GET /a HTTP/1.1\" 200 17 \"-\" \"curl/8.5.0\"\n", testNow.Format("02/Jan/2006:15:04:05 -0700")))
	writeFile(t, config, fmt.Sprintf("dir: %s/state\nsites: [{id: www}]\nsources: [{name: web, site: www, path: %s}]\nbroker: {block: {max_age: 1s}}\nlisten: {public: \"%s\", admin: \"%s\"}\nretention: {check_every: 1m}\n",
		dir, log, freeAddr(t), admin))
	start := func() *service {
		return startService(t, dir, "serve", []string{clockAt(testNow.Add(time.Minute))}, "serve", "--config", config)
	}
	s := start()
	waitFor(t, drainTime, "the line to be shipped", func() (bool, string) {
		tally, whole := shipped(t, filepath.Join(dir, "state"))
		return tally.Lines == 1 && whole, "no line acknowledged"
	})
	s.stop(t) // the next one sweeps at its start
	s = start()
	var missing []string
	waitFor(t, drainTime, "all metrics", func() (bool, string) {
		if res, err := http.Get("http://" + admin + "/healthz"); err != nil || res.Body.Close() != nil {
			return false, fmt.Sprint(err)
		}
		metrics := string(get(t, "http://"+admin+"/metrics"))
		missing = nil
		for _, r := range alertRules(t) {
			for _, name := range regexp.MustCompile(`throng_[a-z_]+`).FindAllString(r.Expr, -1) {
				if !strings.Contains(metrics, "\n"+name+" ") && !strings.Contains(metrics, "\n"+name+"{") {
					missing = append(missing, r.Alert+": "+name)
				}
			}
			for _, m := range regexp.MustCompile(`\$labels\.([a-z]+)`).FindAllStringSubmatch(r.Annotations.Summary, -1) {
				if !strings.Contains(metrics, m[1]+`="`) {
					missing = append(missing, r.Alert+": label "+m[1])
				}
			}
		}
		return len(missing) == 0, fmt.Sprintf("missing: %q", missing)
	})
	s.stop(t)
}
