package accesslog

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"
)

// FieldSpan says how one part of a line was read.
type FieldSpan struct {
	// Name is the field's name in NDJSON records; "request" for a whole request line, "unused" for a
	// value that means no field, "syslog" for a syslog message's envelope, "directive" for a line that
	// only says how others are to be read, "rejected" for where reading failed.
	Name       string
	Start, End int    // offsets in the line, half-open
	Note       string // how it was understood; it holds no text of the line
}

// span notes where a value was found, if somebody asked.
func (r *recorder) span(f field, start, end int) {
	if r.explain {
		r.spans = append(r.spans, FieldSpan{Name: f.String(), Start: start, End: end})
	}
}

// Explain reads a line and says, part by part, how. The error is that of [Parser.Parse]. For a refused
// line the last span begins where reading failed and goes to the line's end.
func (p *Parser) Explain(line []byte) ([]FieldSpan, error) {
	var rec Record
	r := p.recorder
	r.explain, r.spans = true, nil
	defer func() { r.explain, r.spans = false, nil }()
	err := p.Parse(line, &rec)
	spans := r.spans
	slices.SortStableFunc(spans, func(a, b FieldSpan) int { return cmp.Compare(a.Start, b.Start) })
	for i := range spans {
		s := &spans[i]
		s.Note = r.note(&rec, s.Name, line[s.Start:s.End])
	}
	if err != nil && !errors.Is(err, Directive) {
		spans = append(spans, FieldSpan{Name: "rejected", Start: r.offset, End: max(r.offset, len(withoutEnd(line))), Note: r.whyRejected(err)})
	}
	return spans, err
}

// whyRejected is the reason, and what was expected where it is known.
func (r *recorder) whyRejected(err error) string {
	if r.expected == unused {
		return ReasonOf(err)
	}
	return ReasonOf(err) + ", where " + r.expected.String() + " was expected"
}

// note says what became of a value. Spans of one field may be several; the record has what counted.
func (r *recorder) note(rec *Record, name string, v []byte) string {
	if isAbsent(v) {
		return "absent"
	}
	switch name {
	case "syslog":
		return "envelope of a syslog message"
	case "directive":
		return "says how the lines after it are read"
	case "unused":
		return "not used"
	case "remote_addr":
		if r.proxied {
			return "a proxy's; the client's is in forwarded_for"
		}
		return noteAddress(rec)
	case "forwarded_for":
		if r.proxied {
			return byteCount(v) + ", the client: " + noteAddress(rec)
		}
	case "time":
		if !r.timed { // refused before it was known
			return byteCount(v)
		}
		return time.Unix(rec.Time, 0).UTC().Format(time.RFC3339)
	case "request":
		return noteRequest(rec)
	case "status":
		return strconv.Itoa(int(rec.Status))
	case "bytes":
		return strconv.FormatUint(rec.Bytes, 10)
	case "dnt", "sec_gpc":
		return "signal field, " + byteCount(v)
	}
	return byteCount(v)
}

func noteAddress(rec *Record) string {
	switch a := rec.RemoteAddr; {
	case a.Is4():
		return "IPv4 address"
	case a.Is6():
		return "IPv6 address"
	}
	return "no address: it is used for nothing"
}

func noteRequest(rec *Record) string {
	switch {
	case rec.MethodText == nil:
		return "no HTTP request line; the line is kept without method and path"
	case rec.Path == nil:
		return rec.Method.String() + ", target without a path"
	case rec.Query != nil:
		return rec.Method.String() + ", path of " + byteCount(rec.Path) + ", query of " + byteCount(rec.Query)
	}
	return rec.Method.String() + ", path of " + byteCount(rec.Path)
}

func byteCount(v []byte) string { return strconv.Itoa(len(v)) + " bytes" }
