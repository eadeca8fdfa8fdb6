package anonymize_test

import (
	"strings"
	"testing"

	"throng/anonymize"
)

func ownHosts(o *anonymize.Options) {
	o.Hosts = map[string]string{"example.com": "s", "www.example.com": "s", "www.example.net": "s", "jo.codeberg.page": "s", "intranet": "s"}
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
	"https://jo.github.io/":                           "github.io",
	"https://kufli.blogspot.com/2015/":                "blogspot.com",
	"https://jo.s3.dualstack.eu-west-1.amazonaws.com": "amazonaws.com",
	"https://github.io/":                              "github.io",
	"https://co.uk/":                                  "",
	"https://m\u00fcnchen.de/":                        "xn--mnchen-3ya.de",
	"https://M\u00dcNCHEN.de":                         "xn--mnchen-3ya.de",
	"https://\u4f8b\u5b50.\u6d4b\u8bd5/":              "",
	"https://\u4f8b\u5b50.\u4e2d\u56fd/":              "xn--fsqu00a.xn--fiqs8s",
	"https://xn--mnchen-3ya.de/":                      "xn--mnchen-3ya.de",
	"https://shop.example.net/":                       anonymize.Internal, // only www.example.net is configured
	"https://jo.codeberg.page/":                       anonymize.Internal,
	"https://al.codeberg.page/":                       "codeberg.page",
	"http://intranet/":                                anonymize.Internal,
	"http://other/":                                   "",
	"https://google.com:443":                          "Google",
	"https://example.org:secret/":                     "",
	"https://example.org:99999999/":                   "",
	"https://0x7f.0x00.0x00.0x01/":                    "",
	"https://3232235777/":                             "",
	"https://[::ffff:192.0.2.1]/":                     "",
	"https://192-0-2-177.nip.io/":                     "nip.io",
	"https://d41d8cd98f00b204e9800998ecf8427e.com/":   "",
	"https://x4k9q2zz7b1mtt0p.com/":                   "",
	"https://4chan.org/":                              "4chan.org",
	"https://163.com/":                                "163.com",
	"https://jo.home.arpa/":                           "",
	"https://7.2.0.192.in-addr.arpa/":                 "",
	"https://facebookwkhpilnemxj7asaniu7vnjjbiltxjqhye3mhbshg7kx5tfyd.onion/": "",
	"https://jo.local/":                    "",
	"https://abc.onion/":                   "abc.onion",
	"https://new.spam.semalt.com/":         "",
	"https://sub.1-99seo.com/":             "",
	"https://gemini.google.com/app/secret": "Gemini",
	"https://t.co/secret":                  "Twitter",
	"android-app://com.google.android.gm/": "Google",
	"android-app://com.facebook.katana":    "Facebook",
	"android-app://org.example.secret":     "example.org",
	"android-app://secret":                 "",
	"ios-app://12345/":                     "",
	"chrome-extension://abcdef/":           "",
	"file:///home/jo/secret.html":          "",
	"about:blank":                          "",
	"//example.org/":                       "",
	"https://user.name:" + strings.Repeat("x", 320) + "@example.org/": "",
	"https://www.example.com/page":                                    anonymize.Internal,
	"https://cdn.example.com/page":                                    anonymize.Internal,
	"https://www.google.com/search?q=secret":                          "Google",
	"https://www.google.co.uk/":                                       "Google",
	"https://docs.google.com/document/secret":                         "Google",
	"https://de.search.yahoo.com/":                                    "Yahoo!",
	"https://m.facebook.com/":                                         "Facebook",
	"https://chatgpt.com/":                                            "ChatGPT",
	"http://semalt.semalt.com/":                                       "",
	"https://1-99seo.com/":                                            "",
	"https://198.51.100.7/":                                           "",
	"https://[2001:db8::1]:80/":                                       "",
	"https://localhost/":                                              "",
	"https://intranet.corp/":                                          "",
	"https://jo:secret@example.org/":                                  "",
	"android-app://com.example.app/":                                  anonymize.Internal,
	"javascript:alert(1)":                                             "",
	"https://exa mple.org/":                                           "",
	"https://ex\xffample.org/":                                        "",
	"https://" + strings.Repeat("a.", 300) + "org":                    "",
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
		if strings.ContainsAny(once, "/?#@:") || len(once) > 253 {
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
