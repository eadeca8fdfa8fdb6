package peers_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLars: the tests of the Python library lars, which reads Apache's and IIS's logs.
func TestLars(t *testing.T) {
	suite{
		name: "lars", version: "1.0", folder: "lars-1.0",
		read: func(t *testing.T, folder string) (all []expectation) {
			for _, file := range []string{"tests/test_apache.py", "tests/test_iis.py"} {
				for _, a := range record(t, folder, "lars", "lars", file) {
					a.Test = filepath.Base(file) + " " + a.Test
					all = append(all, a.ofLars(t))
				}
			}
			return all
		},
		different: []difference{
			{[]string{`escape | foo\`}, 1, "a backslash before the closing quotation mark escapes that; Apache doubles it"},
			{[]string{"[4/Dec/2001"}, 8, "no server writes a day or an hour in one digit"},
			{[]string{"%28foo"}, 1, "IIS writes + for a blank in a user agent, and encodes nothing else"},
			{[]string{`escape | """`}, 1, "a quotation mark that nothing closes"},
			{[]string{"test_source_invalid_headers"}, 5, "an odd version, or a second #Fields, does not lose the lines after it"},
		},
	}.run(t)
}

// larsFields are its columns that we have a field for.
var larsFields = map[string]string{
	"remote_host": "remote_addr", "remote_user": "remote_user", "time": "time", "request": "request", "status": "status", "size": "bytes",
	"req_Referer": "referer", "req_User_agent": "user_agent", "method": "method", "protocol": "protocol", "url_stem": "path", "url_query": "query",
	"bytes_sent": "bytes", "c_ip": "remote_addr", "cs_username": "remote_user", "cs_method": "method", "cs_uri_stem": "path",
	"cs_uri_query": "query", "sc_status": "status", "sc_bytes": "bytes", "cs_User_Agent": "user_agent", "cs_Referrer": "referer",
}

func (a assertion) ofLars(t *testing.T) expectation {
	if e, ok := a.ofLarsPart(t); ok {
		return e
	}
	lines, format := a.source()
	if lines == "" {
		return expectation{name: a.name(fmt.Sprint(a.Path...))}
	}
	if a.raises() {
		e := expectation{name: a.name(lines), want: refused}
		e.ask = parsed(format, lines, strings.Count(lines, "\n")-1, "status")
		return e
	}
	row, _ := a.Path[len(a.Path)-2].(float64)
	field := larsFields[a.field()]
	if field == "" || format == "iis" && field == "time" {
		return expectation{name: a.name(lines, a.field())}
	}
	i := int(row) + strings.Count(lines, "#")
	return expectation{name: a.name(format, field, lines), want: larsValue(t, field, a.Want), ask: parsed(format, lines, i, field)}
}

// source is the log that the assertion is about, and its format.
func (a assertion) source() (lines, format string) {
	if len(a.Path) < 3 {
		return "", ""
	}
	args, _ := a.Path[1].([]any)
	options, _ := a.Path[2].(map[string]any)
	var list []any
	if len(args) > 0 {
		list, _ = args[0].([]any)
	}
	for _, line := range list {
		lines += line.(string)
	}
	switch format, _ = options["log_format"].(string); {
	case a.Path[0] == "IISSource":
		format = "iis"
	case format == "":
		format = "%h %l %u %t \"%r\" %>s %b"
	}
	return lines, format
}

// ofLarsPart are assertions about parts: an escaped string, a time.
func (a assertion) ofLarsPart(t *testing.T) (expectation, bool) {
	if text, ok := a.argument("_string_parse"); ok {
		format, line := `%h %t "%r" %>s "%{User-Agent}i"`, fmt.Sprintf(`192.0.2.1 [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 "%s"`, text)
		if strings.Contains(a.Test, "iis") {
			format, line = "#Fields: date time c-ip cs-uri-stem sc-status cs(User-Agent)", "2026-01-01 00:00:00 192.0.2.1 / 200 "+text
		}
		return expectation{name: a.name("escape", text), want: value(a.Want), ask: parsed(format, line, 0, "user_agent")}, true
	}
	for _, call := range []string{"_time_parse_common", "_time_parse_format"} {
		text, ok := a.argument(call)
		if !ok {
			continue
		}
		format := "%t %>s"
		if args := a.Path[1].([]any); len(args) > 1 && args[1] != "[%d/%b/%Y:%H:%M:%S %z]" {
			format = fmt.Sprintf("%%{%s}t %%>s", args[1])
		}
		e := expectation{name: a.name("time", text), want: refused, ask: parsed(format, text+" 200", 0, "time")}
		if !a.raises() {
			e.want = larsValue(t, "time", a.Want)
		}
		return e, true
	}
	return expectation{}, false
}

// larsValue spells what lars makes of a field: datetimes, host names, addresses, requests.
func larsValue(t *testing.T, field string, want any) string {
	made, ok := want.(map[string]any)
	if !ok {
		return value(want)
	}
	path := made["made"].([]any)
	args := path[len(path)-2].([]any)
	switch call, _ := path[len(path)-3].(string); call {
	case "DateTime":
		n := make([]int, 6)
		for i, arg := range args {
			n[i] = int(arg.(float64))
		}
		return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC).Format(time.RFC3339)
	case "datetime":
		return instant(t, strings.Replace(args[0].(string), " ", "T", 1))
	case "Request":
		parts := make([]string, len(args))
		for i, arg := range args {
			parts[i] = larsValue(t, "", arg)
		}
		return strings.Join(parts, " ")
	case "url":
		text := args[0].(string)
		if field == "query" {
			text = strings.TrimPrefix(text, "?")
		}
		return text
	}
	return value(args[0])
}
