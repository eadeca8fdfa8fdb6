package accesslog

import "bytes"

// field names a thing that a line can say, whatever its format.
type field uint8

const (
	unused field = iota
	remoteAddr
	remoteAddrPort // an address and its port
	forwardedFor
	forwardedChain // X-Forwarded-For, then the address of the connection
	remoteUser
	timestamp
	request // the whole request line; else its parts:
	method
	target
	query
	protocol
	status
	size
	referer
	userAgent
	host
	requestTime
	requestMillis
	requestMicros
	dnt
	gpc
	cookie
	namedCookie // one cookie, whose name the format says
	consent
	datePart      // the day of a time that is written in two parts
	clockPart     // its time of day
	hostOrAddr    // LTSV's "host": the client's, unless another label says that; else the server's
	envelopeSpan  // what syslog puts around a line; a part of lines, not of records
	directiveSpan // a W3C log's directive
	fields
)

// fieldNames are those of NDJSON records, where there is one.
var fieldNames = [fields]string{"unused", "remote_addr", "remote_addr", "forwarded_for", "forwarded_for", "remote_user", "time", "request",
	"method", "target", "query", "protocol", "status", "bytes", "referer", "user_agent", "host", "request_time", "request_time", "request_time",
	"dnt", "sec_gpc", "cookie", "cookie", "consent", "time", "time", "host", "syslog", "directive"}

func (f field) String() string { return fieldNames[f] }

// isWord tells whether the field's values never hold a space.
func (f field) isWord() bool {
	switch f {
	case remoteAddr, remoteAddrPort, method, protocol, status, size, host, requestTime, requestMillis, requestMicros, dnt, gpc, namedCookie:
		return true
	}
	return false
}

// isNumber tells whether the field's values are digits, and perhaps a point.
func (f field) isNumber() bool {
	switch f {
	case status, size, requestTime, requestMillis, requestMicros:
		return true
	}
	return false
}

// canonical is the field that says the same in the usual form.
func (f field) canonical() field {
	switch f {
	case remoteAddrPort:
		return remoteAddr
	case forwardedChain:
		return forwardedFor
	case requestMillis, requestMicros:
		return requestTime
	}
	return f
}

// isRequestPart tells whether a request line says the field too.
func (f field) isRequestPart() bool {
	switch f {
	case method, target, query, protocol:
		return true
	}
	return false
}

// recorder fills a record, field by field, on behalf of a reader of some format.
type recorder struct {
	rec      *Record
	instants instants
	scratch  []byte // decoded values; records alias it
	// cookies are those of the lines whose records are in use, from firstCookie on of this line.
	cookies     []Cookie
	firstCookie int
	offset      int   // where the line was refused
	expected    field // what was expected there; unused where nothing can be said
	timed       bool  // a time was read
	short       bool  // the line ended before the format's optional fields
	proxied     bool  // the client's address is a hop

	calendar calendar // of times that are read by a pattern
	// lastCalendar was lastTime: neighbouring lines mostly have the same.
	lastCalendar calendar
	lastTime     int64
	calendarAt   int // how many bytes before the line's end the first part of it began

	halves   halves // of a time in two parts
	sent     int64  // the time of the envelope that the line came in; 0 is none
	software string // which server the directives of a W3C log tell of

	// explain asks for spans.
	explain bool
	spans   []FieldSpan
}

// fail notes where reading failed.
func (r *recorder) fail(reason Reject, offset int) Reject {
	r.offset = offset
	return reason
}

// isAbsent tells whether a value stands for none.
func isAbsent(v []byte) bool { return len(v) == 0 || len(v) == 1 && v[0] == '-' }

// set reads the text of one field.
func (r *recorder) set(f field, v []byte) Reject {
	if isAbsent(v) {
		return accepted
	}
	rec := r.rec
	switch f {
	case remoteAddr:
		rec.setAddress(v)
	case remoteAddrPort:
		rec.setAddressPort(v)
	case forwardedFor:
		rec.ForwardedFor = v
	case forwardedChain:
		rec.setChain(v)
	case remoteUser:
		if string(v) != `""` { // as Apache writes an empty account
			rec.RemoteUser = v
		}
	case timestamp:
		return r.setTime(v)
	case request:
		rec.setRequest(v)
	case method:
		rec.Method, rec.MethodText = methodOf(v), v
	case target:
		rec.Target = v
	case query:
		rec.Query = bytes.TrimPrefix(v, questionMark)
	case protocol:
		rec.Protocol = v
	case status:
		return rec.setStatus(v)
	case size:
		return rec.setBytes(v)
	case referer:
		rec.Referer = v
	case userAgent:
		rec.UserAgent = v
	case host:
		rec.Host = v
	case requestTime:
		rec.RequestTime = Duration{text: v, perSecond: 1}
	case requestMillis:
		rec.RequestTime = Duration{text: v, perSecond: 1e3, whole: true}
	case requestMicros:
		rec.RequestTime = Duration{text: v, perSecond: 1e6, whole: true}
	case dnt:
		rec.DNT = Field{v, true}
	case gpc:
		rec.GPC = Field{v, true}
	case cookie:
		rec.Cookie = v
	case consent:
		rec.Consent = v
	case datePart:
		return r.halves.setDate(v)
	case clockPart:
		return r.halves.setClock(v)
	}
	return accepted
}

func (r *recorder) setTime(v []byte) Reject {
	sec, ok := r.instants.parse(v)
	if !ok {
		return BadTime
	}
	r.rec.Time, r.timed = sec, true
	return accepted
}

// setCalendar takes over the time that was read by patterns.
func (r *recorder) setCalendar() bool {
	if r.calendar != r.lastCalendar {
		sec, ok := r.calendar.unix()
		if !ok {
			return false
		}
		r.lastCalendar, r.lastTime = r.calendar, sec
	}
	r.rec.Time, r.timed = r.lastTime, true
	return true
}

var questionMark = []byte{'?'} // Apache's %q begins with it

// setStatus reads three digits, or the 0 and -1 with which servers that write it as a number say none.
func (rec *Record) setStatus(v []byte) Reject {
	if len(v) == 1 && v[0] == '0' || len(v) == 2 && v[0] == '-' && v[1] == '1' {
		return accepted
	}
	if len(v) != 3 || v[1]-'0' > 9 || v[2]-'0' > 9 {
		return BadStatus
	}
	n := uint16(v[0]-'0')*100 + uint16(v[1]-'0')*10 + uint16(v[2]-'0')
	if v[0]-'1' > 4 && n != 0 {
		return BadStatus
	}
	rec.Status = n
	return accepted
}

// setBytes reads a number; HAProxy has a plus before one that was not final yet.
func (rec *Record) setBytes(v []byte) Reject {
	if v[0] == '+' {
		v = v[1:]
	}
	n, ok := digits(v)
	if !ok {
		return BadBytes
	}
	rec.Bytes = uint64(n)
	return accepted
}
