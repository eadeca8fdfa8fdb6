package wellknown_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"throng/dashboards/wellknown"
)

// answer is what a site says at a path.
type answer struct {
	status   int // 0 is 200
	header   map[string]string
	body     string
	optedOut string // the body for DNT: 1, where it is another
}

// site is one whose answers are right, but for those that a test puts in their place.
func site(t *testing.T, change map[string]answer) *url.URL {
	t.Helper()
	answers := map[string]answer{
		"/":                   {header: map[string]string{"Tk": "N"}},
		wellknown.PolicyPath:  {header: map[string]string{"Content-Type": "text/plain"}, body: "altered"},
		wellknown.StatusPath:  {header: map[string]string{"Content-Type": wellknown.StatusType}, body: `{"tracking":"N"}`},
		wellknown.GPCPath:     {header: map[string]string{"Content-Type": "application/json"}, body: `{"gpc":true,"lastUpdate":"2026-01-15"}`},
		"/elsewhere-on-host":  {header: map[string]string{"Content-Type": wellknown.StatusType}, body: `{"tracking":"N"}`},
		"/sets-cookie-onward": {status: 302, header: map[string]string{"Location": "/elsewhere-on-host", "Set-Cookie": "a=b"}},
	}
	for path, a := range change {
		answers[path] = a
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[r.URL.Path]
		if !ok {
			a.status = http.StatusNotFound
		}
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		if a.status != 0 {
			w.WriteHeader(a.status)
		}
		if a.optedOut != "" && r.Header.Get("DNT") == "1" {
			a.body = a.optedOut
		}
		_, _ = w.Write([]byte(a.body))
	}))
	t.Cleanup(srv.Close)
	base, err := url.Parse(srv.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func check(t *testing.T, base *url.URL, without ...wellknown.Resource) *wellknown.Report {
	t.Helper()
	r, err := wellknown.Check(t.Context(), wellknown.CheckOptions{Base: base, Transport: http.DefaultTransport, Now: noon{}.Now(), Without: without})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheckFindsFaults(t *testing.T) {
	status := func(body string, more ...string) answer {
		a := answer{header: map[string]string{"Content-Type": wellknown.StatusType}, body: body}
		for i := 0; i < len(more); i += 2 {
			a.header[more[i]] = more[i+1]
		}
		return a
	}
	depends := status(`{"tracking":"T"}`)
	depends.optedOut = `{"tracking":"N"}`
	varies := depends
	varies.header = map[string]string{"Content-Type": wellknown.StatusType, "Vary": "Accept, dnt"}
	page := func(tk string) answer { return answer{header: map[string]string{"Tk": tk}} }
	for name, c := range map[string]struct {
		change map[string]answer
		at     wellknown.Resource
		want   string // "" is no fault
	}{
		"right":                 {nil, wellknown.StatusResource, ""},
		"no page field":         {map[string]answer{"/": {}}, wellknown.TkResource, ""},
		"policy altered":        {nil, wellknown.PolicyResource, "it was altered"},
		"policy missing":        {map[string]answer{wellknown.PolicyPath: {status: 404}}, wellknown.PolicyResource, "the answer is 404"},
		"policy as a page":      {map[string]answer{wellknown.PolicyPath: {header: map[string]string{"Content-Type": "text/html"}}}, wellknown.PolicyResource, "not text/plain"},
		"status as JSON":        {map[string]answer{wellknown.StatusPath: {header: map[string]string{"Content-Type": "application/json"}, body: `{"tracking":"N"}`}}, wellknown.StatusResource, "not application/tracking-status+json"},
		"status is no JSON":     {map[string]answer{wellknown.StatusPath: status("N")}, wellknown.StatusResource, "no status object"},
		"status without value":  {map[string]answer{wellknown.StatusPath: status("{}")}, wellknown.StatusResource, "required"},
		"status updated":        {map[string]answer{wellknown.StatusPath: status(`{"tracking":"U"}`)}, wellknown.StatusResource, "Tk header field alone"},
		"status with more":      {map[string]answer{wellknown.StatusPath: status(`{"tracking":"N","other":1}`)}, wellknown.StatusResource, "no compliance property"},
		"status with regime":    {map[string]answer{wellknown.StatusPath: status(`{"tracking":"N","other":1,"compliance":["https://example.org/"]}`)}, wellknown.StatusResource, ""},
		"status sets a cookie":  {map[string]answer{wellknown.StatusPath: status(`{"tracking":"N"}`, "Set-Cookie", "a=b")}, wellknown.StatusResource, "sets a cookie"},
		"cookie on the way":     {map[string]answer{wellknown.StatusPath: {status: 302, header: map[string]string{"Location": "/sets-cookie-onward"}}}, wellknown.StatusResource, "sets a cookie"},
		"redirect":              {map[string]answer{wellknown.StatusPath: {status: 302, header: map[string]string{"Location": "/elsewhere-on-host"}}}, wellknown.StatusResource, ""},
		"redirects for ever":    {map[string]answer{wellknown.StatusPath: {status: 302, header: map[string]string{"Location": wellknown.StatusPath}}}, wellknown.StatusResource, "the answer is 302"},
		"depends, unsaid":       {map[string]answer{wellknown.StatusPath: depends}, wellknown.StatusResource, "lacks Vary: DNT"},
		"depends, said":         {map[string]answer{wellknown.StatusPath: varies}, wellknown.StatusResource, ""},
		"no such value":         {map[string]answer{"/": page("Z")}, wellknown.TkResource, "no tracking status value"},
		"dynamic, no more":      {map[string]answer{"/": page("?")}, wellknown.TkResource, "without a status-id"},
		"updated":               {map[string]answer{"/": page("U")}, wellknown.TkResource, "changes nothing"},
		"refers to nothing":     {map[string]answer{"/": page("N;more")}, wellknown.TkResource, "the answer is 404"},
		"refers":                {map[string]answer{"/": page("N;more"), wellknown.StatusPath + "more": status(`{"tracking":"N"}`)}, wellknown.TkResource, ""},
		"refers to another":     {map[string]answer{"/": page("N;more"), wellknown.StatusPath + "more": status(`{"tracking":"T"}`)}, wellknown.TkResource, "says T"},
		"consent, no config":    {map[string]answer{"/": page("C")}, wellknown.TkResource, "config"},
		"dynamic site, no Tk":   {map[string]answer{"/": {}, wellknown.StatusPath: status(`{"tracking":"?"}`)}, wellknown.TkResource, "asks for one on each response"},
		"gpc is no boolean":     {map[string]answer{wellknown.GPCPath: {header: map[string]string{"Content-Type": "application/json"}, body: `{"gpc":"yes"}`}}, wellknown.GPCResource, "no support resource"},
		"gpc without date":      {map[string]answer{wellknown.GPCPath: {header: map[string]string{"Content-Type": "application/json"}, body: `{"gpc":true}`}}, wellknown.GPCResource, "lastUpdate is missing"},
		"gpc date of no form":   {map[string]answer{wellknown.GPCPath: {header: map[string]string{"Content-Type": "application/json"}, body: `{"gpc":true,"lastUpdate":"15.1.2026"}`}}, wellknown.GPCResource, "RFC 3339"},
		"gpc from the future":   {map[string]answer{wellknown.GPCPath: {header: map[string]string{"Content-Type": "application/json"}, body: `{"gpc":true,"lastUpdate":"2026-01-17"}`}}, wellknown.GPCResource, "in the future"},
		"gpc as text":           {map[string]answer{wellknown.GPCPath: {header: map[string]string{"Content-Type": "text/plain"}, body: `{"gpc":true}`}}, wellknown.GPCResource, "not application/json"},
		"gpc, not honoured yet": {map[string]answer{wellknown.GPCPath: {header: map[string]string{"Content-Type": "application/json"}, body: `{"gpc":false,"lastUpdate":"2026-01-15T00:00:00Z"}`}}, wellknown.GPCResource, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range check(t, site(t, c.change)).Findings {
				faults := strings.Join(f.Faults, "; ")
				if f.Resource == c.at && (c.want == "") != (faults == "") || f.Resource == c.at && !strings.Contains(faults, c.want) {
					t.Errorf("%s says %q; faults %q, want %q", f.Resource, f.Says, faults, c.want)
				}
			}
		})
	}
}

func TestCheckLeavesOut(t *testing.T) {
	r := check(t, site(t, nil), wellknown.PolicyResource)
	if len(r.Findings) != 3 || !r.Holds() {
		t.Errorf("%+v", r)
	}
}

func TestCheckHoldsForWhatIsServedHere(t *testing.T) {
	p, err := wellknown.NewPolicy(effPolicy(t), asserted)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(serve(t, wellknown.Options{Policy: p, Status: &wellknown.Status{Tracking: "T"}, OptedOut: "N", GPC: &wellknown.GPC{Honoured: true, Updated: asserted}}))
	defer srv.Close()
	base, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if r := check(t, base); !r.Holds() {
		t.Errorf("%+v", r)
	}
}

func TestCheckSaysThatNobodyAnswers(t *testing.T) {
	base := site(t, map[string]answer{wellknown.PolicyPath: {status: 301, header: map[string]string{"Location": "http://localhost:1/"}}})
	for _, at := range []string{base.String(), "http://localhost:1/"} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wellknown.Check(context.Background(), wellknown.CheckOptions{Base: u, Transport: http.DefaultTransport, Now: noon{}.Now()}); !errors.Is(err, wellknown.ErrUnreachable) {
			t.Errorf("%s: %v", at, err)
		}
	}
}
