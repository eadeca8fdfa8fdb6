package peers_test

import (
	"testing"
)

// TestApacheLogParser: the tests of the Python library apache-log-parser.
func TestApacheLogParser(t *testing.T) {
	suite{
		name: "apache-log-parser", version: "1.7.0", folder: "apache-log-parser-1.7.0",
		read: func(t *testing.T, folder string) (all []expectation) {
			for _, a := range record(t, folder, ".", "apache_log_parser", "apache_log_parser/tests.py") {
				all = append(all, a.ofApacheLogParser(t)...)
			}
			return all
		},
		different: []difference{
			{[]string{"test_issue10"}, 2, "an address is written in one way, that of RFC 5952"},
			{[]string{"test_issue9"}, 1, "the peer's mistake: the line has a user agent"},
			{[]string{"%{some_time}t"}, 9, "the peer's mistake: Apache writes a pattern without a directive as it stands, so this line is not of the format"},
		},
	}.run(t)
}

// apacheLogParserFields are its keys that we have a field for.
var apacheLogParserFields = map[string]string{
	"status": "status", "request_first_line": "request", "request_method": "method", "request_url": "target", "request_url_path": "path",
	"request_url_query": "query", "request_header_referer": "referer", "request_header_user_agent": "user_agent", "remote_host": "remote_addr",
	"remote_ip": "remote_addr", "remote_user": "remote_user", "response_bytes_clf": "bytes", "server_name2": "host",
	"time_received_utc_isoformat": "time",
}

func (a assertion) ofApacheLogParser(t *testing.T) (all []expectation) {
	format, ok := a.argument("make_parser")
	if !ok {
		format, _ = a.argument("Parser")
	}
	line, ok := a.argument("")
	if !ok {
		line, ok = a.argument("parse")
	}
	want := map[string]any{a.field(): a.Want}
	if whole, is := a.Want.(map[string]any); is && a.field() == "" {
		want = whole
	}
	fullFormat, fullLine := completed(format, line)
	for key, v := range want {
		field := apacheLogParserFields[key]
		if !ok || field == "" {
			all = append(all, expectation{name: a.name(format, key)})
			continue
		}
		if v == "-" {
			v = nil
		}
		e := expectation{name: a.name(format, field), want: value(v), ask: parsed(fullFormat, fullLine, 0, field)}
		if field == "time" {
			e.want = instant(t, v.(string))
		}
		all = append(all, e)
	}
	return all
}
