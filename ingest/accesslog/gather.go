package accesslog

// gather records the fields of one line of a format that tells them apart by key, where a line may
// have a field under several keys, and in any order.
type gather struct {
	r *recorder
	// ranks holds, by field, 1 + the rank of the spelling that was taken.
	ranks     [fields]uint8
	requested bool     // there was a request line, perhaps garbage
	encoding  Encoding // of a user agent
	// reject, rejectAt and rejected tell of the first value that could not be read.
	reject   Reject
	rejectAt int
	rejected field
	// host stands at [hostAt, hostEnd) and is the client's host or the server's.
	host            []byte
	hostAt, hostEnd int
}

// take records a value that stands at [start, end), unless a better spelling of the field was read.
func (g *gather) take(k *key, v []byte, start, end int) {
	if k == nil {
		g.r.span(unused, start, end)
		return
	}
	if g.ranks[k.field] != 0 && g.ranks[k.field] <= k.rank || g.requested && k.field.isRequestPart() {
		g.r.span(unused, start, end)
		return
	}
	f := k.field
	switch f {
	case hostOrAddr:
		g.host, g.hostAt, g.hostEnd = v, start, end
		return
	case timestamp, datePart:
		f, v = timeField(f, v)
	}
	g.r.span(f, start, end)
	if isAbsent(v) {
		return
	}
	if f == namedCookie {
		g.r.addCookie(k.cookie, v)
		return
	}
	if f == request {
		rec := g.r.rec
		rec.Method, rec.MethodText, rec.Target, rec.Query, rec.Protocol = 0, nil, nil, nil, nil
		g.requested = true
	}
	var reject Reject
	switch {
	case f == userAgent:
		g.setUserAgent(v, k.form)
	case k.form == asIs:
		reject = g.r.set(f, v)
	default:
		reject = g.r.setForm(f, k.form, v)
	}
	if reject == accepted {
		g.ranks[k.field] = k.rank + 1
	} else if g.reject == accepted || g.reject == BadTime {
		g.reject, g.rejectAt, g.rejected = reject, start, f
	}
}

func (g *gather) setUserAgent(v []byte, form form) {
	rec := g.r.rec
	if rec.UserAgent, rec.UserAgentEncoding = v, g.encoding; form == encoded {
		rec.UserAgentEncoding = PercentEncoded
	}
}

// timeField tells a whole time, which Apache puts into brackets, from a time of day and from a date.
func timeField(f field, v []byte) (field, []byte) {
	if n := len(v); n > 2 && v[0] == '[' && v[n-1] == ']' {
		v = v[1 : n-1]
	}
	switch {
	case f == datePart && (len(v) < len("2006-01-02") || len(v) == len("2006-01-02") && v[4] == '-'):
		return datePart, v
	case len(v) >= 8 && v[2] == ':' && v[5] == ':':
		return clockPart, v
	}
	return timestamp, v
}

// outcome is what becomes of the line when all its fields were taken. A time that cannot be read does
// not matter where another can.
func (g *gather) outcome() Reject {
	r := g.r
	g.settleHost()
	r.join()
	if !r.timed && r.sent != 0 && g.reject == accepted {
		r.rec.Time, r.timed = r.sent, true
	}
	switch {
	case g.reject != accepted && (g.reject != BadTime || !r.timed):
		r.expected = g.rejected
		return r.fail(g.reject, g.rejectAt)
	case r.rec.Status == 0 && r.rec.Target == nil && !g.requested:
		return r.fail(NotAnAccessLog, 0)
	case !r.timed:
		return r.fail(NoTime, 0)
	}
	return accepted
}

// settleHost decides whose host it was: the client's, if nothing else said that.
func (g *gather) settleHost() {
	if g.hostEnd == 0 {
		return
	}
	f := unused
	switch {
	case g.ranks[remoteAddr] == 0:
		f = remoteAddr
	case g.ranks[host] == 0:
		f = host
	}
	g.r.span(f, g.hostAt, g.hostEnd)
	if f != unused && !isAbsent(g.host) {
		_ = g.r.set(f, g.host) // neither of the two is ever refused
	}
}
