package accesslog_test

import (
	"bytes"
	"fmt"
	"testing"

	"throng/ingest/accesslog"
)

// holds are the values of a cookie in a record.
func holds(rec accesslog.Record, name string) (values []string) {
	rec.AnyCookie(name, func(v []byte) bool {
		values = append(values, string(v))
		return false
	})
	return values
}

func TestCookies(t *testing.T) {
	const head = `192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"`
	const layout = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`
	object := func(member string) string {
		return `{"time":"2026-01-01T00:00:00Z","request":"GET / HTTP/1.1","status":200,` + member + `}`
	}
	for name, c := range map[string]struct {
		format, line string
		want         []string
	}{
		"header field":              {layout + ` "$http_cookie"`, head + ` "a=1; uid=me; b=2"`, []string{"me"}},
		"twice in it":               {layout + ` "$http_cookie"`, head + ` "uid=one; uid=two"`, []string{"one", "two"}},
		"another's suffix":          {layout + ` "$http_cookie"`, head + ` "xuid=1; uid2=2; uid"`, nil},
		"quoted":                    {layout + ` "$http_cookie"`, head + ` "uid=\"me\""`, []string{"me"}},
		"value with =":              {layout + ` "$http_cookie"`, head + ` "uid=a=b"`, []string{"a=b"}},
		"other case":                {layout + ` "$http_cookie"`, head + ` "UID=me"`, nil},
		"absent":                    {layout + ` "$http_cookie"`, head + ` "-"`, nil},
		"one by one":                {layout + ` "$cookie_other" "$cookie_UID"`, head + ` "x" "me"`, []string{"me"}},
		"one by one, absent":        {layout + ` "$cookie_uid"`, head + ` "-"`, nil},
		"both":                      {layout + ` "$cookie_uid" "$http_cookie"`, head + ` "me" "uid=me"`, []string{"me", "me"}},
		"object, header field":      {"json", object(`"http_cookie":"uid=me"`), []string{"me"}},
		"object, escaped":           {"json", object(`"http_cookie":"uid=\u006d\u0065"`), []string{"me"}},
		"object, one by one":        {"json", object(`"cookie_a":"x","cookie_uid":"me"`), []string{"me"}},
		"object, many header field": {"json", object(`"request":{"headers":{"Cookie":["uid=one; a=b","uid=t\u0077o"]}}`), []string{"one", "two"}},
		"object, no strings":        {"json", object(`"http_cookie":["uid=me",7]`), nil},
	} {
		if got := holds(parse(t, c.format, c.line), "uid"); len(got) != len(c.want) || len(got) > 0 && !equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func equal(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestRepeatedHeaderFieldsOfAnObject(t *testing.T) {
	for value, want := range map[string]string{
		`"1"`: "1", `["1"]`: "1", `["0","1"]`: "0, 1", `[ "0" , "\u0031" , "x" ]`: "0, 1, x", `[]`: "", `[1]`: "", `[["1"]]`: "", `null`: "",
	} {
		line := `{"time":"2026-01-01T00:00:00Z","status":200,"request":{"uri":"/","headers":{"Sec-Gpc":` + value + `,"Dnt":["1"]}},"resp_headers":{"Tk":["C;x"]}}`
		rec := parse(t, "json", line)
		if string(rec.GPC.Value) != want || string(rec.DNT.Value) != "1" || string(rec.Consent) != "C;x" {
			t.Errorf("%s: Sec-GPC %q, DNT %q, Tk %q", value, rec.GPC.Value, rec.DNT.Value, rec.Consent)
		}
	}
}

func TestCookiesAreNeverWritten(t *testing.T) {
	rec := parse(t, "json", `{"time":"2026-01-01T00:00:00Z","status":200,"http_cookie":"uid=canary","cookie_sid":"canary","consent":"canary"}`)
	if out := accesslog.AppendNDJSON(nil, &rec); bytes.Contains(out, []byte("canary")) {
		t.Errorf("%s", out)
	}
}

func TestFindingACookieAllocatesNothing(t *testing.T) {
	rec := accesslog.Record{Cookie: []byte("a=1; b=2; uid=me"), Cookies: []accesslog.Cookie{{Name: "sid", Value: []byte("x")}}}
	found := true
	n := testing.AllocsPerRun(100, func() {
		found = found && rec.AnyCookie("uid", func(v []byte) bool { return string(v) == "me" })
	})
	if n != 0 || !found {
		t.Errorf("%v allocations, found: %v", n, found)
	}
}

func FuzzCookie(f *testing.F) {
	for _, c := range []string{"uid=me", "a=b; uid=\"x\"", ";;=;uid=", "uid"} {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		rec := accesslog.Record{Cookie: header}
		for _, v := range holds(rec, "uid") {
			if !bytes.Contains(header, []byte(v)) || bytes.ContainsRune([]byte(v), ';') {
				t.Fatalf("%q is no value in %q", v, header)
			}
		}
		rec.Cookie = append(bytes.Clone(header), "; uid=last"...)
		if all := holds(rec, "uid"); len(all) == 0 || all[len(all)-1] != "last" {
			t.Fatalf("a cookie after %q is not found: %q", header, all)
		}
	})
}

func TestRecordsReadTogetherKeepTheirCookies(t *testing.T) {
	p := newParser(t, "json")
	recs := make([]accesslog.Record, 40)
	read := p.Parse
	for i := range recs {
		line := fmt.Sprintf(`{"time":"2026-01-01T00:00:00Z","status":200,"cookie_a":"a%d","cookie_b":"b\u0030%d","request":{"headers":{"Cookie":["c=c%d","d=d%d"],"Dnt":["%d","0"]}}}`, i, i, i, i, i)
		if err := read([]byte(line), &recs[i]); err != nil {
			t.Fatal(err)
		}
		read = p.ParseNext
	}
	for i, rec := range recs {
		got := fmt.Sprintf("%s %s %s %s %s", holds(rec, "a"), holds(rec, "b"), holds(rec, "c"), holds(rec, "d"), rec.DNT.Value)
		if want := fmt.Sprintf("[a%d] [b0%d] [c%d] [d%d] %d, 0", i, i, i, i, i); got != want {
			t.Errorf("line %d: %s, want %s", i, got, want)
		}
	}
}
