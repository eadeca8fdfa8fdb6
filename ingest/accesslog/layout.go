package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// layout is a format whose lines are values with fixed text between them: what nginx's log_format
// and Apache's LogFormat describe. It is compiled once; reading a line walks its steps.
type layout struct {
	before string // the fixed text before the first value
	steps  []step
	// required is the number of steps that a line must have. Those after it may all be missing; the
	// last required step is then short.
	required int
	short    step
	// head is the number of steps, from headAt on, that readHead knows.
	headAt, head int
	signal       bool
}

// step reads one value, which ends where the fixed text after it begins.
type step struct {
	field  field
	name   string // of a namedCookie
	quoted bool
	last   bool
	after  string // the fixed text up to the next value
}

// variables are the names of nginx's log_format that are read; all others are skipped.
var variables = map[string]field{
	"remote_addr":          remoteAddr,
	"http_x_forwarded_for": forwardedFor,
	"remote_user":          remoteUser,
	"time_local":           timestamp,
	"time_iso8601":         timestamp,
	"msec":                 timestamp,
	"request":              request,
	"request_method":       method,
	"request_uri":          target,
	"args":                 query,
	"query_string":         query,
	"server_protocol":      protocol,
	"status":               status,
	"body_bytes_sent":      size,
	"bytes_sent":           size,
	"http_referer":         referer,
	"http_user_agent":      userAgent,
	"host":                 host,
	"http_host":            host,
	"server_name":          host,
	"request_time":         requestTime,
	"http_dnt":             dnt,
	"http_sec_gpc":         gpc,
	"http_cookie":          cookie,
	"consent":              consent,
	"sent_http_tk":         consent,
	"http_x_consent":       consent,
}

// variable is what a name of nginx's log_format means; cookie is the name of a namedCookie.
func variable(name string) (f field, cookie string) {
	if cookie, ok := strings.CutPrefix(name, cookiePrefix); ok && cookie != "" {
		return namedCookie, cookie
	}
	return variables[name], ""
}

// compileLayout reads a format in the language of nginx's log_format: text with $name or ${name}. All
// that optional describes may be missing from a line. Where two variables mean one field, the first
// counts.
//
// The dash between address and account, which nginx's users write themselves, is read as Apache's
// identd name, so that the format is one that readHead knows.
func compileLayout(format, optional string) (*layout, error) {
	format = strings.Replace(format, "$remote_addr - $remote_user [", "$remote_addr $ident $remote_user [", 1)
	_, required, err := compileSteps(format)
	if err != nil {
		return nil, err
	}
	before, steps, err := compileSteps(format + optional)
	if err != nil {
		return nil, err
	}
	l := &layout{before: before, steps: steps, required: len(required), short: required[len(required)-1]}
	seen := l.dropRepeated()
	if !seen[timestamp] {
		return nil, errors.New("compile log format: it has no time ($time_local, $time_iso8601 or $msec)")
	}
	if !seen[status] && !seen[request] && !seen[target] {
		return nil, errors.New("compile log format: it has neither a request nor $status")
	}
	l.signal = seen[dnt] || seen[gpc]
	l.headAt, l.head = l.knownHead()
	return l, nil
}

func (l *layout) dropRepeated() (seen [fields]bool) {
	for i := range l.steps {
		s := &l.steps[i]
		if seen[s.field] && s.field != namedCookie {
			s.field = unused
		}
		seen[s.field] = true
	}
	return seen
}

// compileSteps cuts the format into steps.
func compileSteps(format string) (before string, steps []step, err error) {
	fixed, rest, more := strings.Cut(format, "$")
	before = fixed
	for more {
		name := variableName(rest)
		if name == "" {
			return "", nil, errors.New("compile log format: a $ without a name")
		}
		quoted := strings.HasSuffix(fixed, `"`)
		rest = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(rest, "{"), name), "}")
		fixed, rest, more = strings.Cut(rest, "$")
		if fixed == "" && more {
			return "", nil, fmt.Errorf("compile log format: nothing between $%s and the next variable", name)
		}
		s := step{quoted: quoted && strings.HasPrefix(fixed, `"`), after: fixed}
		s.field, s.name = variable(name)
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return "", nil, errors.New("compile log format: it has no variables")
	}
	steps[len(steps)-1].last = true
	return before, steps, nil
}
func variableName(s string) string {
	s = strings.TrimPrefix(s, "{")
	end := strings.IndexFunc(s, func(c rune) bool {
		return c != '_' && !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9')
	})
	if end < 0 {
		end = len(s)
	}
	return s[:end]
}

