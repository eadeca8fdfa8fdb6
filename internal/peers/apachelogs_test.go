package peers_test

import (
	"strings"
	"testing"
)

// TestApachelogs: the tests of the Python library apachelogs, which reads any LogFormat.
func TestApachelogs(t *testing.T) {
	suite{
		name: "apachelogs", version: "0.6.1", folder: "apachelogs-0.6.1",
		read: readApachelogs,
		different: []difference{
			{[]string{"| 201 202 203"}, 1, "of several statuses the last one counts, which the client saw"},
			{[]string{"%s | 000"}, 1, "the status 000 is none"},
			{[]string{"%<{Referer}i"}, 1, "of several variables for one thing one counts"},
			{[]string{"%T %{ms}T", "%T %{MS}T"}, 2, "of two durations the finer one counts"},
			{[]string{`t\xc3\xa9st`, "JDatabaseDriverMysqli"}, 2, "text is UTF-8, not Latin-1"},
			{[]string{"test_parse_bad_utf8"}, 1, "bytes that are not UTF-8 do not lose the line"},
			{[]string{"%200{%Y-%m-%d}t", "%200t", "%200{}t", "%{%a %b %d}t", "%{%A %B %d}t", "%{%w (%u)", "%{%Y%n%m%t%d}t", "%200{%I:%M:%S %p}t"}, 15,
				"a line without a whole date and a time of day counts on no day, so it is refused"},
			{[]string{"%{%FT%T %Z}t"}, 3, "the abbreviation of a zone that is not UTC has several meanings"},
			{[]string{"1969"}, 3, "a time before 1970 is none of an access log"},
		},
	}.run(t)
}

// apachelogsFields are its attributes that we have a field for.
var apachelogsFields = map[string]string{
	"remote_host": "remote_addr", "remote_address": "remote_addr", "remote_user": "remote_user",
	"request_time": "time", "original_request_time": "time", "final_request_time": "time",
	"request_line": "request", "request_method": "method", "request_uri": "path", "request_query": "query",
	"request_protocol": "protocol", "status": "status", "final_status": "status", "bytes_sent": "bytes", "bytes_out": "bytes",
	"virtual_host": "host", "server_name": "host",
	"request_duration_seconds": "request_time", "request_duration_milliseconds": "request_time", "final_request_duration_seconds": "request_time",
}

func readApachelogs(t *testing.T, folder string) (all []expectation) {
	for _, a := range record(t, folder, "src", "apachelogs", "test/test_parse.py", "test/test_general.py",
		"test/test_parse_custom_time.py", "test/test_parse_apache_timestamp.py", "test/test_decoding.py", "test/test_bad_directives.py") {
		all = append(all, a.ofApachelogs(t)...)
	}
	return all
}

func (a assertion) ofApachelogs(t *testing.T) []expectation {
	if stamp, ok := a.argument("parse_apache_timestamp"); ok && len(a.Path) == 3 {
		e := expectation{name: a.name(stamp), want: refused, ask: parsed("%t %>s", "["+stamp+"] 200", 0, "time")}
		if !a.raises() {
			e.want = instant(t, a.Want.(string))
		}
		return []expectation{e}
	}
	format, _ := a.argument("LogParser")
	line, read := a.argument("parse")
	if !read && a.raises() && format != "" {
		return []expectation{{name: a.name(format, "bad format"), want: refused, ask: parsed(format+" %t %>s", "[01/Jan/2026:00:00:00 +0000] 200", 0, "status")}}
	}
	fullFormat, fullLine := completed(format, line)
	about := func(field string, want any) expectation {
		e := expectation{name: a.name(format, line, field), want: value(want)}
		if a.raises() {
			e.want = refused
		} else if iso, ok := want.(string); ok && field == "time" {
			e.want = instant(t, iso)
		}
		e.ask = parsed(fullFormat, fullLine, 0, field)
		return e
	}
	switch field := apachelogsFields[a.field()]; {
	case read && a.raises():
		return []expectation{about("status", nil)}
	case field == "query" && a.Want != nil:
		return []expectation{about(field, strings.TrimPrefix(a.Want.(string), "?"))}
	case a.field() == "request_duration_milliseconds":
		return []expectation{about(field, a.Want.(float64)/1000)}
	case field != "":
		return []expectation{about(field, a.Want)}
	case a.field() == "headers_in":
		headers := a.Want.(map[string]any)
		var two []expectation
		for name, field := range map[string]string{"Referer": "referer", "User-Agent": "user_agent"} {
			if want, ok := headers[name]; ok {
				two = append(two, about(field, want))
			}
		}
		return two
	}
	return []expectation{{name: a.name(format, line, a.field())}}
}
