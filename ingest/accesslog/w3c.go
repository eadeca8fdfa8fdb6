package accesslog

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
)

// w3c is the W3C extended log file format (https://www.w3.org/TR/WD-logfile.html) as IIS and CloudFront
// write it: values in the order that the last #Fields line said. Lines that begin with "#" are
// directives.
//
// CloudFront puts tabs between values and encodes them like URLs; IIS puts blanks between them and "+"
// where a value has a blank. A value in quotation marks has its end there, and "" is one of them.
type w3c struct {
	keyTable
	columns []*key // nil is one that means no field
	used    int    // the number of columns up to the last that means one
	day     int64  // of the last #Date, where no column says the date
	dayless bool   // day is not known
	signal  bool   // a column has a signal
	assumed bool   // no #Fields was read yet: the columns are those that the server, which is known, has by default
	// software is the server that the directives tell of: iis, cloudfront or, for any other, w3c. It
	// is "" before the first #Fields, and decides nothing but what Detect finds.
	software string
	// server writes the log; fixed are its fields before the first #Fields. Both may be "".
	server, fixed string
}

// maxDirective is the longest directive that is read; what is longer is passed over.
const maxDirective = 16 << 10

// w3cColumns are the identifiers of the specification, of IIS and of CloudFront, in lower case.
var w3cColumns = []spellings{
	{remoteAddr, "c-ip"},
	{forwardedFor, "x-forwarded-for cs(x-forwarded-for) x_forwarded_for"},
	{remoteUser, "cs-username cs-userdn"},
	{timestamp, "timestamp(ms) timestamp"},
	{datePart, "date"},
	{clockPart, "time"},
	{method, "cs-method"},
	{target, "cs-uri-stem cs-uri"},
	{query, "cs-uri-query"},
	{protocol, "cs-protocol-version cs-version"},
	{status, "sc-status"},
	{size, "sc-bytes bytes"},
	{referer, "cs(referer) cs(referrer)"},
	{userAgent, "cs(user-agent)"},
	{host, "x-host-header cs-host cs(host)"},
	{requestTime, "time-taken"},
	{dnt, "cs(dnt) dnt"},
	{gpc, "cs(sec-gpc) sec-gpc"},
	{cookie, "cs(cookie)"},
	{consent, "sc(tk)"},
}

// Servers, and the fields that they write unless they are told otherwise.
const (
	iis        = "iis"
	cloudFront = "cloudfront"

	iisFields = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) " +
		"sc-status sc-substatus sc-win32-status time-taken"
	cloudFrontFields = "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) " +
		"cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for " +
		"ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port " +
		"time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)

func newW3C(own []key, usual []spellings, server, fixed string) reader {
	for i := range own {
		own[i].path = strings.ToLower(own[i].path)
	}
	w := &w3c{keyTable: newKeyTable(own, usual), server: server, fixed: fixed}
	w.restart()
	return w
}

// w3cOf makes a reader for the lines of one server.
func w3cOf(server, fixed string) func([]key, []spellings) reader {
	return func(own []key, usual []spellings) reader { return newW3C(own, usual, server, fixed) }
}

// restart forgets the directives.
func (w *w3c) restart() {
	w.columns, w.dayless, w.signal = nil, true, false
	if w.fixed != "" {
		w.setFields([]byte(w.fixed))
	}
	w.software, w.assumed = "", w.fixed != "" && w.server != ""
}

func (w *w3c) signals() bool { return w.signal }

// directiveName is the name of the directive in lower case; "" where the line is none that counts.
func directiveName(line []byte) string {
	name, _, ok := bytes.Cut(line, []byte{':'})
	if !ok || len(line) > maxDirective || line[0] != '#' {
		return ""
	}
	return strings.ToLower(string(bytes.TrimSpace(name[1:])))
}

