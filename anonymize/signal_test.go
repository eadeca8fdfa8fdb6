package anonymize_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
	"throng/ingest/accesslog"
)

// list is an opt-out list of one account and one cookie.
type list struct{ account, cookie string }

func (l list) HasAccount(account []byte) bool { return string(account) == l.account }
func (l list) HasCookie(value []byte) bool    { return string(value) == l.cookie }

func TestSignals(t *testing.T) {
	absent := accesslog.Field{}
	for _, c := range []struct {
		name     string
		dnt, gpc accesslog.Field
		want     throng.Signal
		invalid  uint64
	}{
		{"none", absent, absent, throng.NoSignal, 0},
		{"DNT", field("1"), absent, throng.DNT, 0},
		{"DNT with extension", field("1xyz"), absent, throng.DNT, 0},
		{"DNT allows", field("0"), absent, throng.NoSignal, 0},
		{"DNT allows, with extension", field("0;1"), absent, throng.NoSignal, 0},
		{"two DNT fields, nginx", field("0, 1"), absent, throng.DNT, 0},
		{"two DNT fields, no blank", field("0,1"), absent, throng.DNT, 0},
		{"two DNT fields, alike", field("1, 1"), absent, throng.DNT, 0},
		{"DNT after an empty one", field(", 1"), absent, throng.DNT, 0},
		{"DNT in words", field("true"), absent, throng.NoSignal, 1},
		{"DNT null", field("null"), absent, throng.NoSignal, 1},
		{"DNT unset", field("unspecified"), absent, throng.NoSignal, 1},
		{"DNT in quotes", field(`"1"`), absent, throng.NoSignal, 1},
		{"DNT, full-width", field("１"), absent, throng.NoSignal, 1},
		{"DNT, negative", field("-1"), absent, throng.NoSignal, 1},
		{"DNT, nothing but blanks", field(" "), absent, throng.NoSignal, 1},
		{"GPC", absent, field("1"), throng.GPC, 0},
		{"GPC with blanks around", absent, field(" 1\t"), throng.GPC, 0},
		{"GPC is exact", absent, field("1x"), throng.NoSignal, 1},
		{"GPC is exact, structured", absent, field("?1"), throng.NoSignal, 1},
		{"GPC is exact, decimal", absent, field("1.0"), throng.NoSignal, 1},
		{"GPC has no zero", absent, field("0"), throng.NoSignal, 1},
		{"two GPC fields", absent, field("0, 1"), throng.GPC, 0},
		{"two GPC fields, none of them one", absent, field("0, 11"), throng.NoSignal, 1},
		{"both", field("1"), field("1"), throng.DNTAndGPC, 0},
		{"both, one wrong", field("yes"), field("1"), throng.GPC, 1},
		{"both wrong", field("yes"), field("yes"), throng.NoSignal, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAnonymizer(t, nil)
			rec := record()
			rec.DNT, rec.GPC = c.dnt, c.gpc
			ev := do(t, a, rec)
			if ev.Signal != c.want || ev.OptedOut != (c.want != throng.NoSignal) {
				t.Errorf("signal %q", ev.Signal)
			}
			if n := a.Counts(); n.InvalidDNT+n.InvalidGPC != c.invalid || n.Signals[c.want] != 1 {
				t.Errorf("counts %+v", n)
			}
		})
	}
}

func TestOptOutByName(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.OptOut, o.OptOutCookie = list{"alice", "c0ffee"}, "uid" })
	for name, c := range map[string]struct {
		change func(r *accesslog.Record)
		want   throng.Signal
	}{
		"account":            {func(*accesslog.Record) {}, throng.OptOutByName},
		"another account":    {func(r *accesslog.Record) { r.RemoteUser = []byte("bob") }, throng.NoSignal},
		"no account":         {func(r *accesslog.Record) { r.RemoteUser = nil }, throng.NoSignal},
		"cookie":             {func(r *accesslog.Record) { r.RemoteUser, r.Cookie = nil, []byte("a=b; uid=c0ffee") }, throng.OptOutByName},
		"second of its name": {func(r *accesslog.Record) { r.RemoteUser, r.Cookie = nil, []byte("uid=x; uid=c0ffee") }, throng.OptOutByName},
		"another cookie":     {func(r *accesslog.Record) { r.RemoteUser, r.Cookie = nil, []byte("sid=c0ffee") }, throng.NoSignal},
		"cookie is no account": {func(r *accesslog.Record) {
			r.RemoteUser, r.Cookie = []byte("c0ffee"), []byte("uid=alice")
		}, throng.NoSignal},
		"a signal goes first": {func(r *accesslog.Record) { r.GPC = field("1") }, throng.GPC},
	} {
		rec := record()
		c.change(&rec)
		if ev := do(t, a, rec); ev.Signal != c.want {
			t.Errorf("%s: signal %q", name, ev.Signal)
		}
	}
}

