package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"throng"
	"throng/dashboards"
	"throng/dashboards/wellknown"
)

// audited are options with all that an auditor can look at.
func audited(t *testing.T, files fstest.MapFS) dashboards.Options {
	t.Helper()
	o := options(files)
	ledger := reservations(t) + string(ledgerOf(t, files))
	o.Ledger = func(context.Context) ([]byte, error) { return []byte(ledger), nil }
	versions := versionsOf(t, o)
	o.Transparency = dashboards.Transparency{
		Address: "https://readers.example.org/", Contact: "mailto:privacy@example.org",
		Versions: func(context.Context) ([][]byte, error) { return versions, nil },
		Deletions: func(context.Context) (*dashboards.Deletions, error) {
			return &dashboards.Deletions{Latest: stopped{}.Now(), Head: strings.Repeat("ab", 32), Kinds: []dashboards.DeletedKind{
				{Name: "Anonymized events", Days: 12, Open: 1, Last: throng.DayOf(stopped{}.Now())}, {Name: "Device tokens"}}}, nil
		},
		Holds: func(context.Context) (throng.HoldSummary, error) {
			return throng.HoldSummary{Format: throng.HoldsFormat, Orders: 3, Extensions: 1, InForce: 1, ReviewsOverdue: 1, Held: "some", Head: strings.Repeat("cd", 32),
				Reasons: []throng.HoldReasonCount{{Reason: "security", Orders: 3, Extensions: 1, InForce: 1}}}, nil
		},
		Incidents: []dashboards.Incident{{Day: throng.DayOf(stopped{}.Now()), Title: "A disk was full", Text: "No line was lost; <one> day was late."}},
	}
	wk, err := wellknown.New(wellknown.Options{Status: &wellknown.Status{Tracking: wellknown.NotTracking}})
	if err != nil {
		t.Fatal(err)
	}
	o.WellKnown = wk
	return o
}

// reservations are those of two days and a span.
func reservations(t *testing.T) string {
	t.Helper()
	p, err := json.Marshal(parameters())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, period := range []string{"2026-11-01", "2026-11-02", "2026-11-01--2026-11-08"} {
		fmt.Fprintf(&b, `{"seq":%d,"kind":"reservation","release":{"site":"archives","table":"path","period":%q},"tree":1,"parameters":%s,"hash":"%064d"}`+"\n", i, period, p, i)
	}
	return b.String()
}

// versionsOf are three versions of the method, the last of which runs.
func versionsOf(t *testing.T, o dashboards.Options) (files [][]byte) {
	t.Helper()
	h, err := dashboards.New(o)
	if err != nil {
		t.Fatal(err)
	}
	now := h.Statement()
	first, second := now, now
	first.Parameters.K, first.Program = 6000, "0.0.9"
	second.Assets, second.Logs = []string{".css"}, now.Logs[1:]
	for i, s := range []throng.MethodStatement{first, second, now} {
		history, err := dashboards.ReadMethodHistory(files)
		if err != nil {
			t.Fatal(err)
		}
		name, body, changed, err := history.Next(s, stopped{}.Now().AddDate(0, 0, i-10))
		if err != nil || !changed || name != fmt.Sprintf("method/%06d.json", i+1) {
			t.Fatal(name, changed, err)
		}
		files = append(files, body)
		again, err := dashboards.ReadMethodHistory(files)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, changed, _ := again.Next(s, stopped{}.Now()); changed {
			t.Error("the same method is another version")
		}
	}
	return files
}

func TestAuditorsPages(t *testing.T) {
	h := serve(t, audited(t, archive(t)))
	for name, target := range map[string]string{
		"transparency.html": "/transparency", "changes.html": "/transparency/method", "ledger.html": "/transparency/ledger",
		"releases.html": "/transparency/releases", "dictionary.html": "/transparency/dictionary", "method-version.html": "/method", "signal.html": "/privacy/signal",
	} {
		w := get(h, target)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d\n%s", target, w.Code, w.Body)
		}
		golden(t, name, w.Body.Bytes())
	}
	golden(t, "transparency-nothing.html", get(serve(t, options(archive(t))), "/transparency").Body.Bytes())
}

