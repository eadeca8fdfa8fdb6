package accesslog_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"throng/ingest/accesslog"
)

const proxied = `$remote_addr [$time_local] $status "$http_x_forwarded_for"`

// clientOf is the client's address and what was written in its place.
func clientOf(t testing.TB, format string, proxies int, line string) (addr, text string) {
	t.Helper()
	p := newParser(t, format)
	p.TrustProxies(proxies)
	var rec accesslog.Record
	if err := p.Parse([]byte(line), &rec); err != nil {
		t.Fatalf("%v at %d: %s", err, p.RejectOffset(), line)
	}
	return rec.RemoteAddr.String(), string(rec.RemoteHost)
}

func TestTrustedProxies(t *testing.T) {
	const connection, none = "198.51.100.9", "invalid IP"
	tests := map[string]struct {
		proxies int
		header  string
		want    string
	}{
		"none trusted":                      {0, "192.0.2.1, 192.0.2.2", connection},
		"the nearest hop":                   {1, "192.0.2.1, 192.0.2.2", "192.0.2.2"},
		"the second hop":                    {2, "192.0.2.1, 192.0.2.2", "192.0.2.1"},
		"a client's own hops are ignored":   {1, "203.0.113.1, 203.0.113.2, 192.0.2.2", "192.0.2.2"},
		"too few hops":                      {3, "192.0.2.1, 192.0.2.2", connection},
		"no header":                         {1, "-", connection},
		"an empty header":                   {1, "", connection},
		"only commas":                       {1, " , ,", connection},
		"empty elements do not count":       {2, "192.0.2.1,, 192.0.2.2, ", "192.0.2.1"},
		"no blanks, tabs":                   {2, "192.0.2.1,\t192.0.2.2", "192.0.2.1"},
		"unknown":                           {1, "192.0.2.1, unknown", none},
		"a host name":                       {1, "192.0.2.1, host.example.org", none},
		"junk":                              {1, "192.0.2.1, ' or 1=1", none},
		"junk further left":                 {1, "' or 1=1, 192.0.2.1", "192.0.2.1"},
		"a port":                            {1, "192.0.2.1:1234", "192.0.2.1"},
		"IPv6":                              {1, "2001:db8::1", "2001:db8::1"},
		"IPv6 in brackets":                  {1, "[2001:db8::1]", "2001:db8::1"},
		"IPv6 in brackets with a port":      {1, "[2001:db8::1]:443", "2001:db8::1"},
		"IPv6 with a zone":                  {1, "fe80::1%eth0", "fe80::1"},
		"mapped":                            {1, "::ffff:192.0.2.1", "192.0.2.1"},
		"Forwarded":                         {1, "for=192.0.2.1;proto=http;by=203.0.113.43", "192.0.2.1"},
		"Forwarded, several":                {2, `For="[2001:db8:cafe::17]:4711", proto=https;for=192.0.2.2`, "2001:db8:cafe::17"},
		"Forwarded, quoted":                 {1, `for=192.0.2.1, for="192.0.2.2:80";host="a,b"`, "192.0.2.2"},
		"Forwarded, unknown":                {1, `for=192.0.2.1, for=unknown`, none},
		"Forwarded, obfuscated":             {1, `for=192.0.2.1, for=_hidden`, none},
		"Forwarded, without for":            {1, `for=192.0.2.1, proto=https`, none},
		"a quote that does not end, junk":   {1, `192.0.2.1, for="192.0.2.2`, "192.0.2.2"},
		"a chain of one with two proxies":   {2, "192.0.2.1", connection},
		"a comma at the beginning":          {1, ", 192.0.2.1", "192.0.2.1"},
		"an address with a leading zero":    {1, "192.0.02.1", none},
		"an address of too many parts":      {1, "192.0.2.1.5", none},
		"an IPv6 address without its end ]": {1, "[2001:db8::1", none},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			line := fmt.Sprintf(`%s [01/Jan/2026:00:00:00 +0000] 200 "%s"`, connection, test.header)
			if got, _ := clientOf(t, `escape=none `+proxied, test.proxies, line); got != test.want {
				t.Errorf("the client is %s, want %s", got, test.want)
			}
		})
	}
}

func TestAddressFieldWithSeveralHops(t *testing.T) {
	const at = ` [01/Jan/2026:00:00:00 +0000] 200`
	tests := map[string]struct {
		format, line string
		proxies      int
		want         string
	}{
		"X-Forwarded-For in its place":        {`$remote_addr [$time_local] $status`, `192.0.2.1, 192.0.2.2` + at, 0, "invalid IP"},
		"X-Forwarded-For in its place, known": {`$remote_addr [$time_local] $status`, `192.0.2.1, 192.0.2.2` + at, 1, "192.0.2.2"},
		"one hop in its place":                {`$remote_addr [$time_local] $status`, `192.0.2.1` + at, 1, "192.0.2.1"},
		"Apache":                              {`%{X-Forwarded-For}i %t %>s`, `192.0.2.1, 192.0.2.2` + at, 2, "192.0.2.1"},
		"nginx's chain":                       {`$proxy_add_x_forwarded_for [$time_local] $status`, `192.0.2.1, 192.0.2.2` + at, 0, "192.0.2.2"},
		"nginx's chain, a proxy":              {`$proxy_add_x_forwarded_for [$time_local] $status`, `192.0.2.1, 192.0.2.2` + at, 1, "192.0.2.1"},
		"nginx's chain, no hops":              {`$proxy_add_x_forwarded_for [$time_local] $status`, `192.0.2.2` + at, 1, "192.0.2.2"},
		"a port":                              {`$remote_addr:$remote_port [$time_local] $status`, `192.0.2.1:80` + at, 0, "192.0.2.1"},
		"a port after IPv6":                   {`$remote_addr:$remote_port [$time_local] $status`, `2001:db8::1:80` + at, 0, "2001:db8::1"},
		"a port after brackets":               {`%h:%{remote}p %t %>s`, `[2001:db8::1]:80` + at, 0, "2001:db8::1"},
		"a host name":                         {`%h %l %u %t %>s`, `host.example.org - -` + at, 0, "invalid IP"},
		"a socket":                            {`$remote_addr [$time_local] $status`, `unix:` + at, 0, "invalid IP"},
		"the peer does not count":             {`%{c}a %a %t %>s`, `192.0.2.9 192.0.2.1` + at, 0, "192.0.2.1"},
		"an address counts before a name":     {`%h %a %t %>s`, `host.example.org 192.0.2.1` + at, 0, "192.0.2.1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, _ := clientOf(t, test.format, test.proxies, test.line); got != test.want {
				t.Errorf("the client is %s, want %s", got, test.want)
			}
		})
	}
}

// TestTrustedHopIsNotTheClientsChoice: whatever a client puts before it, the hop that the n-th trusted
// proxy wrote stays the client.
func TestTrustedHopIsNotTheClientsChoice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proxies := rapid.IntRange(1, 4).Draw(t, "proxies")
		header := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "client's header")
		for i := range proxies {
			header += fmt.Sprintf(", 192.0.2.%d", i+1)
		}
		p, err := accesslog.New(`escape=none $remote_addr [$time_local] $status $http_x_forwarded_for`)
		if err != nil {
			t.Fatal(err)
		}
		p.TrustProxies(proxies)
		var rec accesslog.Record
		if err := p.Parse([]byte("198.51.100.9 [01/Jan/2026:00:00:00 +0000] 200 "+header), &rec); err != nil {
			t.Fatal(err)
		}
		if got := rec.RemoteAddr.String(); got != "192.0.2.1" {
			t.Fatalf("the client is %s", got)
		}
	})
}