// TestDecisionTable goes through all combinations of what the decision looks at (method section 1).
func TestDecisionTable(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) {
		o.OptOut = list{account: "alice"}
		o.Hosts = map[string]string{"asks.example": "asks", "never.example": "never"}
		o.Consent = map[string]anonymize.Consent{"asks": {Cookie: "consent", Value: "yes", Marker: "C"}}
	})
	values := []string{"", "0", "1", "1x", "junk", "0, 1"}
	var consented, invalid uint64
	for _, dnt := range values {
		for _, gpc := range values {
			for _, marker := range []string{"", "cookie", "Tk"} {
				for _, host := range []string{"asks.example", "never.example"} {
					for _, account := range []string{"alice", "bob"} {
						rec := record()
						rec.Host, rec.RemoteUser = []byte(host), []byte(account)
						rec.DNT, rec.GPC = accesslog.Field{Value: []byte(dnt), Present: dnt != ""}, accesslog.Field{Value: []byte(gpc), Present: gpc != ""}
						switch marker {
						case "cookie":
							rec.Cookie = []byte("a=b; consent=yes")
						case "Tk":
							rec.Consent = []byte("C;fRx42")
						}
						sentDNT := dnt == "1" || dnt == "1x" || dnt == "0, 1"
						sentGPC := gpc == "1" || gpc == "0, 1"
						if dnt == "junk" {
							invalid++
						}
						if gpc == "0" || gpc == "1x" || gpc == "junk" {
							invalid++
						}
						if sentDNT && marker != "" && host == "asks.example" {
							sentDNT = false
							consented++
						}
						want := throng.NoSignal
						switch {
						case sentDNT && sentGPC:
							want = throng.DNTAndGPC
						case sentDNT:
							want = throng.DNT
						case sentGPC:
							want = throng.GPC
						case account == "alice":
							want = throng.OptOutByName
						}
						if got := do(t, a, rec); got.Signal != want || got.OptedOut != (want != throng.NoSignal) {
							t.Errorf("DNT %q, Sec-GPC %q, consent by %q at %s, account %s: %q, want %q", dnt, gpc, marker, host, account, got.Signal, want)
						}
					}
				}
			}
		}
	}
	if n := a.Counts(); n.Consented != consented || n.InvalidDNT+n.InvalidGPC != invalid {
		t.Errorf("%d consented and %d invalid, want %d and %d", n.Consented, n.InvalidDNT+n.InvalidGPC, consented, invalid)
	}
}

func TestConsentIsExact(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) {
		o.Consent = map[string]anonymize.Consent{"s": {Cookie: "consent", Value: "yes", Marker: "C"}}
	})
	for name, change := range map[string]func(r *accesslog.Record){
		"no marker":        func(*accesslog.Record) {},
		"other value":      func(r *accesslog.Record) { r.Cookie = []byte("consent=no") },
		"longer value":     func(r *accesslog.Record) { r.Cookie = []byte("consent=yes1") },
		"other name":       func(r *accesslog.Record) { r.Cookie = []byte("xconsent=yes") },
		"other Tk":         func(r *accesslog.Record) { r.Consent = []byte("T") },
		"longer Tk":        func(r *accesslog.Record) { r.Consent = []byte("CC") },
		"empty Tk":         func(r *accesslog.Record) { r.Consent = []byte(";C") },
		"GPC all the same": func(r *accesslog.Record) { r.Cookie, r.GPC = []byte("consent=yes"), field("1") },
	} {
		rec := record()
		rec.DNT = field("1")
		change(&rec)
		if ev := do(t, a, rec); !ev.OptedOut {
			t.Errorf("%s: not opted out", name)
		}
	}
}

