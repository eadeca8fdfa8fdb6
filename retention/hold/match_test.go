package hold_test

import (
	"strings"
	"testing"

	"throng/retention/hold"
)

const siteAndTime = "site=www from=2026-11-21T10:00:00Z to=2026-11-21T12:00:00Z "

func TestParseMatch(t *testing.T) {
	for text, optedOut := range map[string]bool{
		siteAndTime + "network=198.51.100.0/24":                                false,
		siteAndTime + "network=198.51.96.0/19":                                 true,
		siteAndTime + "network=198.51.96.0/20":                                 false,
		siteAndTime + "network=2001:db8:1::/48":                                false,
		siteAndTime + "network=2001:db8::/32":                                  true,
		siteAndTime + "path=/account/:email status=401":                        true,
		siteAndTime + "path=/a/*other* method=POST referrer=example.org":       true,
		siteAndTime + "client=Chrome_Mobile os=Android country=DE bot=crawler": true,
	} {
		m, err := hold.ParseMatch(text, buckets)
		if err != nil || m.OptedOut != optedOut {
			t.Errorf("%s: opted out %t, %v", text, m.OptedOut, err)
		}
		if got := hold.Terms(m); got != text {
			t.Errorf("written as %s, read from %s", got, text)
		}
	}
}

func TestMatchesAreRefused(t *testing.T) {
	const secret = "secret-4711"
	for name, text := range map[string]string{
		"nothing":             "",
		"no site":             "from=2026-11-21T10:00:00Z to=2026-11-21T12:00:00Z path=/ status=200",
		"no time":             "site=www path=/ status=200 method=GET",
		"a site and a time":   siteAndTime,
		"longer than a day":   "site=www from=2026-11-20T10:00:00Z to=2026-11-21T10:00:01Z path=/",
		"backwards":           "site=www from=2026-11-21T10:00:00Z to=2026-11-21T10:00:00Z path=/",
		"parts of seconds":    "site=www from=2026-11-21T10:00:00.5Z to=2026-11-21T11:00:00Z path=/",
		"opted out":           siteAndTime + "opted_out=true",
		"signal":              siteAndTime + "signal=dnt",
		"a device":            siteAndTime + "unit=1",
		"an address":          siteAndTime + "network=198.51.100.7/32",
		"an IPv6 address":     siteAndTime + "network=2001:db8::7/64",
		"bits behind":         siteAndTime + "network=198.51.100.7/24",
		"a mapped network":    siteAndTime + "network=::ffff:198.51.100.0/120",
		"a query":             siteAndTime + "path=/?" + secret,
		"no path":             siteAndTime + "path=" + secret,
		"unknown client":      siteAndTime + "client=" + secret,
		"unknown field":       siteAndTime + secret + "=" + secret,
		"no value":            siteAndTime + "path=",
		"no term":             siteAndTime + secret,
		"a field twice":       siteAndTime + "path=/a path=/b",
		"a status that isn't": siteAndTime + "status=" + secret,
	} {
		_, err := hold.ParseMatch(text, buckets)
		if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "198.51.100.7") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseMatch(f *testing.F) {
	f.Add(terms)
	f.Add(siteAndTime + "client=Chrome_Mobile path=/a status=404")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := hold.ParseMatch(s, buckets)
		if err != nil {
			return
		}
		again, err := hold.ParseMatch(hold.Terms(m), buckets)
		if err != nil || again != m {
			t.Errorf("%+v is written as %q and read as %+v: %v", m, hold.Terms(m), again, err)
		}
	})
}
