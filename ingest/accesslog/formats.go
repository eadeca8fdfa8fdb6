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
	// log_format or Apache's LogFormat; keys are the names of fields, for the reader that keyed makes;
	// open makes a reader of another kind.
	layout, optional string
	escaping         escaping
	keys             []spellings
	keyed            func(own []key, usual []spellings) reader
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
//
// Behind the name of a format that tells fields apart by name may stand its [Keys]. "#Fields: NAME…",
// the directive of a W3C log, is the format of the lines behind that directive. syslog:FORMAT is
// FORMAT in the envelope of a syslog message.
func New(format string) (*Parser, error) {
	r, err := open(format)
	if err != nil {
		return nil, err
	}
	return newParser(format, r), nil
}

func open(format string) (reader, error) {
	if inner, ok := unwrapped(format); ok {
		return openWrapped(inner)
	}
	if fixed, ok := strings.CutPrefix(format, "#Fields:"); ok {
		return newW3C(nil, w3cColumns, "", fixed), nil
	}
	name, pairs, _ := strings.Cut(format, " ")
	for _, p := range presets() {
		if p.Name == name && !strings.ContainsAny(pairs, "$%") {
			return p.reader(pairs)
		}
	}
	if isLogFormat(format) {
		return openLayout(format)
	}
	return nil, fmt.Errorf("make parser: no format has that name; there are %s, and the formats of nginx's log_format and Apache's LogFormat", strings.Join(Formats(), ", "))
}

// openLayout keeps a nil *layout from becoming a reader.
func openLayout(format string) (reader, error) {
	l, err := compileLayout(format, "")
	if err != nil {
		return nil, err
	}
	return l, nil
}

func openWrapped(inner string) (reader, error) {
	r, err := open(inner)
	if err != nil {
		return nil, fmt.Errorf("in syslog: %w", err)
	}
	switch r.(type) {
	case *w3c:
		return nil, errors.New("make parser: a W3C log says its fields in lines of its own, which syslog does not keep in order; send it as a file")
	case syslog:
		return nil, errors.New("make parser: syslog in syslog; name what is inside of both once")
	}
	return syslog{r}, nil
}

func (p *Preset) parser() (*Parser, error) {
	r, err := p.reader("")
	if err != nil {
		return nil, err
	}
	return newParser(p.Name, r), nil
}

// reader makes the format's reader, with configured keys.
func (p *Preset) reader(pairs string) (reader, error) {
	switch {
	case p.keys != nil:
		own, rest, err := configure(p.keys, pairs)
		if err != nil {
			return nil, err
		}
		return p.keyed(own, rest), nil
	case pairs != "":
		return nil, errors.New("make parser: the format tells its fields apart by place; only those by name, such as json, ltsv and w3c, take keys")
	case p.open != nil:
		return p.open()
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
	if _, ok := r.rec.RequestTime.Seconds(); ok {
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
