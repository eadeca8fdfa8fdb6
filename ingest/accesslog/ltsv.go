package accesslog

import "bytes"

// labels is a format whose lines are labeled tab-separated values (LTSV, http://ltsv.org): LABEL:VALUE
// in any order. Values may be escaped as the server's log format escapes them.
type labels struct{ keyTable }

// ltsvLabels are those of ltsv.org, then those that users of nginx's own names write.
var ltsvLabels = []spellings{
	{remoteAddr, "remote_addr remoteaddr remote_ip client_ip clientip client addr ip remote_host"},
	{hostOrAddr, "host"},
	{forwardedFor, "forwardedfor forwarded_for x_forwarded_for http_x_forwarded_for x-forwarded-for xff"},
	{remoteUser, "user remote_user"},
	{timestamp, "time time_local time_iso8601 timestamp msec @timestamp date"},
	{request, "req request"},
	{method, "method request_method verb"},
	{target, "uri request_uri url path"},
	{query, "query args query_string"},
	{protocol, "protocol server_protocol proto"},
	{status, "status code status_code"},
	{size, "size body_bytes_sent bytes_sent bytes res_size"},
	{referer, "referer referrer http_referer"},
	{userAgent, "ua user_agent http_user_agent useragent agent"},
	{host, "vhost http_host server_name domain"},
	{requestTime, "reqtime request_time reqtime_microsec:us reqtime_millisec:ms reqtime_nanosec:ns taken_sec duration"},
	{dnt, "dnt http_dnt"},
	{gpc, "sec_gpc http_sec_gpc sec-gpc gpc"},
	{cookie, "cookie http_cookie"},
	{consent, "consent sent_http_tk http_x_consent"},
}

func newLabels(own []key, usual []spellings) reader { return &labels{newKeyTable(own, usual)} }

// read walks over the fields of one line. Empty fields are passed over: servers that leave a value out
// leave its tab.
func (l *labels) read(line []byte, r *recorder) Reject {
	escaped := r.expectEscapes(line)
	g := gather{r: r}
	last := &l.leads.first
	for pos := 0; pos < len(line); pos++ {
		if line[pos] == '\t' {
			continue
		}
		label, start := last.next, 0
		if label.begins(&l.top, line[pos:]) {
			start = pos + len(label.text)
		} else {
			var n int
			if label, n = l.label(line[pos:]); n == 0 {
				return r.fail(whyNoValue(&g, Incomplete), pos)
			}
			last.follow(label)
			start = pos + n
		}
		last, pos = label, len(line)
		if n := indexNear(line[start:], '\t'); n >= 0 {
			pos = start + n
		}
		v := line[start:pos]
		if escaped {
			v = r.unescape(v)
		}
		g.take(label.key, v, start, pos)
	}
	return g.outcome()
}

// label reads a label and its colon and tells their length; 0 is none.
func (l *labels) label(b []byte) (*lead, int) {
	if n := bytes.IndexByte(b, '\t'); n >= 0 {
		b = b[:n]
	}
	colon := bytes.IndexByte(b, ':')
	if colon <= 0 {
		return nil, 0
	}
	text := b[:colon+1]
	if known := l.known(&l.top, text); known != nil {
		return known, len(text)
	}
	return l.learn(lead{leadText: leadText{at: &l.top}, meant: l.find(l.top.level, b[:colon])}, text), len(text)
}
