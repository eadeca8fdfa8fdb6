package accesslog

import (
	"errors"
	"slices"
)

// MaxLine is the longest line that is read, in bytes without the line's end.
const MaxLine = 1 << 20

// Parser reads the lines of one format. It owns the scratch memory that records alias: one Parser
// belongs to one goroutine.
type Parser struct {
	format string
	offset int
}

var formats = []string{"common", "combined", "combined_signals", "vhost_combined", "json"}

// New makes a parser for a named format; see [Formats].
func New(format string) (*Parser, error) {
	if !slices.Contains(formats, format) {
		return nil, errors.New("make parser: unknown format")
	}
	return &Parser{format: format}, nil
}

// Formats are the names that [New] knows.
func Formats() []string { return slices.Clone(formats) }

// Parse reads one line, with or without its end, into rec, all of which it overwrites. The error is
// nil or a [Reject]; rec is then not to be used.
func (p *Parser) Parse(line []byte, rec *Record) error {
	*rec = Record{}
	return NotAnAccessLog
}

// RejectOffset is the offset, in the line last refused, of the byte at which reading failed.
func (p *Parser) RejectOffset() int { return p.offset }

// HasSignals tells whether the format has a field for DNT or Sec-GPC.
func (p *Parser) HasSignals() bool { return p.format == "combined_signals" }

// Format is the name of the parser's format.
func (p *Parser) Format() string { return p.format }

// Detect names the format of a log from its first lines.
func Detect(lines [][]byte) (format string, err error) {
	return "", errors.New("detect format: none fits")
}

// FieldSpan says how one part of a line was read.
type FieldSpan struct {
	Name       string // the field's name in NDJSON, or what the part is
	Start, End int    // offsets in the line, half-open
	Note       string // how it was understood; it holds no text of the line
}

// Explain reads a line and says, part by part, how. For a refused line the error is its [Reject] and
// the last span is where reading failed.
func (p *Parser) Explain(line []byte) ([]FieldSpan, error) { return nil, NotAnAccessLog }

// AppendNDJSON appends the record as one JSON object and a newline.
func AppendNDJSON(dst []byte, rec *Record) []byte { return dst }