func TestOneFaultDoesNotHideTheRest(t *testing.T) {
	o := audited(t, archive(t))
	secret := errors.New("disk /secret")
	o.Transparency.Deletions = func(context.Context) (*dashboards.Deletions, error) { return nil, secret }
	o.Transparency.Holds = func(context.Context) (throng.HoldSummary, error) { return throng.HoldSummary{}, secret }
	files, _ := o.Transparency.Versions(t.Context())
	o.Transparency.Versions = func(context.Context) ([][]byte, error) { return [][]byte{files[0], files[2]}, nil }
	page := get(serve(t, o), "/transparency").Body.String()
	for _, want := range []string{"The history of the method cannot be shown", "The list of deletion receipts cannot be shown", "The list of holds cannot be shown", "throng verify https://readers.example.org/"} {
		if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(page, "<strong>", ""), "</strong>", ""), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "secret") {
		t.Error("the page tells the fault")
	}
}

func TestAlteredMethodHistoryIsRefused(t *testing.T) {
	files := versionsOf(t, options(archive(t)))
	altered := []byte(strings.Replace(string(files[1]), `".css"`, `".xss"`, 1))
	for name, list := range map[string][][]byte{
		"one changed": {files[0], altered, files[2]}, "first left out": files[1:], "middle left out": {files[0], files[2]}, "in another order": {files[0], files[2], files[1]},
		"no file of this kind": {[]byte("{}")}, "no JSON": {[]byte("x")},
	} {
		if _, err := dashboards.ReadMethodHistory(list); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestLongListsHavePages(t *testing.T) {
	o := audited(t, archive(t))
	line := strings.SplitAfter(reservations(t), "\n")[0]
	o.Ledger = func(context.Context) ([]byte, error) { return []byte(strings.Repeat(line, 401)), nil }
	h := serve(t, o)
	for target, want := range map[string]int{"/transparency/ledger": 200, "/transparency/ledger/2": 200, "/transparency/ledger/3": 200, "/transparency/ledger/4": 404,
		"/transparency/ledger/1": 404, "/transparency/ledger/0": 404, "/transparency/ledger/02": 404, "/transparency/ledger/x": 404, "/transparency/releases/2": 404} {
		if w := get(h, target); w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
	if n := strings.Count(get(h, "/transparency/ledger/3").Body.String(), ">reservation</td>"); n != 1 {
		t.Errorf("the last page has %d entries", n)
	}
}

var references = regexp.MustCompile(`(?:href|src|action)="([^"]+)"`)

// Every link of a bundle leads to a file of the bundle, wherever it lies.
func TestBundleIsComplete(t *testing.T) {
	o := audited(t, archive(t))
	line := strings.SplitAfter(reservations(t), "\n")[0]
	ledger, _ := o.Ledger(t.Context())
	o.Ledger = func(context.Context) ([]byte, error) { return []byte(string(ledger) + strings.Repeat(line, 250)), nil }
	h, err := dashboards.New(o)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	if err := h.Publish(t.Context(), func(name string, body []byte) error { files[name] = string(body); return nil }); err != nil {
		t.Fatal(err)
	}
	links := 0
	for name, body := range files {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		for _, m := range references.FindAllStringSubmatch(body, -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.Scheme == "mailto" || u.Path == "" && u.Fragment != "" {
				continue
			}
			links++
			if _, there := files[path.Join(path.Dir(name), u.Path)]; !there || u.IsAbs() || strings.HasPrefix(u.Path, "/") {
				t.Errorf("%s links to %s, which is not in the bundle", name, m[1])
			}
		}
	}
	for _, name := range []string{"index.html", "method/index.html", "transparency/ledger/2/index.html", "transparency/releases/index.html", "transparency/dictionary/index.html",
		"transparency/method/index.html", "method/000003.json", "releases/archives/path/2026-11-21.csv", "static/style.css"} {
		if files[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if links < 50 {
		t.Errorf("only %d links", links)
	}
}

// keysOf are the names of the JSON members of a type.
func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

// The dictionary names every field that is written, and no other.
func TestDictionaryIsComplete(t *testing.T) {
	page := get(serve(t, options(archive(t))), "/transparency/dictionary").Body.String()
	event, err := json.Marshal(throng.Event{})
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(event, &members); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(get(serve(t, options(archive(t))), table+".csv").Body.String(), "\r\n")
	head, _, _ = strings.Cut(head, "\n")
	sections := map[string][]string{
		"release": keysOf(reflect.TypeFor[throng.Release]()), "row": keysOf(reflect.TypeFor[throng.Row]()), "opted-out group": keysOf(reflect.TypeFor[throng.OptedOut]()),
		"completeness": keysOf(reflect.TypeFor[throng.Completeness]()), "parameters": keysOf(reflect.TypeFor[throng.Parameters]()), "draw": keysOf(reflect.TypeFor[throng.DrawParameters]()),
		"manifest": keysOf(reflect.TypeFor[throng.Manifest]()), "file": keysOf(reflect.TypeFor[throng.FileDigest]()), "method": keysOf(reflect.TypeFor[throng.MethodStatement]()),
		"method version": keysOf(reflect.TypeFor[throng.MethodVersion]()), "composition": keysOf(reflect.TypeFor[throng.Composition]()), "csv": strings.Split(head, ","),
		"holds": keysOf(reflect.TypeFor[throng.HoldSummary]()), "hold reason": keysOf(reflect.TypeFor[throng.HoldReasonCount]()),
	}
	for name, keys := range sections {
		_, section, found := strings.Cut(page, "<h2>"+name+"</h2>")
		section, _, _ = strings.Cut(section, "</section>")
		if !found || strings.Count(section, `scope="row">`) != len(keys) {
			t.Errorf("%s: %d fields in the dictionary, %d in the type", name, strings.Count(section, `scope="row">`), len(keys))
		}
		for _, key := range keys {
			if !strings.Contains(section, "<code>"+key+"</code>") {
				t.Errorf("%s: %s is missing", name, key)
			}
		}
	}
	for key := range members {
		if !strings.Contains(page, "<code>"+key+"</code>") {
			t.Errorf("event: %s is missing", key)
		}
	}
}

func TestSignalPageSaysWhatWasSeen(t *testing.T) {
	h := serve(t, audited(t, archive(t)))
	for name, c := range map[string]struct {
		header []string
		want   string
	}{
		"none":      {nil, "Your browser does not ask to be left out."},
		"DNT":       {[]string{"DNT", "1"}, "Your browser asks to be left out."},
		"GPC":       {[]string{"Sec-GPC", "1"}, "Your browser asks to be left out."},
		"DNT off":   {[]string{"DNT", "0"}, "seen, with a value that does not opt out"},
		"wrong GPC": {[]string{"Sec-GPC", "yes"}, "seen, with a value that is no signal"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/privacy/signal", nil)
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), c.want) || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Vary") != "DNT, Sec-GPC" || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %v\n%s", name, w.Header(), w.Body)
		}
	}
}

func TestWhatIsForEveryone(t *testing.T) {
	h, err := dashboards.New(audited(t, archive(t)))
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{
		"/": false, "/sites/archives": false, "/sites/archives/path/2026-11-21.csv": false, "/api/anything": false, "/methods": false, "/static/../sites/archives": false, "/transparencyx": false,
		"/method": true, "/transparency": true, "/transparency/ledger": true, "/releases/archives/path/2026-11-21.json": true, "/ledger/ledger.jsonl": true, "/manifest.json": true,
		"/method.json": true, "/holds.json": true, "/method/000001.json": true, "/.well-known/dnt/": true, "/privacy/signal": true, "/static/style.css": true, "/healthz": true,
	} {
		if got := h.ForEveryone(target); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}
