package accesslog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Preset is a named format and what there is to say about it. docs/formats.md is made of these.
type Preset struct {
	Name  string // as [New] takes it: lower case, digits and underscores
	Title string // what the format is, as a heading
	// Snippets are the servers' configurations that write it.
	Snippets []Snippet
	Notes    string // what a user should know besides; paragraphs of Markdown

	// One of these says how lines are read. layout and optional are in the language of nginx's
	// log_format or Apache's LogFormat; keys are those of JSON objects; open makes a reader of another kind.
	layout, optional string
	escaping         escaping
	keys             []spellings
	open             func() (reader, error)
	// weigh says what a line that could be read tells about the format, for [Detect]. It is nil for a
	// format that is never detected.
	weigh func(*recorder) evidence
}

// Snippet is the configuration that makes a server write a format.
type Snippet struct {
	Server   string // such as nginx
	Language string // of the text, as Markdown's fences name it
	Text     string // without a newline at its end
}

// presets are in the order in which Detect prefers them: the one that asks most of a line first.
func presets() []Preset { return slices.Concat(structuredPresets(), textPresets()) }

// Presets are the named formats, by name.
func Presets() []Preset {
	all := presets()
	slices.SortFunc(all, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Formats are the names of the formats that [New] knows, sorted.
func Formats() []string {
	var names []string
	for _, p := range Presets() {
		names = append(names, p.Name)
	}
	return names
}

// New makes a parser for a named format (see [Formats]), or for a format in the language of nginx's
// log_format or Apache's LogFormat: bare, after "escape=json " (default, none), or the whole directive
// as it stands in the server's configuration. Variables that mean no field of a [Record] are skipped.
// The error tells the column at which a format is wrong.
func New(format string) (*Parser, error) {
	if isLogFormat(format) {
		l, err := compileLayout(format, "")
		if err != nil {
			return nil, err
		}
		return newParser(format, l), nil
	}
	for _, p := range presets() {
		if p.Name == format {
			return p.parser()
		}
	}
	return nil, fmt.Errorf("make parser: no format has that name; there are %s", strings.Join(Formats(), ", "))
}

func (p *Preset) parser() (*Parser, error) {
	r, err := p.reader()
	if err != nil {
		return nil, err
	}
	return newParser(p.Name, r), nil
}

func (p *Preset) reader() (reader, error) {
	switch {
	case p.open != nil:
		return p.open()
	case p.keys != nil:
		return newObject(p.keys), nil
	}
	l, err := compileLayout(p.layout, p.optional)
	if err != nil {
		return nil, err
	}
	l.escaping = p.escaping
	return l, nil
}

// evidence is what a line that a format can read tells about whether it is in that format.
type evidence uint8

const (
	against evidence = iota
	neutral
	support
)

func always(*recorder) evidence { return support }

// weighAddress: what stands where the client's address is expected must be one, or else every
// combined line with a blank in its account would do.
func weighAddress(r *recorder) evidence {
	if r.rec.RemoteAddr.IsValid() {
		return support
	}
	return against
}

// weighRequestTime: a combined line with more behind it is another format where no duration is.
func weighRequestTime(r *recorder) evidence {
	if r.rec.HasRequestTime {
		return support
	}
	return against
}

// weighSignals: two more quoted fields can be anything, such as X-Forwarded-For; signals are 0, 1 or
// absent. A line without the two fields tells nothing.
func weighSignals(r *recorder) evidence {
	switch {
	case r.short:
		return neutral
	case isSignal(r.rec.DNT.Value) && isSignal(r.rec.GPC.Value):
		return support
	}
	return against
}

func isSignal(v []byte) bool { return len(v) == 0 || len(v) == 1 && (v[0] == '0' || v[0] == '1') }

// Detect names the format of a log from its first lines: the one that reads most of them, and of
// equals the one that asks most of a line. It fails if none reads any.
//
// It knows only what the lines show. A log in whose first lines nothing stands where the signals
// would be is combined, whatever comes later, so a format is better configured than detected.
func Detect(lines [][]byte) (format string, err error) {
	best := 0
	for _, preset := range presets() {
		if preset.weigh == nil {
			continue
		}
		p, err := preset.parser()
		if err != nil {
			return "", err
		}
		if n := countRead(p, preset.weigh, lines); n > best {
			best, format = n, preset.Name
		}
	}
	if best == 0 {
		return "", errors.New("detect format: no known format reads any of the first lines")
	}
	return format, nil
}

// countRead is the number of lines that p reads; 0 if more of them are evidence against its format
// than for it. That a few are must not matter, since clients choose what they send.
func countRead(p *Parser, weigh func(*recorder) evidence, lines [][]byte) int {
	var rec Record
	count := [3]int{}
	for _, line := range lines {
		if p.Parse(line, &rec) == nil {
			count[weigh(p.recorder)]++
		}
	}
	if count[support] <= count[against] {
		return 0
	}
	return count[support] + count[neutral] + count[against]
}
