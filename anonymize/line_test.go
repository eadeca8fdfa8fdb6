package anonymize_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/ingest/accesslog"
)

// TestNoRunOfASecretComesOutOfALine reads, anonymizes and writes whole lines in which the address, account,
// query, cookies, forwarded addresses, the referrer's path and query, and one segment of the path are random
// values that occur nowhere else in the line.
func TestNoRunOfASecretComesOutOfALine(t *testing.T) {
	parser, err := accesslog.New(`$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" ` +
		`"$http_user_agent" "$http_x_forwarded_for" "$http_cookie" "$http_dnt"`)
	if err != nil {
		t.Fatal(err)
	}
	a := newAnonymizer(t, withRoutes)
	value := rapid.StringMatching(`[qxzjvkw0-9]{12,40}`)
	host := rapid.StringMatching(`[a-f]{4}(:[a-f]{4}){4}`) // letters, that no time is like it; the /48 in front is kept
	rapid.Check(t, func(r *rapid.T) {
		draw := func(what string) string { return value.Draw(r, what) }
		account, query, cookie, referrer, token := draw("account"), draw("query"), draw("cookie"), draw("referrer"), draw("token")
		address := host.Draw(r, "address")
		spelled := rapid.SampledFrom([]string{token, percentEncode(token), percentEncode(percentEncode(token)), token + ".html", "a;s=" + token,
			"a%3f" + token, "a%2523" + token, "x/../" + token, "token/" + token, "a&b=" + token}).Draw(r, "spelling")
		line := fmt.Sprintf(`2001:db8:1:%s - %s [20/Nov/2026:12:34:56 +0000] "GET /news/%s/today?%s=%s HTTP/1.1" 200 5 "https://%s.github.io:443/%s?%s#%s" "%s" "2001:db8:1:%s, 10.0.0.1" "a=%s" "%s"`,
			address, account, spelled, query, query, referrer, referrer, referrer, referrer, chrome, address, cookie,
			rapid.SampledFrom([]string{"-", "1", "0"}).Draw(r, "DNT"))
		var rec accesslog.Record
		if err := parser.Parse([]byte(line), &rec); err != nil {
			r.Fatal(err)
		}
		var ev throng.Event
		if out := a.Anonymize(&rec, &ev); out != anonymize.Accepted {
			r.Fatal(out)
		}
		text, err := json.Marshal(ev)
		if err != nil {
			r.Fatal(err)
		}
		for _, secret := range []string{account, query, cookie, referrer, token, address} {
			if leaked(string(text), secret) {
				r.Fatalf("a run of %q is in %s", secret, text)
			}
		}
	})
}

// TestPercentEncodingChangesNothing spells bytes of a path as escapes, up to twice.
func TestPercentEncodingChangesNothing(t *testing.T) {
	a := newAnonymizer(t, withTemplates)
	rapid.Check(t, func(r *rapid.T) {
		path := rapid.StringMatching(`(/[A-Za-z0-9@:;&=._~ é-]{0,12}){1,4}`).Draw(r, "path")
		encoded := path
		for range rapid.IntRange(1, 2).Draw(r, "times") {
			var b []byte
			for _, c := range []byte(encoded) {
				if c == '%' || rapid.Bool().Draw(r, "escaped") {
					b = append(b, percentEncode(string([]byte{c}))...)
				} else {
					b = append(b, c)
				}
			}
			encoded = string(b)
		}
		for _, optedOut := range []bool{false, true} {
			if plain, got := pathOf(t, a, path, optedOut), pathOf(t, a, encoded, optedOut); got != plain {
				r.Fatalf("%q gives %q, %q gives %q", path, plain, encoded, got)
			}
		}
	})
}
