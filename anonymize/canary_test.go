package anonymize_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/ingest/accesslog"
)

const run = 5

// TestNoRunOfASecretComesOut puts values that occur nowhere else into every field that must not come
// out, and looks for each run of five bytes of them in every field of the event.
func TestNoRunOfASecretComesOut(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) {
		withRoutes(o)
		o.OptOut, o.OptOutCookie = list{cookie: "listed"}, "uid"
		o.Consent = map[string]anonymize.Consent{"s": {Cookie: "consent", Value: "yes", Marker: "C"}}
	})
	secret := rapid.StringMatching(`[qxzjvk0-9]{8,40}`)
	rapid.Check(t, func(t *rapid.T) {
		mark := func(what string) []byte { return []byte(secret.Draw(t, what)) }
		rec := record()
		rec.RemoteUser, rec.Query, rec.ForwardedFor, rec.RemoteHost = mark("account"), mark("query"), mark("forwarded"), mark("host")
		rec.MethodText, rec.Protocol, rec.Host = mark("method"), mark("protocol"), mark("site host")
		agent, cookie := mark("agent"), mark("referrer")
		rec.UserAgent = fmt.Appendf(nil, "%s %s Chrome/%s Version/%s", chrome, agent, agent, agent)
		rec.Referer = fmt.Appendf(nil, "https://%s.example.org:%s/%s?%s=%s#%s", cookie, cookie, cookie, cookie, cookie, cookie)
		rec.DNT, rec.GPC = field(string(mark("dnt"))), field(string(mark("gpc")))
		jar, named, consent := mark("cookie header"), mark("cookie"), mark("consent")
		rec.Cookie = fmt.Appendf(nil, "%s=%s; uid=%s; consent=%s", jar, jar, jar, jar)
		rec.Cookies, rec.Consent = []accesslog.Cookie{{Name: "uid", Value: named}}, consent
		if rapid.Bool().Draw(t, "on the list") {
			rec.Cookie = append(rec.Cookie, "; uid=listed"...)
		}
		secrets := [][]byte{jar, named, consent, rec.RemoteUser, rec.Query, rec.ForwardedFor, rec.RemoteHost, rec.MethodText, rec.Protocol, rec.Host,
			agent, cookie, rec.DNT.Value, rec.GPC.Value}
		path := mark("matrix")
		rec.Path = fmt.Appendf(nil, "/news;sid=%s/%%3fq=%s", path, path)
		if rapid.Bool().Draw(t, "opted out") {
			rec.GPC = field("1")
			rec.Path = fmt.Appendf(nil, "/docs/%s/%s", path, path)
		}
		for _, text := range texts(do(t, a, rec)) {
			for _, s := range append(secrets, path) {
				if leaked(text, string(s)) {
					t.Fatalf("%q is in %q", s, text)
				}
			}
		}
	})
}

// texts are the fields of an event as anyone would see them, less the keyed hashes and what the record
// says of time, status and size, which the secrets do not touch.
func texts(ev throng.Event) []string {
	return []string{
		ev.Site, ev.Path, ev.Referrer, ev.Client.String(), fmt.Sprint(ev.ClientMajor), ev.OS.String(), ev.Country.String(),
		ev.Network.String(), ev.Bot.String(), ev.Signal.String(), ev.Method.String(),
	}
}

func leaked(text, secret string) bool {
	for i := 0; i+run <= len(secret); i++ {
		if strings.Contains(text, secret[i:i+run]) {
			return true
		}
	}
	return false
}

func TestNetworkHoldsNoMoreThanItsBits(t *testing.T) {
	a := newAnonymizer(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		rec := record()
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		bits, optedOut := [2]int{48, 32}, rapid.Bool().Draw(t, "opted out")
		rec.RemoteAddr = netip.AddrFrom16([16]byte(raw))
		if rapid.Bool().Draw(t, "IPv4") {
			rec.RemoteAddr, bits = netip.AddrFrom4([4]byte(raw[:4])), [2]int{24, 19}
		}
		want := bits[0]
		if optedOut {
			rec.DNT, want = field("1"), bits[1]
		}
		if rec.RemoteAddr.Is4In6() {
			t.Skip("a mapped address is an IPv4 address")
		}
		n := do(t, a, rec).Network
		if n.Bits() != want || n != n.Masked() || !n.Contains(rec.RemoteAddr) {
			t.Fatalf("%s for %s", n, rec.RemoteAddr)
		}
	})
}

// TestEventIsAFunctionOfTheRecord anonymizes in two orders, with caches so small that everything
// displaces everything: a block that is made again must be the same.
func TestEventIsAFunctionOfTheRecord(t *testing.T) {
	var ratchet anonymize.Options
	small := func(o *anonymize.Options) {
		o.AgentCache, o.PathCache, o.ReferrerCache = 4, 4, 4
		if ratchet.Keys == nil {
			ratchet.Keys = o.Keys
		}
		o.Keys = ratchet.Keys
	}
	records := make([]accesslog.Record, 3000)
	for i, q := range traffic(len(records)) {
		q.fill(&records[i])
	}
	forward, backward := newAnonymizer(t, small), newAnonymizer(t, small)
	events := make([]throng.Event, len(records))
	for i := range records {
		events[i] = do(t, forward, records[i])
	}
	for i := len(records) - 1; i >= 0; i-- {
		if again := do(t, backward, records[i]); again != events[i] {
			t.Fatalf("record %d: %+v, then %+v", i, events[i], again)
		}
	}
}
