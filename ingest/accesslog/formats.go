package accesslog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// preset is a named format: a layout, or keys of JSON objects.
type preset struct {
	name string
	// layout and optional are in the language of nginx's log_format.
	layout, optional string
	keys             []spellings
	// weigh says what a line that could be read tells about the format, for [Detect].
	weigh func(*recorder) evidence
}

const (
	common   = `$remote_addr $ident $remote_user [$time_local] "$request" $status $body_bytes_sent`
	combined = common + ` "$http_referer" "$http_user_agent"`
	signals  = ` "$http_dnt" "$http_sec_gpc"`
)

// presets are in the order in which Detect prefers them: the one that asks most of a line first.
var presets = []preset{
	{name: "json", keys: jsonKeys, weigh: always},
	{name: "combined_signals", layout: combined, optional: signals, weigh: weighSignals},
	{name: "vhost_combined", layout: `$host ` + combined, weigh: weighAddress},
	{name: "combined", layout: combined, weigh: always},
	{name: "common", layout: common, weigh: always},
}

// Formats are the names that [New] knows:
//
//   - common: the common log format (Apache's "%h %l %u %t \"%r\" %>s %b"), nothing after it
//   - combined: common, then "Referer" and "User-Agent"; nginx's default. More fields may follow
//   - combined_signals: combined, then "DNT" and "Sec-GPC" in quotes. Lines that end before these
//     (written before the format was changed) are read as without signal
//   - vhost_combined: the host, with or without port, then combined (Debian's Apache)
//   - json: one object a line, with keys as they are common among users of nginx and Caddy
func Formats() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	slices.Sort(names)
	return names
}

// New makes a parser for a named format (see [Formats]), or for the format that a string of nginx's
// log_format language describes, in which variables that mean no field of a [Record] are skipped.
func New(format string) (*Parser, error) {
	if strings.Contains(format, "$") {
		l, err := compileLayout(format, "")
		if err != nil {
			return nil, err
		}
		return newParser(format, l), nil
	}
	i := slices.IndexFunc(presets, func(p preset) bool { return p.name == format })
	if i < 0 {
		return nil, fmt.Errorf("make parser: no format has that name; there are %s", strings.Join(Formats(), ", "))
	}
	return presets[i].parser()
}

func (p *preset) parser() (*Parser, error) {
	if p.keys != nil {
		return newParser(p.name, newObject(p.keys)), nil
	}
	l, err := compileLayout(p.layout, p.optional)
	if err != nil {
		return nil, err
	}
	return newParser(p.name, l), nil
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
	for i := range presets {
		p, err := presets[i].parser()
		if err != nil {
			return "", err
		}
		if n := countRead(p, presets[i].weigh, lines); n > best {
			best, format = n, presets[i].name
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