func (l *layout) signals() bool { return l.signal }

// read walks the steps over one line.
func (l *layout) read(line []byte, r *recorder) Reject {
	if !hasPrefix(line, l.before) {
		return r.fail(NotAnAccessLog, 0)
	}
	escaped := r.expectEscapes(line)
	i, pos := 0, len(l.before)
	if l.head > 0 && !escaped && !r.explain {
		i, pos = l.readHead(line, r)
	}
	pos, reject := l.walk(line, r, i, len(l.steps), pos, escaped)
	switch {
	case reject != accepted:
		return r.fail(reject, pos)
	case !r.timed:
		return r.fail(NoTime, 0)
	case !l.steps[len(l.steps)-1].mayEnd(line[pos:]):
		return r.fail(TrailingText, pos)
	}
	return accepted
}

// walk does the steps from i to end and tells where the next value begins, or the one that it cannot
// read.
func (l *layout) walk(line []byte, r *recorder, i, end, pos int, escaped bool) (int, Reject) {
	for ; i < end; i++ {
		s := &l.steps[i]
		rest := line[pos:]
		n, after := s.end(rest, escaped), len(s.after)
		if n < 0 && i == l.required-1 {
			n, after = l.short.end(rest, escaped), len(l.short.after)
			r.short = true
			i = end
		}
		if n < 0 {
			return pos, s.whyNoEnd(rest, escaped, r.timed)
		}
		v := rest[:n]
		if escaped {
			v = r.unescape(v)
		}
		if s.field == namedCookie {
			r.addCookie(s.name, v)
		} else if reject := r.set(s.field, v); reject != accepted {
			if reject == BadTime && !likeTime(v) {
				reject = NotAnAccessLog
			}
			return pos, reject
		}
		r.span(s.field, pos, pos+n)
		pos += n + after
	}
	return pos, accepted
}

// mayEnd tells whether the format may end before b: after a closing quote, more fields may follow.
func (s *step) mayEnd(b []byte) bool { return len(b) == 0 || s.quoted && b[0] == ' ' }

// end finds where the value at the start of b ends; -1 is nowhere. A value may hold the first byte of
// what comes after it: servers that do not escape write quotes as they are.
func (s *step) end(b []byte, escaped bool) int {
	if s.after == "" {
		if n := bytes.IndexByte(b, ' '); n >= 0 && s.field.isWord() {
			return n
		}
		return len(b)
	}
	n := 0
	for {
		i := s.delimiter(b[n:], escaped)
		if i < 0 {
			return -1
		}
		n += i
		if hasPrefix(b[n:], s.after) && (!s.last || s.mayEnd(b[n+len(s.after):])) {
			return n
		}
		n++
	}
}

// delimiter finds the first byte of what comes after the value.
func (s *step) delimiter(b []byte, escaped bool) int {
	if escaped && s.quoted {
		return closingQuote(b)
	}
	return bytes.IndexByte(b, s.after[0])
}

// closingQuote finds the first quote that no backslash protects.
func closingQuote(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// whyNoEnd tells why a value has no end. Until the time is read, nothing shows that the line is one
// of an access log at all.
func (s *step) whyNoEnd(b []byte, escaped, timed bool) Reject {
	switch {
	case !timed:
		return NotAnAccessLog
	case s.delimiter(b, escaped) >= 0 && s.last:
		return TrailingText
	case s.delimiter(b, escaped) < 0 && s.quoted:
		return UnterminatedQuote
	}
	return Incomplete
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }
