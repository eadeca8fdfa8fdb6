package main_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// canaryWord is in every raw field of every line of the canary logs.
const canaryWord = "canary-8d1f6b2e9c4a"

// quietCorner is a part of the site that only visitors who opted out read, fewer than may be shown.
const quietCorner = "quiet-corner"

// canaryLines are lines as attackers, proxies and broken servers make them, with the canary word in
// each field, in combined format with signals. {W}, {H}, {B} and {T} stand for the word, the word in
// hexadecimal and in base64, and a time. What the method keeps of everyone's request is left out: a
// plain segment of a path, and the registrable domain of a referrer.
var canaryLines = []string{
	// identifiers in paths, which have to go
	`198.18.9.1 - {W} [{T}] "GET /account/{W}@example.org/settings HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`198.18.9.2 - {W} [{T}] "GET /account/{W}%40example.org HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`198.18.9.3 - {W} [{T}] "GET /reset/{H} HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`198.18.9.4 - {W} [{T}] "GET /t/{B}/ok HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`198.18.9.5 - {W} [{T}] "GET /news;jsessionid={W}?q={W}#{W} HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`198.18.9.6 - {W} [{T}] "GET http://{W}.example.org/?{W} HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`2001:db8:9:9:9:9:9:9 - {W} [{T}] "GET /account/{W}@example.org HTTP/2.0" 200 512 "-" "{W}" "0" "0"`,
	// whatever an opted-out visitor asks for outside of the route list has to go
	`198.18.9.7 - {W} [{T}] "GET /{Q}/{W} HTTP/1.1" 200 512 "-" "{W}" "1" "-"`,
	`198.18.9.8 - {W} [{T}] "GET /{Q}/{W}/{W}.html?{W} HTTP/1.1" 200 512 "https://{W}.example.org/" "{W}" "-" "1"`,
	`2001:db8:8:8:8:8:8:8 - {W} [{T}] "GET /{W} HTTP/2.0" 200 512 "-" "{W}" "1" "1"`,
	// referrers and user agents
	`198.18.9.9 - {W} [{T}] "GET /about HTTP/1.1" 200 512 "https://{W}.example.org/{W}?{W}" "Mozilla/5.0 ({W}) {W}/1.0 Firefox/140.0" "-" "-"`,
	`198.18.9.10 - {W} [{T}] "GET /about HTTP/1.1" 200 512 "https://{W}:{W}@example.org/" "curl/{W}" "-" "-"`,
	`198.18.9.11 - {W} [{T}] "GET /about HTTP/1.1" 200 512 "https://198.18.9.11/?{W}" "Googlebot/2.1 (+http://{W})" "-" "-"`,
	`198.18.9.12 - {W} [{T}] "GET /about HTTP/1.1" 200 512 "http://[2001:db8:7:7:7:7:7:7]/{W}" "{W}" "{W}" "{W}"`,
	`198.18.9.13 - {W} [{T}] "GET /about HTTP/1.1" 200 512 "android-app://{W}/" "{W}" "1{W}" "-"`,
	// methods and statuses that are none
	`198.18.9.14 - {W} [{T}] "{W} /about?{W} {W}" 405 512 "{W}" "{W}" "-" "-"`,
	`198.18.9.15 - {W} [{T}] "{W}" 400 512 "-" "{W}" "-" "-"`,
	// lines that cannot be read
	`198.18.9.16 - {W} [{T}] "GET /{W}`,
	`198.18.9.17 - {W} [{W}] "GET /{W} HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`198.18.9.18 - {W} [{T}] "GET /{W} HTTP/1.1" {W} {W} "-" "{W}" "-" "-"`,
	`{W} - {W} [{T}] "GET /about?{W} HTTP/1.1" 200 512 "-" "{W}" "-" "-"`,
	`2036/03/19 10:11:12 [error] 7#7: *5 open() "/{W}" failed, client: 198.18.9.19, request: "GET /{W}"`,
	"\x16\x03\x01{W}\x00\xff198.18.9.20",
}

// canaryListed is an account and a cookie on the opt-out list.
const canaryListed = "{W}-listed"

