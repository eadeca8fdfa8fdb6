package accesslog_test

import (
	"strings"
	"testing"

	"throng/ingest/accesslog"
)

const at = "[01/Jan/2026:01:30:00 +0130]"

// ndjson is what a line becomes, without its time where that is the usual one.
func ndjson(t *testing.T, format, line string) string {
	t.Helper()
	p := newParser(t, format)
	var rec accesslog.Record
	if err := p.Parse([]byte(line), &rec); err != nil {
		t.Fatalf("%v at %d: %s", err, p.RejectOffset(), line)
	}
	text := string(accesslog.AppendNDJSON(nil, &rec))
	return strings.Replace(strings.TrimSuffix(text, "\n"), `{"time":"2026-01-01T00:00:00Z",`, `{`, 1)
}

func TestLogFormats(t *testing.T) {
	tests := map[string]struct{ format, line, want string }{
		"nginx, a directive": {
			"log_format main escape=json '$remote_addr - $remote_user [$time_local] \"$request\" '\n    '$status $body_bytes_sent \"$http_user_agent\"';",
			`192.0.2.7 - jo ` + at + ` "GET /\u00e4 HTTP/1.1" 200 5 "a \"b\""`,
			`{"remote_addr":"192.0.2.7","remote_user":"jo","method":"GET","target":"/ä","path":"/ä","protocol":"HTTP/1.1","status":200,"bytes":5,"user_agent":"a \"b\""}`,
		},
		"nginx, JSON": {
			`escape=json {"time":"$time_iso8601","addr":"$remote_addr","status":$status,"request":"$request","ua":"$http_user_agent"}`,
			`{"time":"2026-01-01T00:00:00+00:00","addr":"192.0.2.7","status":200,"request":"GET /\"a\" HTTP/1.1","ua":"b\\"}`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/\"a\"","path":"/\"a\"","protocol":"HTTP/1.1","status":200,"bytes":0,"user_agent":"b\\"}`,
		},
		"nginx, escape=default": {
			`escape=default $remote_addr [$time_local] "$request" $status "$http_user_agent"`,
			`192.0.2.7 ` + at + ` "GET /\x22a\x22 HTTP/1.1" 200 "b\x5C \xF0\x9F"`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/\"a\"","path":"/\"a\"","protocol":"HTTP/1.1","status":200,"bytes":0,"user_agent":"b\\ ` + "\ufffd\ufffd" + `"}`,
		},
		"nginx, escape=none keeps backslashes and quotes": {
			`escape=none $remote_addr [$time_local] "$request" $status "$http_referer" "$http_user_agent"`,
			`192.0.2.7 ` + at + ` "GET /"a" HTTP/1.1" 200 "\x41\" "say "b" c"`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/\"a\"","path":"/\"a\"","protocol":"HTTP/1.1","status":200,"bytes":0,"referer":"\\x41\\","user_agent":"say \"b\" c"}`,
		},
		"nginx, host and target without a border": {
			`$remote_addr $time_iso8601 $request_method $scheme://$host:$server_port$request_uri $status`,
			`192.0.2.7 2026-01-01T00:00:00Z GET https://www.example.org:443/a?b 200`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/a?b","path":"/a","query":"b","status":200,"bytes":0,"host":"www.example.org"}`,
		},
		"nginx, path and query": {
			`$msec $remote_addr $request_method "$uri$is_args$args" $status $request_time`,
			`1767225600.123 192.0.2.7 GET "/a?b" 200 0.25`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/a?b","path":"/a","query":"b","status":200,"bytes":0,"request_time":0.25}`,
		},
		"nginx, several upstreams": {
			`$remote_addr [$time_local] $upstream_addr $upstream_response_time $status "$request"`,
			`192.0.2.7 ` + at + ` 10.0.0.1:80, 10.0.0.2:80 : unix:/x 0.1, 0.2 : - 200 "GET / HTTP/1.1"`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0}`,
		},
		"nginx, user agent without quotes": {
			`$remote_addr|$time_iso8601|$request|$status|$http_user_agent|$http_dnt`,
			`192.0.2.7|2026-01-01T00:00:00Z|GET /a|b HTTP/1.1|200|Mozilla/5.0 (X11; x)|1`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/a|b","path":"/a|b","protocol":"HTTP/1.1","status":200,"bytes":0,"user_agent":"Mozilla/5.0 (X11; x)","dnt":"1"}`,
		},
		"nginx, tabs": {
			"$time_iso8601\t$remote_addr\t$request\t$status\t$http_referer",
			"2026-01-01T00:00:00Z\t192.0.2.7\tGET / HTTP/1.1\t200\thttps://www.example.org/",
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0,"referer":"https://www.example.org/"}`,
		},
		"cookies and consent, which are never written": {
			`$remote_addr [$time_local] "$request" $status "$http_cookie" $cookie_uid $sent_http_tk`,
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 200 "a=1; b=2" me C`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0}`,
		},
		"nginx, the better of two": {
			`$server_name $bytes_sent $remote_addr [$time_local] "$request" $request_method $uri $status $body_bytes_sent $host`,
			`_ 9 192.0.2.7 ` + at + ` "GET /a?b HTTP/1.1" GET /a 200 5 www.example.org`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/a?b","path":"/a","query":"b","protocol":"HTTP/1.1","status":200,"bytes":5,"host":"www.example.org"}`,
		},
		"nginx, a percent sign": {
			`$remote_addr [$time_local] "$request" $status 100%`,
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 200 100%`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0}`,
		},
		"Apache, a directive": {
			`LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-agent}i\" %D" combined_duration`,
			`192.0.2.7 - jo ` + at + ` "GET /a\"b\\ HTTP/1.1" 200 5 "-" "\xc3\xa4\t" 1500`,
			`{"remote_addr":"192.0.2.7","remote_user":"jo","method":"GET","target":"/a\"b\\","path":"/a\"b\\","protocol":"HTTP/1.1","status":200,"bytes":5,"user_agent":"ä\u0009","request_time":0.0015}`,
		},
		"Apache, the directive's argument alone": {
			`"%h %t \"%r\" %s %B"`,
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 200 0`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0}`,
		},
		"a newline at its end": {
			"%h %t %r\n",
			`192.0.2.7 ` + at + ` GET / HTTP/1.1`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","bytes":0}`,
		},
		"Apache, request in parts": {
			`%V:%p %a %u %t "%m %U%q %H" %>s %O %T`,
			`www.example.org:443 2001:db8::1 - ` + at + ` "GET /a b?c=d HTTP/2.0" 304 - 2`,
			`{"remote_addr":"2001:db8::1","method":"GET","target":"/a b?c=d","path":"/a b","query":"c=d","protocol":"HTTP/2.0","status":304,"bytes":0,"host":"www.example.org","request_time":2}`,
		},
		"Apache, a query apart": {
			`%h %t %m %U %q %>s`,
			`192.0.2.7 ` + at + ` GET /a ?c=d 200`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/a","path":"/a","query":"c=d","status":200,"bytes":0}`,
		},
		"Apache, modifiers and other directives": {
			`%h %{X}e %{Cookie}n %P %I %X %t "%r" %400,501s %!200,304{User-Agent}i %{Content-Type}o %{sec-gpc}i %%`,
			`192.0.2.7 - - 17 300 + ` + at + ` "GET / HTTP/1.1" 200 - text/html; charset=utf-8 1 %`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0,"sec_gpc":"1"}`,
		},
		"Apache, the final status": {
			`%h %t "%r" %s %>s %<s`,
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 301 200 302`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0}`,
		},
		"Apache, milliseconds": {
			`%h %t "%r" %>s %{ms}T %{us}T %{s}T`,
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 200 1500 1500123 1`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0,"request_time":1.500123}`,
		},
		"Apache, units in capitals": {
			`%h %t "%r" %>s %T %{MS}T`,
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 200 1 1500`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0,"request_time":1.5}`,
		},
		"Apache, modifiers behind the argument": {
			`%h %t "%r" %>s %{ms}!404>T "%{Referer}>i"`,
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 200 1500 "https://www.example.org/"`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0,"referer":"https://www.example.org/","request_time":1.5}`,
		},
		"Apache, once for some statuses and once for all": {
			`%h %t "%!200r" "%r" %>s`,
			`192.0.2.7 ` + at + ` "-" "GET /a HTTP/1.1" 200`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":0}`,
		},
		"Apache, an empty account": {
			`%h %l %u %t "%r" %>s %b`,
			`192.0.2.7 - "" ` + at + ` "GET / HTTP/1.1" 401 5`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":401,"bytes":5}`,
		},
		"Apache, a line that is continued": {
			"LogFormat \"%h %t \\\n\\\"%r\\\" %>s\" x",
			`192.0.2.7 ` + at + ` "GET / HTTP/1.1" 200`,
			`{"remote_addr":"192.0.2.7","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":0}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ndjson(t, test.format, test.line); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestTimesByPattern(t *testing.T) {
	tests := map[string]struct{ pattern, text, want string }{
		"the common one":         {`%{%d/%b/%Y:%H:%M:%S %z}t`, `22/Nov/2026:10:00:07 -0130`, "2026-11-22T11:30:07Z"},
		"in pieces":              {`%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t`, `22/Nov/2026 10:00:07.123 +0000`, "2026-11-22T10:00:07Z"},
		"a fraction at the zone": {`%{%FT%T}t.%{usec_frac}t%{%z}t`, `2026-11-22T10:00:07.123456-0100`, "2026-11-22T11:00:07Z"},
		"seconds and a zone":     {`%{%s %Z}t`, `1763805607 EST`, "2025-11-22T10:00:07Z"},
		"date and clock apart":   {`%{%F}t %{%T%z}t`, `2026-11-22 10:00:07+01:00`, "2026-11-22T09:00:07Z"},
		"without offset":         {`%{%Y-%m-%dT%H:%M:%S}t`, `2026-11-22T10:00:07`, "2026-11-22T10:00:07Z"},
		"a zone's name":          {`%{%c %Z}t`, `Sun Nov 22 10:00:07 2026 GMT`, "2026-11-22T10:00:07Z"},
		"twelve hours":           {`%{%D %r}t`, `11/22/26 12:00:07 AM`, "2026-11-22T00:00:07Z"},
		"twelve hours, evening":  {`%{%x %I:%M%p}t`, `11/22/99 01:05PM`, "1999-11-22T13:05:00Z"},
		"full names":             {`%{%A, %e. %B %Y %k:%M}t`, `Sunday,  2. November 2026  9:05`, "2026-11-02T09:05:00Z"},
		"day of the year":        {`%{%Y.%j %R}t`, `2024.366 23:59`, "2024-12-31T23:59:00Z"},
		"seconds":                {`%{sec}t`, `1763805607`, "2025-11-22T10:00:07Z"},
		"milliseconds":           {`%{begin:msec}t`, `1763805607123`, "2025-11-22T10:00:07Z"},
		"microseconds":           {`%{end:usec}t`, `1763805607123456`, "2025-11-22T10:00:07Z"},
		"seconds by pattern":     {`%{%s}t`, `1763805607`, "2025-11-22T10:00:07Z"},
		"begin before end":       {`%{end:%F %T}t %{begin:%F %T}t`, `2026-11-22 10:00:09 2026-11-22 10:00:07`, "2026-11-22T10:00:07Z"},
		"a whole one first":      {`%{%F}t %t`, `1999-01-01 [22/Nov/2026:10:00:07 +0000]`, "2026-11-22T10:00:07Z"},
		"a leap second":          {`%{%F %T}t`, `2016-12-31 23:59:60`, "2017-01-01T00:00:00Z"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			format, want := `%h `+test.pattern+` %>s`, `{"time":"`+test.want+`","remote_addr":"192.0.2.7","status":200,"bytes":0}`
			line := `192.0.2.7 ` + test.text + ` 200`
			want = strings.Replace(want, `{"time":"2026-01-01T00:00:00Z",`, `{`, 1)
			if got := ndjson(t, format, line); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestTimesByPatternThatDoNotExist(t *testing.T) {
	const pattern = `%h %{%Y-%m-%d %I:%M:%S %p %Z}t %>s`
	for _, text := range []string{
		"2026-02-29 01:00:00 AM UTC", "2026-13-01 01:00:00 AM UTC", "2026-01-01 13:00:00 AM UTC", "2026-01-01 00:00:00 PM UTC",
		"2026-01-01 01:60:00 AM UTC", "2026-01-01 01:00:61 AM UTC", "2026-01-01 01:00:00 AM CET", "26-01-01 01:00:00 AM UTC", "",
	} {
		p := newParser(t, pattern)
		var rec accesslog.Record
		if err := p.Parse([]byte(`192.0.2.7 `+text+` 200`), &rec); err == nil {
			t.Errorf("%q is read as %d", text, rec.Time)
		}
		if at := p.RejectOffset(); at != len(`192.0.2.7 `) {
			t.Errorf("%q is refused at %d", text, at)
		}
	}
}

func TestLogFormatsThatAreRefused(t *testing.T) {
	tests := map[string]struct{ format, want string }{
		"no time":               {`$remote_addr $status`, "column 21: it has no time"},
		"no request":            {`$remote_addr $time_local`, "column 25: it has neither"},
		"no border":             {`$time_local $remote_addr$http_user_agent $status`, "column 25: nothing stands between $remote_addr and $http_user_agent"},
		"a dollar":              {`$time_local $ $status`, "column 13: a $ without a variable's name"},
		"an open brace":         {`$time_local ${status`, "column 13: a $"},
		"unknown escape":        {`escape=xml $time_local $status`, "escape=xml: want default, json or none"},
		"a quote":               {`log_format x '$time_local $status`, "column 14: the quote that begins here does not end"},
		"no format":             {`log_format x;`, "column 13: the directive has no format"},
		"no format at all":      {`log_format`, "no format has that name"},
		"Apache, no letter":     {`%h %t %r %>`, "column 10: a % without a directive's letter"},
		"Apache, a caret":       {`%h %t %r %^x %>s`, "column 10: a % without a directive's letter"},
		"Apache, a brace":       {`%h %t %r %{User-Agent`, "column 11: the { that begins here has no }"},
		"Apache, a border":      {`%t %r %u%{User-Agent}i`, "column 9: nothing stands between %u and %{User-Agent}i"},
		"Apache, a quote":       {`LogFormat "%h %t %r`, "column 11: the quote that begins here does not end"},
		"Apache, no year":       {`%h %{%d/%m %T}t %r`, "column 4: the time has no year (%Y)"},
		"Apache, no hour":       {`%h %{%F}t %r`, "column 4: the time has no hour (%H)"},
		"Apache, half a clock":  {`%h %{%F %I:%M}t %r`, "column 4: the time has no hour (%H)"},
		"Apache, odd directive": {`%h %{%F %Q}t %r`, "column 9: %Q in a time's pattern cannot be read"},
		"Apache, odd end":       {`%h %{%F %}t %r`, "column 9: a % without a letter"},
		"a column in directive": {`log_format x '$time_local' '$ $status';`, "column 29: a $ without"},
		"only text":             {`'abc'`, "it has no variables"},
		"a name":                {`combind`, "no format has that name"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := accesslog.New(test.format)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New: %v, want %s", err, test.want)
			}
		})
	}
}

// TestSnippetsOfServersAreReadBack: each snippet that is a log format of nginx or Apache compiles.
func TestSnippetsOfServersAreReadBack(t *testing.T) {
	n := 0
	for _, p := range accesslog.Presets() {
		for _, s := range p.Snippets {
			text, _, _ := strings.Cut(s.Text, "\naccess_log")
			if !strings.HasPrefix(text, "log_format") && !strings.HasPrefix(text, "LogFormat") {
				continue
			}
			n++
			if _, err := accesslog.New(text); err != nil {
				t.Errorf("%s, %s: %v", p.Name, s.Server, err)
			}
		}
	}
	if n < 4 {
		t.Errorf("only %d snippets are log formats", n)
	}
}
