package wellknown_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"throng/dashboards/wellknown"
)

// debianPolicy is where Debian's webext-privacy-badger has EFF's text.
const debianPolicy = "/usr/share/webext/privacy-badger/data/dnt-policy.txt"

// effPolicy is EFF's text where it is at hand: in the file that DNT_POLICY_FILE names, or Debian's.
func effPolicy(t *testing.T) []byte {
	t.Helper()
	name := os.Getenv("DNT_POLICY_FILE")
	if name == "" {
		name = debianPolicy
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Skipf("EFF's policy is not at hand: set DNT_POLICY_FILE, or install webext-privacy-badger (%v)", err)
	}
	return text
}

var asserted = time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)

func TestPolicyIsTakenUnalteredOnly(t *testing.T) {
	text := effPolicy(t)
	var trimmed bytes.Buffer
	for line := range bytes.Lines(text) {
		trimmed.Write(bytes.TrimRight(line, " \n"))
		trimmed.WriteByte('\n')
	}
	for name, form := range map[string][]byte{
		"1.0": text, "1.0, without blanks at line ends": trimmed.Bytes(),
		"1.0, with DOS line ends": bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
	} {
		if p, err := wellknown.NewPolicy(form, asserted); err != nil || p.Form != name {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for at := 0; at < len(text); at += 997 {
		altered := bytes.Clone(text)
		altered[at] ^= 1
		if _, err := wellknown.NewPolicy(altered, asserted); !errors.Is(err, wellknown.ErrAltered) {
			t.Fatalf("byte %d flipped: %v", at, err)
		}
	}
}

func TestPolicyRefusesOtherTexts(t *testing.T) {
	for _, text := range []string{"", "Do Not Track Compliance Policy\n"} {
		if _, err := wellknown.NewPolicy([]byte(text), asserted); !errors.Is(err, wellknown.ErrAltered) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// policy is one that the tests alone accept.
func policy(t *testing.T) *wellknown.Policy {
	t.Helper()
	text := []byte("A policy of the tests.\n")
	sum := sha1.Sum(text)
	p, err := wellknown.NewPolicyKnown(text, asserted, hex.EncodeToString(sum[:]))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPolicyFallsDueAfterAYear(t *testing.T) {
	p := policy(t)
	for day, want := range map[string][2]bool{"2026-12-14": {false, false}, "2026-12-15": {true, false}, "2027-01-14": {true, false}, "2027-01-15": {true, true}} {
		now, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{p.Soon(now), p.Overdue(now)}; got != want {
			t.Errorf("%s: soon and overdue %v, want %v", day, got, want)
		}
	}
}

func serve(t *testing.T, o wellknown.Options) http.Handler {
	t.Helper()
	h, err := wellknown.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func ask(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	h := serve(t, wellknown.Options{
		Policy: policy(t), Status: &wellknown.Status{Tracking: "T", SameParty: []string{"example.org"}, Config: "/privacy/consent"}, OptedOut: "N",
		Requests: map[string]wellknown.Value{"consent": "C"}, GPC: &wellknown.GPC{Honoured: true, Updated: asserted},
	})
	const status = `{"tracking":%,"same-party":["example.org"],"config":"/privacy/consent"}`
	for name, c := range map[string]struct {
		path, header, kind, body, vary string
	}{
		"policy":                  {wellknown.PolicyPath, "", "text/plain; charset=utf-8", "A policy of the tests.", ""},
		"status":                  {wellknown.StatusPath, "", wellknown.StatusType, strings.Replace(status, "%", `"T"`, 1), "DNT"},
		"status, opted out":       {wellknown.StatusPath, "1", wellknown.StatusType, strings.Replace(status, "%", `"N"`, 1), "DNT"},
		"status, extension":       {wellknown.StatusPath, "1x", wellknown.StatusType, strings.Replace(status, "%", `"N"`, 1), "DNT"},
		"status, DNT allows":      {wellknown.StatusPath, "0", wellknown.StatusType, strings.Replace(status, "%", `"T"`, 1), "DNT"},
		"status of some requests": {wellknown.StatusPath + "consent", "", wellknown.StatusType, strings.Replace(status, "%", `"C"`, 1), ""},
		"gpc":                     {wellknown.GPCPath, "", "application/json", `{"gpc":true,"lastUpdate":"2026-01-15"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			header := []string{"DNT", c.header, "Cookie", "a=b"}
			if c.header == "" {
				header = header[2:]
			}
			w := ask(h, c.path, header...)
			body := w.Body.String()
			var compact bytes.Buffer
			if json.Compact(&compact, w.Body.Bytes()) == nil {
				body = compact.String()
			}
			if w.Code != 200 || w.Header().Get("Content-Type") != c.kind || strings.TrimSpace(body) != c.body || w.Header().Get("Vary") != c.vary {
				t.Errorf("%d %v\n%s", w.Code, w.Header(), body)
			}
			if w.Header().Get("Set-Cookie") != "" || w.Header().Get("Cache-Control") == "" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
	for path, want := range map[string]int{wellknown.StatusPath + "other": 404, "/.well-known/dnt": 307, "/.well-known/other": 404} {
		if w := ask(h, path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestForbiddenStatusesAreRefused(t *testing.T) {
	status := func(v wellknown.Value) *wellknown.Status { return &wellknown.Status{Tracking: v} }
	for name, c := range map[string]struct {
		o    wellknown.Options
		want string
	}{
		"none":                     {wellknown.Options{Status: status("")}, "required"},
		"no value":                 {wellknown.Options{Status: status("n")}, "no tracking status value"},
		"updated":                  {wellknown.Options{Status: status("U")}, "Tk header field alone"},
		"consent without config":   {wellknown.Options{Status: status("C")}, "needs config"},
		"potential consent":        {wellknown.Options{Status: status("P")}, "needs config"},
		"gateway without policy":   {wellknown.Options{Status: status("G")}, "needs policy"},
		"disregarding, unsaid":     {wellknown.Options{Status: status("N"), OptedOut: "D"}, "needs policy"},
		"dynamic for a request":    {wellknown.Options{Status: status("?"), Requests: map[string]wellknown.Value{"a": "?"}}, "only the site-wide"},
		"status-id":                {wellknown.Options{Status: status("N"), Requests: map[string]wellknown.Value{"a b": "N"}}, "cannot name"},
		"requests without a site":  {wellknown.Options{Requests: map[string]wellknown.Value{"a": "N"}}, "none of the site"},
		"opted out without a site": {wellknown.Options{OptedOut: "N"}, "none of the site"},
		"gpc without date":         {wellknown.Options{GPC: &wellknown.GPC{Honoured: true}}, "no date"},
	} {
		if _, err := wellknown.New(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestTk(t *testing.T) {
	for field, want := range map[string]wellknown.Tk{"N": {"N", ""}, "!": {"!", ""}, "U": {"U", ""}, "T;fRx42": {"T", "fRx42"}, "?;a/b": {"?", "a/b"}} {
		if got, err := wellknown.ParseTk(field); err != nil || got != want || got.String() != field {
			t.Errorf("%q: %v, %v", field, got, err)
		}
	}
	for _, field := range []string{"", "n", "NT", "N;", "N;a b", "N ;a", "?", "G", "Z"} {
		if got, err := wellknown.ParseTk(field); err == nil {
			t.Errorf("%q is taken as %v", field, got)
		}
	}
}

func FuzzTk(f *testing.F) {
	f.Add("T;fRx42")
	f.Fuzz(func(t *testing.T, field string) {
		if tk, err := wellknown.ParseTk(field); err == nil && tk.String() != field {
			t.Errorf("%q is read as %q", field, tk)
		}
	})
}
