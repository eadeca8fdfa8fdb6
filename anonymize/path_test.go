package anonymize_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
)

// pathOf anonymizes one path.
func pathOf(t testing.TB, a anonymizer, path string, optedOut bool) string {
	t.Helper()
	rec := record()
	rec.Path = []byte(path)
	if optedOut {
		rec.GPC = field("1")
	}
	return do(t, a, rec).Path
}

var routes = []string{"/", "/About/Us.html", "/docs/install/linux", "/2026/11/20", "/caf\u00e9/menu/today", "/user/123"}

func withRoutes(o *anonymize.Options) { o.Routes = map[string][]string{"s": routes} }

func TestPaths(t *testing.T) {
	a := newAnonymizer(t, withRoutes)
	for path, want := range map[string]string{
		// The route list.
		"/":                       "/",
		"/About/Us.html":          "/About/Us.html",
		"/about/us.HTML":          "/About/Us.html",
		"//about/./x/../Us.html/": "/About/Us.html",
		"/about/us.html?q=1":      "/About/Us.html",
		"/2026/11/20":             "/2026/11/20",
		"/2026//11/20/":           "/2026/11/20",
		"/user/123":               "/user/123",
		"/user/124":               "/user/*number*",
		"/caf%C3%A9/menu/today":   "/caf\u00e9/menu/today",
		// Spelling.
		"":                         "/",
		"/A/B":                     "/a/b",
		"/a//b///c/":               "/a/b/c",
		"/a/./b/../c":              "/a/c",
		"/../../etc/passwd":        "/etc/passwd",
		"/%2e%2E/x":                "/x",
		"/a%2fb":                   "/a/b",
		"/%7Ejo/%41":               "/~jo/a",
		"/a b":                     "/a%20b",
		"/100%":                    "/100%25",
		"/%zz":                     "/%25zz",
		"/\u00e9t\u00e9":           "/%C3%A9t%C3%A9",
		"/a;jsessionid=8F3A/b;c=d": "/a/b",
		"/a%3Bjsessionid=8F3A":     "/a",
		"/a%3fq=secret":            "/a",
		"/a%253fq=secret":          "/a",
		"/a%23frag":                "/a",
		"no/slash":                 "/no/slash",
		// Placeholders.
		"/title-38":            "/title-38",
		"/article/38":          "/article/*number*",
		"/article/38.html":     "/article/*number*.html",
		"/1.2.3/x":             "/*number*/x",
		"/call/+49-30-1234567": "/call/*number*",
		"/o/550e8400-e29b-41d4-a716-446655440000":             "/o/*uuid*",
		"/o/%7B550E8400-E29B-41D4-A716-446655440000%7D":       "/o/*uuid*",
		"/o/urn:uuid:550e8400-e29b-41d4-a716-446655440000":    "/o/*uuid*",
		"/h/d41d8cd98f00b204e9800998ecf8427e":                 "/h/*hex*",
		"/h/D41D8CD98F00B204":                                 "/h/*hex*",
		"/h/d41d8cd98f00b20":                                  "/h/*token*",
		"/h/00:1b:44:11:3a:b7":                                "/h/*address*",
		"/h/2001:db8::1":                                      "/h/*address*",
		"/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.T3x-9aQ": "/t/*token*",
		"/t/dGhpcyBpcyBhIHNlY3JldCB0b2tlbg":                   "/t/*token*",
		"/t/a1b2-c3d4-e5f6-g7h8-i9j0":                         "/t/*token*",
		"/t/the-story-of-covid-19-in-2021-part-2":             "/t/the-story-of-covid-19-in-2021-part-2",
		"/t/VeteransServiceRecordsRequestForm":                "/t/veteransservicerecordsrequestform",
		"/u/jo@example.org":                                   "/u/*email*",
		"/u/jo%40example.org":                                 "/u/*email*",
		"/u/jo%2540example.org":                               "/u/*email*",
		"/@jo":                                                "/@jo",
		// What has no general form.
		"/a/\x16\x03\x01":                           "/*other*",
		"/docs/\xff\xfe":                            "/*other*",
		"/docs/%00":                                 "/*other*",
		"/%25252525252541":                          "/*other*",
		"/a/" + strings.Repeat("x", 600):            "/*other*",
		"/Docs/install/" + strings.Repeat("x", 600): "/docs/install/*other*",
		"/x/*other*/y":                              "/x/*other*",
		"/x/*OTHER*/y":                              "/x/*other*",
	} {
		if got := pathOf(t, a, path, false); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestPathsOfThoseWhoOptedOut(t *testing.T) {
	a := newAnonymizer(t, withRoutes)
	for path, want := range map[string]string{
		"/about/us.html":           "/About/Us.html",
		"/about/secret":            "/About/*other*",
		"/docs/install/linux/deep": "/docs/install/*other*",
		"/docs/secret/linux":       "/docs/*other*",
		"/secret/docs/install":     "/*other*",
		"/2026/11/secret":          "/2026/11/*other*",
		"/2026/12/20":              "/2026/*other*",
		"/docs":                    "/*other*",
		"/\xff":                    "/*other*",
		"/docs/*other*":            "/docs/*other*",
		"/secret/*other*":          "/*other*",
	} {
		if got := pathOf(t, a, path, true); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

var templateRoutes = []string{
	"/", "/users/me", "/Shop/{item}", "/users/{id}/edit", "/users/me/edit", "/users/{id}", "/news/{id}.html", "/news/a{id}.html", "/files/{path...}",
	"/\u00e9t\u00e9/{x}", "/{lang}/about", "/number/*{n}*",
}

func withTemplates(o *anonymize.Options) { o.Routes = map[string][]string{"s": templateRoutes} }

func TestTemplates(t *testing.T) {
	a := newAnonymizer(t, withTemplates)
	for path, want := range map[string]string{
		"/users/17/edit":                     "/users/{id}/edit",
		"/users/alice/edit/":                 "/users/{id}/edit",
		"/Users/al%69ce":                     "/users/{id}",
		"/users/me/edit":                     "/users/me/edit",
		"/users/me":                          "/users/me",
		"/users/me/delete":                   "/users/me/delete",
		"/users/{id}/edit":                   "/users/{id}/edit",
		"/news/12.html":                      "/news/{id}.html",
		"/news/a12.html":                     "/news/a{id}.html",
		"/news/.html":                        "/news/.html",
		"/files/a/b/c":                       "/files/{path...}",
		"/files":                             "/files",
		"/%C3%A9t%C3%A9/secret":              "/\u00e9t\u00e9/{x}",
		"/de/about":                          "/{lang}/about",
		"/shop/x":                            "/Shop/{item}",
		"/number/12":                         "/number/*{n}*",
		"/number/*other*":                    "/number/*other*",
		"/users/a/edit/more":                 "/users/a/edit/more",
		"/users/../files/x?q=1":              "/files/{path...}",
		"/users/" + strings.Repeat("x", 400): "/users/{id}",
	} {
		if slices.Contains(templateRoutes, want) && path != "/number/12" && pathOf(t, a, path, true) != want {
			t.Errorf("%q: a visitor who opted out gets %q", path, pathOf(t, a, path, true))
		}
		if got := pathOf(t, a, path, false); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
	for path, want := range map[string]string{"/users/a/delete": "/users/*other*", "/news/secret": "/news/*other*", "/de/secret": "/*other*"} {
		if got := pathOf(t, a, path, true); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

func TestBadTemplatesAreRefused(t *testing.T) {
	for _, route := range []string{"/a/{", "/a/}", "/a/{}", "/{a}{b}", "/{a b}", "/{a...}/b", "/x{a...}", "/{{a}}", "/}a{"} {
		o := anonymize.Options{Site: "s", Keys: keys.Ephemeral(&clock{now: now}), Routes: map[string][]string{"s": {route}}}
		if _, err := anonymize.New(o); err == nil || !strings.Contains(err.Error(), "{name}") {
			t.Errorf("%q: %v", route, err)
		}
	}
}

func TestCaseIsKeptWhereItMatters(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.CaseSensitive = map[string]bool{"s": true} })
	if got := pathOf(t, a, "/A/%62", false); got != "/A/b" {
		t.Fatal(got)
	}
}

// genPath draws paths of the stuff that decides, and any bytes.
func genPath(t *rapid.T) string {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{
			"/", ".", "..", "%", "%2", "%2f", "%2F", "%25", "%3b", ";", "?", "%3F", "#", "@", "%40", "*other*", "*number*", "0", "12",
			"a", "Z", "-", "_", ":", "{", "}", "urn:uuid:", "550e8400-e29b-41d4-a716-446655440000", "deadbeef", "%C3%A9", "\xc3", "\u00e9",
			".html", "docs", "install", "About", "user", "0x", " ", "%20", "\x00",
		}),
		rapid.StringN(0, 8, 16), rapid.StringMatching(`[A-Za-z0-9]{1,24}`))
	return "/" + strings.Join(rapid.SliceOfN(part, 0, 24).Draw(t, "parts"), "")
}

func TestPathIsAFixedPoint(t *testing.T) {
	for name, options := range map[string]func(*anonymize.Options){
		"no routes": nil, "routes": withRoutes, "templates": withTemplates,
		"case": func(o *anonymize.Options) { o.CaseSensitive = map[string]bool{"s": true} },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAnonymizer(t, options)
			rapid.Check(t, func(r *rapid.T) { checkPath(t, r.Fatalf, a, genPath(r)) })
		})
	}
}

func checkPath(t testing.TB, fail func(string, ...any), a anonymizer, path string) {
	for _, optedOut := range []bool{false, true} {
		once := pathOf(t, a, path, optedOut)
		if twice := pathOf(t, a, once, optedOut); twice != once {
			fail("%q gives %q, which gives %q", path, once, twice)
		}
		if len(once) > throng.MaxPathBytes || once[0] != '/' || strings.ContainsAny(once, "?#;\x00 ") {
			fail("%q gives %q", path, once)
		}
		if optedOut && !isPublic(once) {
			fail("%q gives %q, which is not of the list", path, once)
		}
	}
}

// isPublic tells whether a path is a route or a group of routes.
func isPublic(path string) bool {
	prefix, group := strings.CutSuffix(path, throng.Other)
	for _, r := range append(routes, templateRoutes...) {
		if r == path || group && (prefix == "/" || strings.HasPrefix(r, prefix)) {
			return true
		}
	}
	return false
}

func FuzzPath(f *testing.F) {
	for _, p := range append([]string{"/a%2e%2e;x/%zz?%C3", "/%25252e", "/*other*/a"}, routes...) {
		f.Add(p)
	}
	a := newAnonymizer(f, withRoutes)
	f.Fuzz(func(t *testing.T, path string) { checkPath(t, t.Fatalf, a, path) })
}
