package accesslog

import "strings"

// meaning is what a variable stands for.
type meaning struct {
	field field
	rank  uint8 // of the variables of one field, the lowest counts
}

// nginxVariables are the variables of nginx's log_format that are read; all others are skipped.
var nginxVariables = map[string]meaning{
	"remote_addr":               {remoteAddr, 0},
	"http_x_forwarded_for":      {forwardedFor, 0},
	"proxy_add_x_forwarded_for": {forwardedChain, 1},
	"http_forwarded":            {forwardedFor, 2},
	"remote_user":               {remoteUser, 0},
	"time_local":                {timestamp, 0},
	"time_iso8601":              {timestamp, 0},
	"msec":                      {timestamp, 0},
	"request":                   {request, 0},
	"request_method":            {method, 0},
	"request_uri":               {target, 0},
	"uri":                       {target, 1},
	"document_uri":              {target, 1},
	"args":                      {query, 0},
	"query_string":              {query, 0},
	"server_protocol":           {protocol, 0},
	"status":                    {status, 0},
	"body_bytes_sent":           {size, 0},
	"bytes_sent":                {size, 1},
	"http_referer":              {referer, 0},
	"http_user_agent":           {userAgent, 0},
	"host":                      {host, 0},
	"http_host":                 {host, 1},
	"server_name":               {host, 2},
	"request_time":              {requestTime, 0},
	"http_dnt":                  {dnt, 0},
	"http_sec_gpc":              {gpc, 0},
	"http_cookie":               {cookie, 0},
	"consent":                   {consent, 0},
	"sent_http_tk":              {consent, 0},
	"http_x_consent":            {consent, 0},
}

// parseNginx reads a format in the language of nginx's log_format: text with $name or ${name}.
func parseNginx(f bareFormat) (*template, error) {
	t := &template{}
	for pos := 0; pos < len(f.text); {
		dollar := strings.IndexByte(f.text[pos:], '$')
		if dollar < 0 {
			t.fixed(f.text[pos:])
			break
		}
		t.fixed(f.text[pos : pos+dollar])
		pos += dollar
		name, width := variableName(f.text[pos:])
		if name == "" {
			return nil, badFormat(f.columns[pos], "a $ without a variable's name; want $name or ${name}")
		}
		m := nginxVariables[name]
		v := variable{name: "$" + name, column: f.columns[pos], field: m.field, rank: m.rank, list: isList(name)}
		if cookie, ok := strings.CutPrefix(name, cookiePrefix); ok && cookie != "" {
			v.field, v.cookie = namedCookie, cookie
		}
		t.vars = append(t.vars, v)
		pos += width
	}
	return t, nil
}

// variableName reads $name or ${name} at the start of s; no name is an error.
func variableName(s string) (name string, width int) {
	start := 1
	if strings.HasPrefix(s, "${") {
		start = 2
	}
	end := start
	for end < len(s) && (s[end] == '_' || s[end]|0x20-'a' < 26 || s[end]-'0' < 10) {
		end++
	}
	if start == 1 {
		return s[1:end], end
	}
	if end == len(s) || s[end] != '}' {
		return "", 0
	}
	return s[2:end], end + 1
}

// isList tells whether nginx puts several values with spaces between them into a variable: of header
// fields and of the servers that it asked one after the other.
func isList(name string) bool {
	for _, prefix := range []string{"http_", "sent_http_", "upstream_", "proxy_add_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return name == "remote_addr"
}