// TestDecisionDependsOnNothingElse draws every other field of a record at random: the decision stays.
func TestDecisionDependsOnNothingElse(t *testing.T) {
	setUp := func(o *anonymize.Options) { o.OptOut, o.OptOutCookie = list{"alice", "c0ffee"}, "uid" }
	one, other := newAnonymizer(t, setUp), newAnonymizer(t, setUp)
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, name) }
		value := rapid.SampledFrom([]string{"", "0", "1", "1x", "junk", "1, 0", "1,"})
		base := accesslog.Record{Time: now.Unix(), UserAgent: []byte(chrome), Path: []byte("/")}
		if v := value.Draw(t, "DNT"); v != "" {
			base.DNT = field(v)
		}
		if v := value.Draw(t, "Sec-GPC"); v != "" {
			base.GPC = field(v)
		}
		base.RemoteUser = []byte(rapid.SampledFrom([]string{"", "alice", "bob"}).Draw(t, "account"))
		base.Cookie = []byte(rapid.SampledFrom([]string{"", "uid=c0ffee", "uid=x"}).Draw(t, "cookie"))
		rec := base
		rec.Time -= rapid.Int64Range(0, 86400).Draw(t, "age")
		rec.RemoteAddr, _ = netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))
		rec.Method = throng.Method(rapid.IntRange(0, 9).Draw(t, "method"))
		rec.Status, rec.Bytes = rapid.Uint16().Draw(t, "status"), rapid.Uint64().Draw(t, "bytes")
		rec.RemoteHost, rec.ForwardedFor, rec.Path, rec.Query = text("host"), text("forwarded"), text("path"), text("query")
		rec.Referer, rec.UserAgent, rec.Protocol, rec.Target = text("referrer"), text("agent"), text("protocol"), text("target")
		rec.Consent = text("consent")
		if a, b := do(t, one, base), do(t, other, rec); a.Signal != b.Signal || a.OptedOut != b.OptedOut {
			t.Fatalf("%q, with other fields %q", a.Signal, b.Signal)
		}
	})
}

// FuzzSignals holds the two readers to their specifications as these are written: some part between
// commas, less the blanks around it, begins with 1, or is 1.
func FuzzSignals(f *testing.F) {
	for _, v := range []string{"1", "0", "1, 1", "0, 1x", " 1 ", ",", "1;", "\t1", "yes", "\"1\"", "１"} {
		f.Add([]byte(v))
	}
	a := newAnonymizer(f, nil)
	f.Fuzz(func(t *testing.T, value []byte) {
		var dnt, gpc bool
		for _, v := range strings.Split(string(value), ",") {
			v = strings.Trim(v, " \t")
			dnt, gpc = dnt || strings.HasPrefix(v, "1"), gpc || v == "1"
		}
		before := bytes.Clone(value)
		for name, c := range map[string]struct {
			put  func(r *accesslog.Record, f accesslog.Field)
			want bool
		}{
			"DNT":     {func(r *accesslog.Record, f accesslog.Field) { r.DNT = f }, dnt},
			"Sec-GPC": {func(r *accesslog.Record, f accesslog.Field) { r.GPC = f }, gpc},
		} {
			rec := record()
			c.put(&rec, accesslog.Field{Value: value, Present: true})
			if ev := do(t, a, rec); ev.OptedOut != c.want {
				t.Fatalf("%s %q: opted out is %v", name, value, ev.OptedOut)
			}
		}
		if !bytes.Equal(value, before) {
			t.Fatal("the value was changed")
		}
	})
}

func TestDecidingAllocatesNothing(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) {
		o.OptOut, o.OptOutCookie = list{"bob", "c0ffee"}, "uid"
		o.Consent = map[string]anonymize.Consent{"s": {Cookie: "consent", Value: "yes"}}
	})
	rec, ev := record(), throng.Event{}
	rec.DNT, rec.Cookie = field("1"), []byte("consent=yes; uid=x")
	a.Anonymize(&rec, &ev)
	if n := testing.AllocsPerRun(100, func() { a.Anonymize(&rec, &ev) }); n != 0 || ev.OptedOut {
		t.Errorf("%v allocations, opted out: %v", n, ev.OptedOut)
	}
}

// TestListChangesNeitherCountNorUnit: a block that is made again after somebody has opted out has the same
// rows on the same day, of the same units.
func TestListChangesNeitherCountNorUnit(t *testing.T) {
	ratchet := keys.Ephemeral(&clock{now: now})
	before := newAnonymizer(t, func(o *anonymize.Options) { o.Keys = ratchet })
	after := newAnonymizer(t, func(o *anonymize.Options) { o.Keys, o.OptOut = ratchet, list{account: "alice"} })
	rapid.Check(t, func(t *rapid.T) {
		rec := record()
		rec.Time -= rapid.Int64Range(0, 2*86400).Draw(t, "age")
		rec.RemoteUser = []byte(rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "account"))
		rec.Path = append([]byte("/"), rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "path")...)
		one, two := do(t, before, rec), do(t, after, rec)
		if one.Unit != two.Unit || throng.DayOfUnix(one.Time) != throng.DayOfUnix(two.Time) || one.Visit != two.Visit || one.Site != two.Site {
			t.Fatalf("%+v, then %+v", one, two)
		}
		if two.OptedOut != (string(rec.RemoteUser) == "alice") {
			t.Fatalf("%q: opted out is %v", rec.RemoteUser, two.OptedOut)
		}
	})
}
