package accesslog

import (
	"errors"
	"strings"
)

// Formats that leave something to be found out from the first lines; see [Resolve].
const (
	auto    = "auto"
	wrapped = "syslog"
)

// IsResolved tells whether a format says all that there is to know for [New].
func IsResolved(format string) bool { return format != auto && format != wrapped && format != "" }

// Resolve gives the format that [New] takes. For auto, and for an empty format, it finds the format out from the first lines of
// the log, and for syslog the one inside of the envelopes; any other is given as it is.
func Resolve(format string, lines [][]byte) (string, error) {
	switch format {
	case auto, "":
		return Detect(lines)
	case wrapped:
		return detectWrapped(lines)
	}
	return format, nil
}

var errUnknown = errors.New("detect format: no known format reads any of the first lines; name the format, " +
	"one of docs/formats.md or a log_format string, and see with throng parse --explain --format NAME where it fails")

// Detect names the format of a log from its first lines: the one that reads most of them, and of
// equals the one that asks most of a line. Lines in syslog's envelope are looked at where no format
// reads lines without one. It fails if none reads any.
//
// It knows only what the lines show. A log in whose first lines nothing stands where the signals
// would be is combined, whatever comes later, so a format is better configured than detected.
func Detect(lines [][]byte) (format string, err error) {
	format, err = detectBare(lines)
	if err != nil || format != "" {
		return format, err
	}
	return detectWrapped(lines)
}

// detectWrapped is Detect for lines that are all in syslog's envelope.
func detectWrapped(lines [][]byte) (format string, err error) {
	var inside [][]byte
	for _, line := range lines {
		if e, ok := openEnvelope(withoutEnd(line)); ok {
			inside = append(inside, line[e.payload:])
		}
	}
	format, err = detectBare(inside)
	if err != nil {
		return "", err
	}
	if format == "" || ReadsPreamble(format) {
		return "", errUnknown
	}
	return wrappedPrefix + format, nil
}

// detectBare gives "" where no format reads any of the lines.
func detectBare(lines [][]byte) (format string, err error) {
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
	return format, nil
}

// countRead is the number of lines that p reads; 0 if more of them are evidence against its format
// than for it. That a few are must not matter, since clients choose what they send.
func countRead(p *Parser, weigh func(*recorder) evidence, lines [][]byte) int {
	var rec Record
	count := [3]int{}
	for _, line := range lines {
		if err := p.Parse(line, &rec); err == nil || errors.Is(err, Directive) {
			count[weigh(p.recorder)]++
		}
	}
	if count[support] <= count[against] {
		return 0
	}
	return count[support] + count[neutral] + count[against]
}

// weighRequest: a line of a server whose keys are its own has an address and a target under them.
func weighRequest(r *recorder) evidence {
	if r.rec.RemoteHost != nil && (r.rec.Target != nil || r.rec.Status != 0) {
		return support
	}
	return against
}

// weighSoftware: the columns are those of one server.
func weighSoftware(name string) func(*recorder) evidence {
	return func(r *recorder) evidence {
		if r.software == name {
			return support
		}
		return against
	}
}

const wrappedPrefix = wrapped + ":"

// unwrapped is the format inside of syslog's envelope.
func unwrapped(format string) (inner string, ok bool) {
	return strings.CutPrefix(format, wrappedPrefix)
}