// canaryObjects are lines of JSON.
var canaryObjects = []string{
	`{"time":"{Z}","remote_addr":"198.18.9.31","x_forwarded_for":"198.18.9.32, 2001:db8:6:6:6:6:6:6","remote_user":"{W}","request":"GET /about?{W} HTTP/1.1","status":200,"bytes":5,"http_user_agent":"{W}","http_referer":"https://{W}.example.org","cookie":"sid={W}","session":"{W}","host":"www.example.org"}`,
	`{"ts":"{Z}","request":{"client_ip":"198.18.9.33","method":"GET","uri":"/account/{W}@example.org","host":"www.example.org","headers":{"Cookie":["{W}"],"X-Forwarded-For":["198.18.9.34"],"User-Agent":["{W}"],"{W}":["{W}"],"Dnt":["1"]}},"status":200,"size":5,"{W}":"{W}"}`,
	// opted out by name, by account and by cookie; consented, which leaves the other cookies and the marker
	`{"time":"{Z}","remote_addr":"198.18.9.37","remote_user":"{W}-listed","request":"GET /{Q}/{W} HTTP/1.1","status":200,"host":"www.example.org"}`,
	`{"time":"{Z}","remote_addr":"198.18.9.38","remote_user":"{W}","request":"GET /{Q}/{W} HTTP/1.1","status":200,"http_cookie":"{W}={W}; uid={W}-listed; sid={W}","host":"www.example.org"}`,
	`{"time":"{Z}","remote_addr":"198.18.9.39","request":"GET /{Q}/{W} HTTP/1.1","status":200,"cookie_uid":"{W}-listed","cookie_sid":"{W}","host":"www.example.org"}`,
	`{"time":"{Z}","remote_addr":"198.18.9.40","request":"GET /about HTTP/1.1","status":200,"dnt":"1{W}","cookie":"consent=given; {W}={W}","consent":"{W};{W}","host":"www.example.org"}`,
	`{"ts":"{Z}","request":{"client_ip":"198.18.9.44","method":"GET","uri":"/{Q}/{W}","host":"www.example.org","headers":{"Cookie":["{W}","uid={W}-listed"],"Dnt":["{W}","{W}"],"Sec-Gpc":["{W}"]}},"resp_headers":{"Tk":["{W}"],"Set-Cookie":["{W}"]},"status":200}`,
	`{"time":"{Z}","remote_addr":"198.18.9.35","request":"GET /about HTTP/1.1","status":200,"host":"{W}.example.org"}`,
	`{"time":"{Z}","remote_addr":"{W}","request":"GET /about HTTP/1.1","status":"{W}"}`,
	`{"time":"{W}","remote_addr":"198.18.9.36","request":"{W}"`,
	`{"{W}":`,
}

// canaryHosts are lines that name a host, known and unknown.
var canaryHosts = []string{
	`www.example.org:443 198.18.9.41 - {W} [{T}] "GET /about?{W} HTTP/1.1" 200 512 "-" "{W}"`,
	`{W}.example.org:80 198.18.9.42 - {W} [{T}] "GET /{W} HTTP/1.1" 200 512 "-" "{W}"`,
	`198.18.9.43:80 198.18.9.43 - {W} [{T}] "GET /{W} HTTP/1.1" 200 512 "-" "{W}"`,
}

// fill makes the text of lines at a time.
func fill(lines []string, at time.Time) string {
	return strings.NewReplacer(
		"{W}", canaryWord, "{Q}", quietCorner,
		"{H}", hex.EncodeToString([]byte(canaryWord)), "{B}", base64.RawURLEncoding.EncodeToString([]byte(canaryWord)),
		"{T}", at.Format("02/Jan/2006:15:04:05 -0700"), "{Z}", at.Format(time.RFC3339),
	).Replace(strings.Join(lines, "\n") + "\n")
}

// overlong is a line of more than two MiB.
func overlong(at time.Time) string {
	return fmt.Sprintf("198.18.9.50 - - [%s] \"GET /%s HTTP/1.1\" 200 5 \"-\" \"-\" \"-\" \"-\"\n",
		at.Format("02/Jan/2006:15:04:05 -0700"), strings.Repeat(canaryWord, 2<<20/len(canaryWord)))
}
