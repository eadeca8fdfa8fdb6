package anonymize_test

import (
	"strings"
	"testing"

	"throng/anonymize"
)

func ownHosts(o *anonymize.Options) {
	o.Hosts = map[string]string{"example.com": "s", "www.example.com": "s"}
}

func referrerOf(t testing.TB, a anonymizer, referrer string) string {
	t.Helper()
	rec := record()
	rec.Referer = []byte(referrer)
	return do(t, a, rec).Referrer
}

var referrers = map[string]string{
	"": "", "-": "", "null": "",
	"https://blog.example.org/secret/path?q=secret#x": "example.org",
	"http://EXAMPLE.org:8080/":                        "example.org",
	"https://example.org.":                            "example.org",
	"example.org/no/scheme":                           "example.org",
	"https://a.b.example.co.uk/":                      "example.co.uk",
	"https://jo.github.io/":                           "jo.github.io",
	"https://www.example.com/page":                    anonymize.Internal,
	"https://cdn.example.com/page":                    anonymize.Internal,
	"https://www.google.com/search?q=secret":          "Google",
	"https://www.google.co.uk/":                       "Google",
	"https://docs.google.com/document/secret":         "Google",
	"https://de.search.yahoo.com/":                    "Yahoo!",
	"https://m.facebook.com/":                         "Facebook",
	"https://chatgpt.com/":                            "ChatGPT",
	"http://semalt.semalt.com/":                       "",
	"https://1-99seo.com/":                            "",
	"https://198.51.100.7/":                           "",
	"https://[2001:db8::1]:80/":                       "",
	"https://localhost/":                              "",
	"https://intranet.corp/":                          "",
	"https://jo:secret@example.org/":                  "",
	"android-app://com.example.app/":                  "",
	"javascript:alert(1)":                             "",
	"https://exa mple.org/":                           "",
	"https://ex\xffample.org/":                        "",
	"https://" + strings.Repeat("a.", 300) + "org":    "",
}

func TestReferrers(t *testing.T) {
	a := newAnonymizer(t, ownHosts)
	for referrer, want := range referrers {
		if got := referrerOf(t, a, referrer); got != want {
			t.Errorf("%q: got %q, want %q", referrer, got, want)
		}
	}
}

func FuzzReferrer(f *testing.F) {
	for r := range referrers {
		f.Add(r)
	}
	a := newAnonymizer(f, ownHosts)
	f.Fuzz(func(t *testing.T, referrer string) {
		once := referrerOf(t, a, referrer)
		if twice := referrerOf(t, a, once); twice != once {
			t.Fatalf("%q gives %q, which gives %q", referrer, once, twice)
		}
		if strings.ContainsAny(once, "/?#@:") {
			t.Fatalf("%q gives %q", referrer, once)
		}
	})
}

// TestNamedReferrersAreFixedPoints takes every name of the lists.
func TestNamedReferrersAreFixedPoints(t *testing.T) {
	a := newAnonymizer(t, ownHosts)
	for _, line := range deriveReferrers(t) {
		host, name, _ := strings.Cut(line, "\t")
		host = strings.NewReplacer("*.", "de.", ".*", ".com").Replace(host)
		if got := referrerOf(t, a, "https://"+host+"/"); got != name && !strings.Contains(line, "*") {
			t.Logf("%s is %q, listed as %q", host, got, name)
		}
		if once := referrerOf(t, a, name); once != name {
			t.Errorf("%q gives %q", name, once)
		}
	}
}