// directive reads a line that begins with "#".
func (w *w3c) directive(line []byte) {
	value := bytes.TrimSpace(line[bytes.IndexByte(line, ':')+1:])
	switch directiveName(line) {
	case "fields":
		w.setFields(value)
		w.assumed = false
	case "date":
		day, ok := parseDate(value[:min(len(value), len("2006-01-02"))])
		w.day, w.dayless = day, !ok
	}
}

// setFields takes the names of the columns.
func (w *w3c) setFields(names []byte) {
	w.columns, w.used, w.signal = w.columns[:0], 0, false
	server := "w3c"
	for _, name := range bytes.Fields(bytes.ToLower(names)) {
		k := w.find(w.top.level, name).key
		w.columns = append(w.columns, k)
		if k != nil {
			w.used = len(w.columns)
		}
		switch {
		case k != nil && (k.field == dnt || k.field == gpc):
			w.signal = true
		case string(name) == "sc-win32-status" || string(name) == "s-sitename":
			server = iis
		case string(name) == "x-edge-location":
			server = cloudFront
		}
	}
	if server == iis || w.server == iis {
		w.inMillis()
	}
	if server != "w3c" || w.software == "" {
		w.software = server
	}
}

// inMillis says that the column of the request's duration is in milliseconds, as only IIS has it.
func (w *w3c) inMillis() {
	for i, k := range w.columns {
		if k != nil && k.field == requestTime {
			in := *k
			in.form = millis
			w.columns[i] = &in
		}
	}
}

// read walks over the values of one line.
func (w *w3c) read(line []byte, r *recorder) Reject {
	r.software = w.software
	if line[0] == '#' {
		w.directive(line)
		r.software = w.software
		r.span(directiveSpan, 0, len(line))
		return r.fail(Directive, 0)
	}
	if len(w.columns) == 0 {
		return r.fail(NoFields, 0)
	}
	if !w.dayless {
		r.halves.day, r.halves.dated = w.day, true
	}
	g := gather{r: r}
	v := values{line: line, separator: ' '}
	if bytes.IndexByte(line, '\t') >= 0 {
		v.separator = '\t'
	}
	r.reserve(3 * len(line)) // for values that are decoded twice, or that have quotation marks
	first := 0
	if !r.explain && bytes.IndexByte(line, '"') < 0 {
		if first = w.readPlain(&g, &v); first == w.used && v.skip(len(w.columns)-w.used) {
			return w.outcome(&g)
		}
	}
	for _, k := range w.columns[first:] {
		if !v.next() {
			if k != nil {
				r.expected = k.field
			}
			return r.fail(whyNoValue(&g, Incomplete), v.pos)
		}
		if k == nil {
			r.span(unused, v.start, v.end)
		} else {
			g.take(k, v.decoded(&g, k.field), v.start, v.end)
		}
	}
	if v.pos < len(line) {
		return r.fail(whyNoValue(&g, TrailingText), v.pos)
	}
	return w.outcome(&g)
}

// outcome is what becomes of a line. One that is read by assumed columns must have an address where they have the
// client's: as many columns in another order would else count under each other's names.
func (w *w3c) outcome(g *gather) Reject {
	if w.assumed && !g.r.rec.RemoteAddr.IsValid() {
		return g.r.fail(NoFields, 0)
	}
	return g.outcome()
}

// readPlain reads the first values of a line without quotation marks, up to the last one that means a field, and
// tells how many; fewer if there is one that is not of the usual kind. It looks for separators in words that do not
// depend on where the last one was, so that the processor need not wait for that.
func (w *w3c) readPlain(g *gather, v *values) (read int) {
	line, at, ends := v.line, -8, uint64(0) // ends has a bit for each separator in the word at
	for i, k := range w.columns[:w.used] {
		for ends == 0 {
			if at += 8; at > v.pos+16 { // a long value
				n := bytes.IndexByte(line[at:], v.separator)
				if n < 0 {
					return i
				}
				at += n
			}
			if len(line)-at < 8 {
				return i
			}
			ends = allInWord(binary.LittleEndian.Uint64(line[at:]), v.separator)
		}
		start, end := v.pos, at+bits.TrailingZeros64(ends)/8
		ends &= ends - 1
		if start == end && v.separator == ' ' {
			return i
		}
		if k != nil && !isAbsent(line[start:end]) {
			v.start, v.end = start, end
			g.take(k, v.decoded(g, k.field), start, end)
		}
		v.pos = end + 1
	}
	return w.used
}

