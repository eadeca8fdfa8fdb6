package accesslog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throng/ingest/accesslog"
)

// lnavRow is what lnav reads of a line, under the names of any of its tables.
type lnavRow struct {
	Time      string `json:"log_time"`
	Address   string `json:"c_ip"`
	Client    string `json:"client_ip"`
	User      string `json:"cs_username"`
	UserID    string `json:"cs_userid"`
	Method    string `json:"cs_method"`
	Path      string `json:"cs_uri_stem"`
	Query     string `json:"cs_uri_query"`
	Protocol  string `json:"cs_version"`
	Status    int    `json:"sc_status"`
	ELBStatus int    `json:"elb_status_code"`
	Bytes     int    `json:"sc_bytes"`
	Sent      int    `json:"sent_bytes"`
	Referer   string `json:"cs_referer"`
	Agent     string `json:"cs_user_agent"`
	UserAgent string `json:"user_agent"`
	Host      string `json:"cs_host"`
	Millis    int    `json:"total_time"`
}

// visit is what both readers say of a line.
type visit struct {
	Time, Address, User, Method, Path, Query, Protocol, Referer, Agent, Host string
	Status, Bytes, Millis                                                    int
}

func (r lnavRow) visit() visit {
	absent := func(s string) string { return strings.TrimPrefix(s, "-") } // no value here begins with a dash
	return visit{
		Time: r.Time[:len("2006-01-02 15:04:05")], Address: r.Address + r.Client, User: absent(r.User + r.UserID), Method: r.Method, Path: r.Path,
		Query: r.Query, Protocol: r.Protocol, Referer: absent(r.Referer), Agent: absent(r.Agent + r.UserAgent), Host: absent(r.Host),
		Status: r.Status + r.ELBStatus, Bytes: r.Bytes + r.Sent, Millis: r.Millis,
	}
}

// TestLnavReadsTheSame compares with an independent reader (https://lnav.org; Debian's package lnav)
// what random lines say. Each line has a size of its own, by which it is found again.
func TestLnavReadsTheSame(t *testing.T) {
	lnav, err := exec.LookPath("lnav")
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("lnav is not installed: apt-get install lnav")
	} else if err != nil {
		t.Fatal(err)
	}
	for format, table := range map[string]string{"combined": "access_log", "aws_s3": "s3_log", "aws_alb": "alb_log", "aws_elb": "elb_log"} {
		t.Run(format, func(t *testing.T) {
			const lines = 400
			rnd := rand.New(rand.NewPCG(20261122, 7))
			log := make([][]byte, lines)
			for i := range log {
				log[i] = lnavLine(format, rnd, i)
			}
			theirs := runLnav(t, lnav, table, bytes.Join(log, []byte("\n")))
			if len(theirs) != lines {
				t.Fatalf("lnav reads %d of %d lines", len(theirs), lines)
			}
			p := newParser(t, format)
			for i, line := range log {
				if diff := cmp.Diff(theirs[1000+i], visitOf(t, p, line)); diff != "" {
					t.Errorf("(-lnav +throng):\n%s\n%s", diff, line)
				}
			}
		})
	}
}

func visitOf(t *testing.T, p *accesslog.Parser, line []byte) visit {
	t.Helper()
	var rec accesslog.Record
	if err := p.Parse(line, &rec); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	path, host := string(rec.Path), string(rec.Host)
	if !bytes.HasPrefix(rec.Target, []byte("/")) { // lnav does not take targets in absolute form apart
		path, _, _ = strings.Cut(string(rec.Target), "?")
		host = ""
	}
	seconds, _ := rec.RequestTime.Seconds()
	return visit{
		Time: time.Unix(rec.Time, 0).UTC().Format(time.DateTime), Address: rec.RemoteAddr.String(), User: string(rec.RemoteUser),
		Method: string(rec.MethodText), Path: path, Query: string(rec.Query), Protocol: string(rec.Protocol), Referer: string(rec.Referer),
		Agent: string(rec.UserAgentText()), Host: host, Status: int(rec.Status), Bytes: int(rec.Bytes), Millis: int(seconds*1000 + 0.5),
	}
}

// runLnav gives what lnav reads of a log, by the size that the line says.
func runLnav(t *testing.T, lnav, table string, log []byte) map[int]visit {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	if err := os.WriteFile(path, append(log, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(lnav, "-n", "-c", ";SELECT * FROM "+table, "-c", ":write-json-to -", path)
	cmd.Env = append(os.Environ(), "HOME="+dir, "TZ=UTC", "TERM=dumb")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run lnav: %v", err)
	}
	var rows []lnavRow
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatalf("read what lnav writes: %v", err)
	}
	visits := map[int]visit{}
	for _, r := range rows {
		v := r.visit()
		visits[v.Bytes] = v
	}
	return visits
}

// lnavLine makes a line of values in forms that both readers know.
func lnavLine(format string, rnd *rand.Rand, i int) []byte {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	at := time.Unix(1.7e9+int64(i)*997, 0).UTC()
	iso, clf := at.Format("2006-01-02T15:04:05.000000Z"), at.Format("02/Jan/2006:15:04:05 -0700")
	addr := pick("192.0.2.7", "198.51.100.77", "2001:db8::7", "2001:db8:1:2:3:4:5:6")
	target := pick("/", "/a/b.html", "/%C3%A4", "/a;b=c", "/a:b@c") + pick("", "?x=1", "?q=a+b&r=%20", "?a=?b")
	request := pick("GET", "HEAD", "POST", "OPTIONS") + " " + target + " " + pick("HTTP/1.0", "HTTP/1.1", "HTTP/2.0")
	absolute := strings.Replace(request, " /", " http://www.example.org:80/", 1)
	status, size := pick("200", "204", "301", "404", "503"), 1000+i
	referer, agent := pick("-", "https://www.example.org/", "https://www.example.com/a?b=c"), pick("-", "curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101")
	switch format {
	case "aws_s3":
		return fmt.Appendf(nil, `%064x web [%s] %s %s 891CE47D2EXAMPLE WEBSITE.GET.OBJECT a.html "%s" %s - %d 2048 %d 10 "%s" "%s" - 9vKBE6vMhrNiWHZmb2L0 - - - %s -`,
			i, clf, addr, pick("-", "arn:aws:iam::1:user/jo"), request, status, size, 1+rnd.IntN(1000), referer, agent, pick("-", "www.example.org"))
	case "aws_alb", "aws_elb":
		line := fmt.Appendf(nil, `%s app/web/50dc %s:40914 10.0.0.1:80 0.000 0.012 0.001 %s 200 17 %d "%s" "%s" - -`, iso, addr, status, size, absolute, agent)
		if format == "aws_elb" {
			return line
		}
		return fmt.Appendf(nil, `%s %s arn:aws:x "Root=1-1" "-" "-" 0 %s "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"`, pick("http", "https", "h2"), line, iso)
	}
	return fmt.Appendf(nil, `%s - %s [%s] "%s" %s %d "%s" "%s"`, addr, pick("-", "jo"), clf, request, status, size, referer, agent)
}
