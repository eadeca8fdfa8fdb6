package accesslog_test

import (
	"strings"
	"testing"

	"throng/ingest/accesslog"
)

// TestPeersCases covers what the tests of other readers of access logs cover, with lines of our own:
// GoAccess, lnav, logparser (Java), apachelogs (Python), nginx-log-parser (JavaScript), Vector, Matomo's importer,
// logstash and the
// patterns of Grok. The format auto is found out from the one line.
func TestPeersCases(t *testing.T) {
	const day = ` [01/Jan/2026:00:00:00 +0000] `
	tests := map[string]struct{ format, line, want string }{
		"Vector, common with an identity": {"auto", `192.0.2.1 bob frank` + day + `"GET /apache_pb.gif HTTP/1.0" 200 2326`,
			`{"remote_addr":"192.0.2.1","remote_user":"frank","method":"GET","target":"/apache_pb.gif","path":"/apache_pb.gif","protocol":"HTTP/1.0","status":200,"bytes":2326}`},
		"Vector, all that can be is missing": {"auto", `- - -` + day + `"-" - - "-" "-"`, `{"bytes":0}`},
		"Vector, combined with one field more": {"auto", `192.0.2.1 - alice` + day + `"POST /not-found HTTP/1.1" 404 153 "http://localhost/somewhere" "Mozilla/5.0 (Windows NT 6.1)" "2.75"`,
			`{"remote_addr":"192.0.2.1","remote_user":"alice","method":"POST","target":"/not-found","path":"/not-found","protocol":"HTTP/1.1","status":404,"bytes":153,"referer":"http://localhost/somewhere","user_agent":"Mozilla/5.0 (Windows NT 6.1)"}`},
		"Vector, ingress": {"auto", `192.0.2.1 - bob` + day + `"GET /some/path HTTP/2.0" 200 12312 "https://198.51.100.1/some/referer" "agent" 462 0.050 [some-service-9000] [some-other-5000] 10.0.50.80:9000 19437 0.049 200 752178adb17130b291aefd8c386279e7`,
			`{"remote_addr":"192.0.2.1","remote_user":"bob","method":"GET","target":"/some/path","path":"/some/path","protocol":"HTTP/2.0","status":200,"bytes":12312,"referer":"https://198.51.100.1/some/referer","user_agent":"agent","request_time":0.05}`},
		"Vector, ingress without an upstream": {"auto", `192.0.2.1 - -` + day + `"GET / HTTP/1.1" 400 0 "-" "-" 0 1.000 [] [] - - - - 752178adb17130b291aefd8c386279e7`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/","path":"/","protocol":"HTTP/1.1","status":400,"bytes":0,"request_time":1}`},
		"Grok, a request that timed out": {"auto", `192.0.2.1 - -` + day + `"-" 408 -`, `{"remote_addr":"192.0.2.1","status":408,"bytes":0}`},
		"Grok, an account that is an address": {"auto", `192.0.2.1 - jo@example.org` + day + `"GET /a HTTP/1.1" 200 5 "-" "-"`,
			`{"remote_addr":"192.0.2.1","remote_user":"jo@example.org","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":5}`},
		"Grok, a host name": {"auto", `a-1.example.org - -` + day + `"GET /a HTTP/1.1" 200 5 "-" "-"`,
			`{"remote_addr":"a-1.example.org","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":5}`},
		"Grok, not HTTP": {"auto", `192.0.2.1 - -` + day + `"EHLO example.org" 400 0 "-" "-"`, `{"remote_addr":"192.0.2.1","status":400,"bytes":0}`},
		"Grok, S3": {"auto", `79a5 mybucket` + day + `192.0.2.3 79a5 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /mybucket?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" -`,
			`{"remote_addr":"192.0.2.3","remote_user":"79a5","method":"GET","target":"/mybucket?versioning","path":"/mybucket","query":"versioning","protocol":"HTTP/1.1","status":200,"bytes":113,"user_agent":"S3Console/0.4","request_time":0.007}`},
		"Grok, ELB": {"auto", `2026-01-01T00:00:00.945958Z my-test-loadbalancer 192.0.2.131:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1"`,
			`{"remote_addr":"192.0.2.131","method":"GET","target":"http://www.example.com:80/","path":"/","protocol":"HTTP/1.1","status":200,"bytes":29,"host":"www.example.com"}`},
		"Grok, HAProxy with captures": {"auto", `192.0.2.1:39759 [01/Jan/2026:00:00:00.123] loadbalancer default/instance8 0/51536/1/48082/99627 200 9672 - - ---- 40/38/2/1/0 0/0 {} {|} "GET /a/b HTTP/1.0"`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a/b","path":"/a/b","protocol":"HTTP/1.0","status":200,"bytes":9672,"request_time":99.627}`},
		"lnav, a boot loader": {"auto", `192.0.2.254 - -` + day + `"GET /vmw/vSphere/default/vmkboot.gz HTTP/1.0" 404 46210 "-" "gPXE/0.9.7"`,
			`{"remote_addr":"192.0.2.254","method":"GET","target":"/vmw/vSphere/default/vmkboot.gz","path":"/vmw/vSphere/default/vmkboot.gz","protocol":"HTTP/1.0","status":404,"bytes":46210,"user_agent":"gPXE/0.9.7"}`},
		"lnav, the host first": {"auto", `www.example.org:443 192.0.2.1 - -` + day + `"GET /a HTTP/1.1" 200 5 "-" "-"`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":5,"host":"www.example.org"}`},
		"GoAccess, a duration behind": {`%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %D`, `192.0.2.1 - -` + day + `"GET /a HTTP/1.1" 200 5 "-" "-" 1500`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":5,"request_time":0.0015}`},
		"Matomo, a date with the time of day": {"auto", `{"ip": "192.0.2.1","host": "www.example.org","path": "/a?b=c","status": "200","length": 192,"date": "2026-01-01T02:00:00+02:00"}`,
			`{"remote_addr":"192.0.2.1","target":"/a?b=c","path":"/a","query":"b=c","status":200,"bytes":0,"host":"www.example.org"}`},
		"Matomo, a date in seconds": {"json", `{"ip":"192.0.2.1","path":"/a","status":200,"date":1767225600}`,
			`{"remote_addr":"192.0.2.1","target":"/a","path":"/a","status":200,"bytes":0}`},
		"Matomo, pipes between": {`$cache|$status|$msec|$bytes_sent|$zone|$remote_addr|$http_referer|$request_uri|$country|$http_user_agent|$id`,
			`HIT|200|1767225600123|5|17|192.0.2.1|https://www.example.com/|https://www.example.org/a?b=c|DE|Mozilla/5.0 (X11)|289735f3`,
			`{"remote_addr":"192.0.2.1","target":"https://www.example.org/a?b=c","path":"/a","query":"b=c","status":200,"bytes":5,"referer":"https://www.example.com/","user_agent":"Mozilla/5.0 (X11)","host":"www.example.org"}`},
		"Matomo, all in quotation marks": {"#Fields: date time cs-vid c-ip cs(User-Agent) cs-method cs-uri-stem sc-status",
			`"2026-01-01" "00:00:00" "" "192.0.2.1" "Mozilla/5.0 (X11)" "GET" "/a" "200"`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a","path":"/a","status":200,"bytes":0,"user_agent":"Mozilla/5.0 (X11)"}`},
		"logstash, a status that is missing": {"auto", `192.0.2.1 - a.user` + day + `"OPTIONS /a/ HTTP/1.1" - 7908 "-" "monitoring (v2.2)"`,
			`{"remote_addr":"192.0.2.1","remote_user":"a.user","method":"OPTIONS","target":"/a/","path":"/a/","protocol":"HTTP/1.1","bytes":7908,"user_agent":"monitoring (v2.2)"}`},
		"logstash, HAProxy without a request": {"haproxy", `192.0.2.1:51940 [01/Jan/2026:00:00:00.339] http http/<NOSRV> -1/-1/-1/-1/+6001 408 212 - - cR-- 100/89/0/0/0 0/0 "<BADREQ>"`,
			`{"remote_addr":"192.0.2.1","status":408,"bytes":212,"request_time":6.001}`},
		"Vector, no response from behind a balancer": {"aws_elb", `2026-01-01T00:00:00.865823Z web 192.0.2.1:55128 - -1 -1 -1 408 0 1294336 0 "PUT https://www.example.org:443/a HTTP/1.1"`,
			`{"remote_addr":"192.0.2.1","method":"PUT","target":"https://www.example.org:443/a","path":"/a","protocol":"HTTP/1.1","status":408,"bytes":0,"host":"www.example.org"}`},
		"GoAccess, binary request": {"auto", `192.0.2.1 - -` + day + `"\x16\x03\x01" 400 226 "-" "-"`, `{"remote_addr":"192.0.2.1","status":400,"bytes":226}`},
		"GoAccess, HTTP/0.9":       {"auto", `192.0.2.1 - -` + day + `"GET /a" 200 5 "-" "-"`, `{"remote_addr":"192.0.2.1","method":"GET","target":"/a","path":"/a","status":200,"bytes":5}`},
		"GoAccess, HTTP/2 preface": {"auto", `192.0.2.1 - -` + day + `"PRI * HTTP/2.0" 400 5 "-" "-"`,
			`{"remote_addr":"192.0.2.1","method":"PRI","target":"*","protocol":"HTTP/2.0","status":400,"bytes":5}`},
		"GoAccess, CONNECT": {"auto", `192.0.2.1 - -` + day + `"CONNECT www.example.org:443 HTTP/1.1" 405 5 "-" "-"`,
			`{"remote_addr":"192.0.2.1","method":"CONNECT","target":"www.example.org:443","protocol":"HTTP/1.1","status":405,"bytes":5}`},
		"logparser, everything": {`"%%" "%a" "%{c}a" "%A" "%B" "%b" "%D" "%f" "%h" "%H" "%k" "%l" "%L" "%m" "%p" "%{canonical}p" "%P" "%{tid}P" "%q" "%r" "%R" "%s" "%>s" %t "%{msec}t" "%T" "%u" "%U" "%v" "%V" "%X" "%I" "%O" "%{cookie}i" "%{set-cookie}o" "%{user-agent}i" "%{referer}i"`,
			`"%" "192.0.2.1" "192.0.2.9" "198.51.100.1" "490" "490" "1500" "/var/www/a" "192.0.2.1" "HTTP/1.1" "0" "-" "-" "GET" "80" "80" "17" "18" "?b=c" "GET /a?b=c HTTP/1.1" "-" "301" "200"` + day[:len(day)-1] + ` "1767225600123" "0" "-" "/a" "www.example.org" "www.example.com" "+" "300" "790" "x=1; y=2" "z=3; Path=/" "Mozilla/5.0" "-"`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a?b=c","path":"/a","query":"b=c","protocol":"HTTP/1.1","status":200,"bytes":490,"user_agent":"Mozilla/5.0","host":"www.example.com","request_time":0.0015}`},
		"logparser, a referrer without quotes": {`%{Referer}i -> %U %t %>s`, `http://www.example.org/a b -> /c` + day + `200`,
			`{"target":"/c","path":"/c","status":200,"bytes":0,"referer":"http://www.example.org/a b"}`},
		"logparser, nginx with a list": {`"$time_local" "$remote_addr" "$http_x_forwarded_for" "$request" "$status" "$body_bytes_sent" "$upstream_response_time"`,
			`"01/Jan/2026:00:00:00 +0000" "192.0.2.1" "198.51.100.1, 198.51.100.2" "GET /a HTTP/1.1" "200" "5" "0.1, 0.2"`,
			`{"remote_addr":"192.0.2.1","forwarded_for":"198.51.100.1, 198.51.100.2","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":5}`},
		"apachelogs, escapes": {`%h %t "%r" %>s "%{User-Agent}i"`, `192.0.2.1` + day + `"GET /a\"b HTTP/1.1" 200 "tab\there \xe2\x98\x83 \\x41 \v"`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a\"b","path":"/a\"b","protocol":"HTTP/1.1","status":200,"bytes":0,"user_agent":"tab\u0009here ` + "\u2603" + ` \\x41 \u000b"}`},
		"apachelogs, trailers and first line": {`%h %t "%r" %>s %{VARNAME}^ti %{VARNAME}^to %^FB`, `192.0.2.1` + day + `"GET /a HTTP/1.1" 200 - - 17`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":0}`},
		"nginx-log-parser, braces": {`${remote_addr} [${time_local}] "${request}" ${status}`, `192.0.2.1` + day + `"GET /a HTTP/1.1" 200`,
			`{"remote_addr":"192.0.2.1","method":"GET","target":"/a","path":"/a","protocol":"HTTP/1.1","status":200,"bytes":0}`},
		"nginx-log-parser, brackets around": {`[$remote_addr] [$time_local] [$request] [$status] [$http_user_agent]`, `[2001:db8::1]` + day + `[GET /a[1] HTTP/1.1] [200] [x (y)]`,
			`{"remote_addr":"2001:db8::1","method":"GET","target":"/a[1]","path":"/a[1]","protocol":"HTTP/1.1","status":200,"bytes":0,"user_agent":"x (y)"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			format := test.format
			if format == "auto" {
				var err error
				if format, err = accesslog.Detect([][]byte{[]byte(test.line)}); err != nil {
					t.Fatal(err)
				}
			}
			if got := ndjson(t, format, test.line); got != test.want {
				t.Errorf("read as %s\ngot  %s\nwant %s", format, got, test.want)
			}
		})
	}
}

// TestWhatIsNoAccessLog: each is refused in every format that has a name, with a place in the line.
func TestWhatIsNoAccessLog(t *testing.T) {
	lines := map[string]string{
		"nginx's error log":    `2026/11/22 10:00:00 [error] 17#17: *1 open() "/var/www/favicon.ico" failed (2: No such file or directory), client: 192.0.2.7, server: _, request: "GET /favicon.ico HTTP/1.1", host: "www.example.org"`,
		"Apache's error log":   `[Sun Nov 22 10:00:00.123456 2026] [core:error] [pid 17:tid 140] [client 192.0.2.7:1234] AH00126: Invalid URI in request GET /../.. HTTP/1.1`,
		"a PHP message":        `PHP Warning:  Undefined variable $x in /var/www/index.php on line 17`,
		"a stack trace":        `    at com.example.Main.run(Main.java:17)`,
		"prose":                `It was the best of times, it was the worst of times.`,
		"a mail server's line": `Nov 22 10:00:00 mail postfix/smtpd[17]: connect from unknown[192.0.2.7]`,
		"a Go log":             `2026/11/22 10:00:00 http: TLS handshake error from 192.0.2.7:1234: EOF`,
		"a kernel's line":      `[    0.000000] Linux version 6.1.0-17-amd64`,
		"blanks":               `      `,
		"zeros":                strings.Repeat("\x00", 300),
		"quotes":               strings.Repeat(`" `, 50),
		"brackets":             strings.Repeat(`[`, 50) + strings.Repeat(`]`, 50),
	}
	for _, format := range accesslog.Formats() {
		p := newParser(t, format)
		for name, line := range lines {
			var rec accesslog.Record
			if err := p.Parse([]byte(line), &rec); err == nil {
				t.Errorf("%s reads %s as %s", format, name, accesslog.AppendNDJSON(nil, &rec))
			}
			if at := p.RejectOffset(); at < 0 || at > len(line) {
				t.Errorf("%s refuses %s at %d", format, name, at)
			}
		}
	}
}
