package anonymize_test

import (
	"encoding/csv"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng/anonymize"
)

// segmentOf is what becomes of a segment that no name of a secret goes before.
func segmentOf(t testing.TB, a anonymizer, segment string) string {
	t.Helper()
	return strings.TrimPrefix(pathOf(t, a, "/x/"+segment, false), "/x/")
}

func TestPlaceholders(t *testing.T) {
	a := newAnonymizer(t, nil)
	for want, segments := range map[string][]string{
		"*number*": {"1", "2026", "2026-11-20", "20261120", "1.2.3", "+49-30-1234567", "(030) 123 456", "tel:+4930123", "00491701234567", "0,5"},
		"*address*": {"192.0.2.7", "192.0.2.7:8080", "::1", "[2001:db8::1]:443", "fe80::1%25eth0", "00:1b:44:11:3a:b7",
			"2001:db8:0:0:0:0:0:1", "::ffff:192.0.2.7"},
		"*email*": {"jo@example.org", "jo%40example.org", "jo%2540example.org", "@jo@social.example", "mailto:jo@example.org",
			"jo+tag@example.org.html", "J%4F%40EXAMPLE.ORG"},
		"*uuid*": {"550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "%7B550e8400-e29b-41d4-a716-446655440000%7D"},
		"*hex*":  {"d41d8cd98f00b204e9800998ecf8427e", "0xDEADBEEFDEADBEEF", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
		"*token*": {
			"dGhpcyBpcyBhIHNlY3JldCB0b2tlbg==",         // base64
			"MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U",         // base32
			"16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM",        // base58
			"01ARZ3NDEKTSV4RRFFQ69G5FAV",               // ULID
			"0ujtsYcgvSTl8PAuAdqWYSMnLOv",              // KSUID
			"V1StGXR8_Z5jdHi6B-myT",                    // nanoid
			"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.T3x9aQ", // JWT
			"dQw4w9WgXcQ", "a1b2-c3d4-e5f6-g7h8-i9j0", "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
			"xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcHrzqqgy", "AKIAIOSFODNN7EXAMPLE", "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
			"user-4915112345678", "host-203-0-113-7-x1y2z3a4", "ip.203.0.113.7.example", "order-100023456789-paid",
			"sid=1", "index.php,sid=hunter2", "token=abc", "page=2,password=x",
		},
	} {
		for _, s := range segments {
			if got := segmentOf(t, a, s); got != want && got != want+".html" {
				t.Errorf("%q: got %q, want %q", s, got, want)
			}
		}
	}
}

func TestWordsStay(t *testing.T) {
	a := newAnonymizer(t, nil)
	for _, s := range []string{
		"title-38", "covid-19-in-2021-part-2", "h1n1", "i18n", "k8s", "x86_64", "iphone15pro", "windows10", "log4j2", "sha256sum",
		"veteransservicerecordsrequestform", "donaudampfschifffahrtsgesellschaft", "rechtsschutzversicherung", "przedsiębiorstwo",
		"subject-group-ecfr", "2023-26075-notice-of-declaration", "anticonstitutionnellement", "knightsbridge", "schwarzwald",
		"%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8", "c++", "a=b", "r&d", "@jo", "2026-11-20-what-happened-in-2025", "style.v2.css", "node.js",
	} {
		want := strings.ReplaceAll(s, "ę", "%C4%99")
		if got := segmentOf(t, a, s); got != want {
			t.Errorf("%q: got %q", s, got)
		}
	}
}

func TestWhatFollowsTheNameOfASecretIsReplaced(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.Routes = map[string][]string{"s": {"/invite/accept"}} })
	for path, want := range map[string]string{
		"/reset-password/hunter/done": "/reset-password/*token*/done",
		"/PHPSESSID/hunter.html":      "/phpsessid/*token*",
		"/token/x/../hunter":          "/token/*token*",
		"/token/12":                   "/token/*number*",
		"/invite/accept":              "/invite/accept",
		"/(S(lit3py55t21z5v))/a.aspx": "/a.aspx",
		"/a/(A(x)S(y))/b":             "/a/b",
		"/a;PHPSESSID=hunter/b":       "/a/b",
		"/index.php&id=hunter/b":      "/index.php/b",
		"/a%26id%3Dhunter":            "/a",
	} {
		if got := pathOf(t, a, path, false); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

// alphabets are those in which tokens are written; lengths are those from which on none may come out.
var alphabets = map[string]struct {
	letters string
	length  int
}{
	"base36":    {"abcdefghijklmnopqrstuvwxyz0123456789", 18},
	"base58":    {"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 18},
	"base62":    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 18},
	"base64url": {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 21},
	"base32":    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 20},
	"crockford": {"0123456789ABCDEFGHJKMNPQRSTVWXYZ", 16},
	"hex":       {"0123456789abcdef", 16},
	"letters":   {"abcdefghijklmnopqrstuvwxyz", 28},
	"digits":    {"0123456789", 17},
}

func TestNoRunOfARandomTokenComesOut(t *testing.T) {
	a := newAnonymizer(t, withRoutes)
	for name, alphabet := range alphabets {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				seed := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 1))
				token := randomToken(seed, alphabet.letters, alphabet.length+seed.IntN(40))
				for _, path := range []string{"/x/" + token, "/x/" + token + ".html", "/x/" + percentEncode(percentEncode(token)), "/x/pre-" + token + "/y"} {
					if got := pathOf(t, a, path, false); leaked(got, token) || leaked(got, strings.ToLower(token)) {
						r.Fatalf("%q gives %q", path, got)
					}
				}
			})
		})
	}
}

func randomToken(r *rand.Rand, letters string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// percentEncode writes every byte as an escape.
func percentEncode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.WriteString("%" + string("0123456789ABCDEF"[c>>4]) + string("0123456789abcdef"[c&15]))
	}
	return b.String()
}

// TestScoreOfTokens prints how many random tokens are found, and how many segments of real pages are taken
// for one.
func TestScoreOfTokens(t *testing.T) {
	a := newAnonymizer(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"base36", "base58", "base62", "base64url", "base32", "crockford", "hex", "letters"} {
		for _, n := range []int{6, 8, 10, 12, 16, 20, 26} {
			const tokens = 4000
			found := 0
			for range tokens {
				if strings.HasPrefix(segmentOf(t, a, randomToken(r, alphabets[name].letters, n)), "*") {
					found++
				}
			}
			t.Logf("%-9s %2d characters: %6.2f %% found", name, n, 100*float64(found)/tokens)
			if n >= 20 && found < tokens*998/1000 {
				t.Errorf("%s of %d characters: %d of %d found", name, n, found, tokens)
			}
		}
	}
	segments, taken := realSegments(t), 0
	for s := range segments {
		if got := segmentOf(t, a, s); strings.HasPrefix(got, "*token*") {
			taken++
		}
	}
	t.Logf("%d of %d segments of real pages are taken for tokens", taken, len(segments))
	if taken*100 > len(segments) {
		t.Error("more than 1 %")
	}
}

// realSegments are the distinct segments of the pages of a national archive's sites.
func realSegments(t testing.TB) map[string]bool {
	rows, err := csv.NewReader(strings.NewReader(string(source(t, "readership/archives-30-days.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	segments := map[string]bool{}
	for _, row := range rows[1:] {
		page, _, _ := strings.Cut(row[0], "?")
		page, _, _ = strings.Cut(page, "#")
		for _, s := range strings.Split(page, "/")[1:] {
			if s != "" && !strings.Contains(s, "ECFR") { // such segments end with a random token
				segments[s] = true
			}
		}
	}
	return segments
}
