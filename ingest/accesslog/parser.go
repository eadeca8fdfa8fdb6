package accesslog

// MaxLine is the longest line that is read, in bytes without the line's end.
const MaxLine = 1 << 20

// Parser reads the lines of one format. It owns the scratch memory that records alias, at most the
// size of the lines that are read at a time: one Parser belongs to one goroutine.
type Parser struct {
	format   string
	reader   reader
	recorder *recorder
	trusted  int // proxies
}

func newParser(format string, r reader) *Parser {
	return &Parser{format: format, reader: r, recorder: &recorder{}}
}

// reader knows how the lines of a format are built.
type reader interface {
	// read gives the recorder each field of the line.
	read(line []byte, r *recorder) Reject
	// signals tells whether the format has fields for signals.
	signals() bool
}

// Parse reads one line, with or without its end ("\n" or "\r\n"), into rec, all of which it
// overwrites. The error is nil or a [Reject]; rec is then not to be used. Of these [Directive] is no
// refusal: the line tells of no request, and changes how those after it are read.
func (p *Parser) Parse(line []byte, rec *Record) error {
	p.recorder.scratch, p.recorder.cookies = p.recorder.scratch[:0], p.recorder.cookies[:0]
	return p.ParseNext(line, rec)
}

// ParseNext is like Parse, but the records that were read since the last call of Parse stay valid. The
// scratch memory grows meanwhile, by at most a few times the length of each line.
func (p *Parser) ParseNext(line []byte, rec *Record) error {
	line = withoutEnd(line)
	*rec = Record{}
	r := p.recorder
	r.rec, r.firstCookie, r.offset, r.timed, r.short = rec, len(r.cookies), 0, false, false
	r.expected, r.proxied, r.calendar.has, r.calendarAt = unused, false, 0, 0
	r.halves.dated, r.halves.clocked, r.sent, r.software = false, false, 0, ""
	if len(line) == 0 {
		return Empty
	}
	if len(line) > MaxLine {
		return r.fail(TooLong, MaxLine)
	}
	if reject := p.reader.read(line, r); reject != accepted {
		return reject
	}
	rec.resolve()
	if p.trusted > 0 {
		r.proxied = rec.trust(p.trusted)
	}
	return nil
}

// TrustProxies says how many proxies stand before the server that can be trusted, at least 0, the
// default: then the client's address is that of the connection. With n of them it is the n-th hop from
// the right of X-Forwarded-For, or of Forwarded (RFC 7239) in formats that have only that:
//
//   - Where the field has fewer hops, or is absent, the request did not come by all of the proxies, and
//     the client's address is that of the connection.
//   - Where that hop is no address ("unknown", an obfuscated identifier, a host name, junk), the
//     client's address is unknown.
//   - A hop may have a port, brackets and a zone id.
//
// One trusted proxy too many lets clients choose their address; one too few takes a proxy for the client.
func (p *Parser) TrustProxies(n int) { p.trusted = n }

func withoutEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line[:len(line):len(line)]
}

// RejectOffset is the offset, in the line last refused, of the byte at which reading failed: mostly
// the first of the value that could not be read.
func (p *Parser) RejectOffset() int { return p.recorder.offset }

// HasSignals tells whether the format has a field for DNT or Sec-GPC. A log that names its fields shows
// that as it goes: there it tells whether any line so far, or the last #Fields, had one of the names.
func (p *Parser) HasSignals() bool { return p.reader.signals() }

// Format is the name of the parser's format, or the log_format that it was made from.
func (p *Parser) Format() string { return p.format }

// String names the parser's format.
func (p Parser) String() string { return "parser of " + p.format }

// GoString is the same as String: a parser holds bytes of the line last read.
func (p Parser) GoString() string { return p.String() }