// whyNoValue gives the reason why a line has too few or too many values. Until the time is read,
// nothing shows that it is one of an access log at all.
func whyNoValue(g *gather, reason Reject) Reject {
	if g.r.timed || g.r.halves.clocked {
		return reason
	}
	return NotAnAccessLog
}

// values walks over the values of one line.
type values struct {
	line       []byte
	separator  byte
	pos        int // of the next value
	start, end int // of the last one, without its quotation marks
	quoted     bool
}

// next goes to the next value; ok is false where there is none, or where its quotation mark has no
// end. Blanks between values may be several.
func (v *values) next() (ok bool) {
	for v.separator == ' ' && v.pos < len(v.line) && v.line[v.pos] == ' ' {
		v.pos++
	}
	if v.pos >= len(v.line) {
		return false
	}
	rest := v.line[v.pos:]
	if v.quoted = rest[0] == '"'; v.quoted {
		n := closingQuotes(rest[1:], v.separator)
		if n < 0 {
			return false
		}
		v.start, v.end = v.pos+1, v.pos+1+n
		v.pos = min(v.end+2, len(v.line))
		return true
	}
	n := indexNear(rest, v.separator)
	if n < 0 {
		n = len(rest)
	}
	v.start, v.end = v.pos, v.pos+n
	v.pos = min(v.end+1, len(v.line))
	return true
}

// skip passes over the last values of a line without quotation marks, if that has as many and counting their
// separators shows so. Else they have to be walked over.
func (v *values) skip(count int) bool {
	rest := v.line[v.pos:]
	if v.separator == ' ' || len(rest) == 0 || count == 0 {
		return false
	}
	rest = bytes.TrimSuffix(rest, tab)
	if bytes.Count(rest, tab) != count-1 {
		return false
	}
	v.pos = len(v.line)
	return true
}

var tab = []byte{'\t'}

// closingQuotes finds the quotation mark that is not doubled and has a separator, or nothing, after
// it.
func closingQuotes(b []byte, separator byte) int {
	for i := 0; i < len(b); i++ {
		if b[i] != '"' {
			continue
		}
		if i+1 == len(b) || b[i+1] == separator {
			return i
		}
		if b[i+1] == '"' {
			i++
		}
	}
	return -1
}

// decoded is the last value as the client sent it; of a user agent, which most often is known, as it was written.
func (v *values) decoded(g *gather, f field) []byte {
	b := v.line[v.start:v.end]
	g.encoding = Plain
	switch {
	case v.quoted:
		return g.r.undoubled(b)
	case v.separator == '\t' && f == userAgent:
		g.encoding = PercentEncoded
	case f == userAgent:
		g.encoding = PlusForBlank
	case v.separator == '\t' && (f == referer || f == forwardedFor || f == cookie):
		return g.r.percentDecoded(b)
	case v.separator == ' ' && (f == forwardedFor || f == remoteUser || f == cookie):
		return g.r.plusDecoded(b)
	}
	return b
}

// undoubled gives b with one quotation mark for two.
func (r *recorder) undoubled(b []byte) []byte {
	if !bytes.Contains(b, []byte(`""`)) {
		return b
	}
	start := len(r.scratch)
	for i := 0; i < len(b); i++ {
		r.scratch = append(r.scratch, b[i])
		if b[i] == '"' && i+1 < len(b) && b[i+1] == '"' {
			i++
		}
	}
	return r.scratch[start:len(r.scratch):len(r.scratch)]
}
