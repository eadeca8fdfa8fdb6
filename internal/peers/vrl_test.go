package peers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestVRL: the tests of Vector's remap language for access logs.
func TestVRL(t *testing.T) {
	suite{
		name: "vrl", version: "0.27.0", folder: "vrl-0.27.0", read: readVRL,
		different: []difference{
			{[]string{"log_line_valid_empty"}, 4, "a line without a time counts on no day, so it is refused"},
			{[]string{"combined_line_missing_fields_valid"}, 9, "no server writes a missing field of this format without quotation marks"},
			{[]string{"request | 0.0.0.0 - - [04/Oct/2022:03:07:27", "nine | target"}, 3, "bytes that are no request are kept as none"},
		},
	}.run(t)
}

var (
	// vrlCase is one case of the macro test_function.
	vrlCase = regexp.MustCompile(`(?s)\n\s+(\w+) \{\s+args: func_args!\[(.*?)\],\s+want: (.*?),\s+tdef:`)
	// vrlLine is the line that a case is about, in a raw string or in a plain one.
	vrlLine = regexp.MustCompile(`(?s)value: (?:r#"(.*?)"#|r?"(.*?)")\s*(?:,|$)`)
	// vrlFormat is the case's format.
	vrlFormat = regexp.MustCompile(`\bformat: "(\w+)"`)
	// vrlPair is a field and its value: a plain string, a raw one, a time, a number.
	vrlPair = regexp.MustCompile(`"?(\w+)"?(?: =>|:) (?:"((?:[^"\\]|\\.)*)"|r"([^"]*)"|Value::Timestamp\(DateTime::parse_from_rfc3339\("([^"]*)"\)[^\n]*|([0-9_.]+)|null)`)
)

// vrlFields are its names that we have a field for.
var vrlFields = map[string]string{
	"host": "remote_addr", "client": "remote_addr", "remote_addr": "remote_addr", "client_host": "remote_addr",
	"user": "remote_user", "remote_user": "remote_user", "timestamp": "time", "message": "request", "request": "request",
	"method": "method", "request_method": "method", "path": "target", "request_url": "target", "protocol": "protocol", "request_protocol": "protocol",
	"status": "status", "elb_status_code": "status", "size": "bytes", "body_bytes_size": "bytes", "sent_bytes": "bytes",
	"referer": "referer", "referrer": "referer", "http_referer": "referer", "agent": "user_agent", "http_user_agent": "user_agent", "user_agent": "user_agent",
	"request_time": "request_time", "http_x_forwarded_for": "forwarded_for",
}

// vrlFormats are its formats in our words.
var vrlFormats = map[string]string{
	"parse_common_log.rs":  "common",
	"parse_aws_alb_log.rs": "aws_alb",
	"common":               "common",
	"combined":             "combined",
	"ingress_upstreaminfo": "ingress_nginx",
	"main":                 `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" "$http_x_forwarded_for"`,
	"error":                "combined", // no access log: is to be refused
}

func readVRL(t *testing.T, folder string) (all []expectation) {
	for _, file := range []string{"parse_common_log.rs", "parse_apache_log.rs", "parse_nginx_log.rs", "parse_aws_alb_log.rs"} {
		source, err := os.ReadFile(filepath.Join(folder, "src", "stdlib", file))
		if err != nil {
			t.Fatal(err)
		}
		_, tests, _ := strings.Cut(string(source), "mod tests {")
		for _, m := range vrlCase.FindAllStringSubmatch(tests, -1) {
			all = append(all, vrlExpectations(t, file, m[1], m[2], m[3])...)
		}
	}
	return all
}

func vrlExpectations(t *testing.T, file, test, args, want string) (all []expectation) {
	name := strings.TrimSuffix(file, ".rs") + " " + test
	m := vrlLine.FindStringSubmatch(args)
	if m == nil {
		return []expectation{{name: name}}
	}
	line, kind := m[1]+m[2], file
	if f := vrlFormat.FindStringSubmatch(args); f != nil {
		kind = f[1]
	}
	format := vrlFormats[kind]
	if format == "" {
		return []expectation{{name: name}}
	}
	if strings.HasPrefix(want, "Err") || kind == "error" {
		return []expectation{{name: name + " | " + kind, want: refused, ask: parsed(format, line, 0, "status")}}
	}
	for _, p := range vrlPair.FindAllStringSubmatch(want, -1) {
		field := vrlFields[p[1]]
		if field == "" {
			all = append(all, expectation{name: name + " | " + p[1]})
			continue
		}
		e := expectation{name: name + " | " + field + " | " + line, ask: parsed(format, line, 0, field), want: vrlValue(t, field, p)}
		all = append(all, e)
	}
	if len(all) == 0 { // it reads nothing of the line
		return []expectation{{name: name + " | " + line, want: absent, ask: parsed(format, line, 0, "status")}}
	}
	return all
}

func vrlValue(t *testing.T, field string, p []string) string {
	text := p[2] + p[3]
	if unquoted, err := strconv.Unquote(`"` + p[2] + `"`); err == nil && p[2] != "" {
		text = unquoted
	}
	switch {
	case p[4] != "":
		return instant(t, p[4])
	case field == "time":
		return instant(t, text[:19])
	case p[5] != "":
		f, err := strconv.ParseFloat(strings.ReplaceAll(p[5], "_", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		return value(f)
	case text == "-":
		return absent
	case field == "remote_addr" && strings.Contains(text, ":"):
		return text[:strings.LastIndexByte(text, ':')]
	}
	return value(text)
}
