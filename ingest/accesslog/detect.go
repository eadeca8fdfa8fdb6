package accesslog

import (
	"errors"
	"slices"
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

// Detect names the format of a log from its first lines: of those that read more than half as many as
// the one that reads most, the one that asks most of a line. It fails if none reads any.
//
// It knows only what the lines show. A log in whose first lines nothing stands where the signals
// would be is combined, whatever comes later, so a format is better configured than detected.
func Detect(lines [][]byte) (format string, err error) {
	bare, n, err := detectBare(lines)
	if err != nil {
		return "", err
	}
	// Formats that take anything for an account or a host name read lines in an envelope too.
	inner, inside, err := detectInside(lines)
	if err != nil {
		return "", err
	}
	if 2*inside > n {
		return wrappedPrefix + inner, nil
	}
	if n == 0 {
		return "", errUnknown
	}
	return bare, nil
}

// detectWrapped is Detect for lines that are all in syslog's envelope.
func detectWrapped(lines [][]byte) (format string, err error) {
	inner, n, err := detectInside(lines)
	if err == nil && n == 0 {
		err = errUnknown
	}
	if err != nil {
		return "", err
	}
	return wrappedPrefix + inner, nil
}

// detectInside finds the format of what is in syslog's envelopes, and how many lines it reads.
func detectInside(lines [][]byte) (format string, n int, err error) {
	var inside [][]byte
	for _, line := range lines {
		if e, ok := openEnvelope(withoutEnd(line), false); ok {
			inside = append(inside, line[e.payload:])
		}
	}
	format, n, err = detectBare(inside)
	if err != nil || ReadsPreamble(format) {
		return "", 0, err
	}
	return format, n, nil
}

// detectBare finds the format of lines in no envelope, and how many of them it reads. Clients choose
// what they send, and a few odd lines must not make a log pass for one of a format that takes more.
func detectBare(lines [][]byte) (format string, n int, err error) {
	all := presets()
	counts := make([]int, len(all))
	for i, preset := range all {
		if preset.weigh == nil {
			continue
		}
		p, err := preset.parser()
		if err != nil {
			return "", 0, err
		}
		counts[i] = countRead(p, preset.weigh, lines)
	}
	most := slices.Max(counts)
	i := slices.IndexFunc(counts, func(n int) bool { return 2*n > most })
	if i < 0 {
		return "", 0, nil
	}
	return all[i].Name, counts[i], nil
}

// countRead is the number of lines that p reads; 0 if more of them are evidence against its format
// than for it. That a few are must not matter, since clients choose what they send.
func countRead(p *Parser, weigh func(*recorder) evidence, lines [][]byte) int {
	var rec Record
	count := [3]int{}
	for _, line := range lines {
		err := p.Parse(line, &rec)
		if err == nil || errors.Is(err, Directive) && p.recorder.software != "" {
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

// weighSoftware: the directives tell of one server, or there are none and the line has its usual fields.
func weighSoftware(name string) func(*recorder) evidence {
	return func(r *recorder) evidence {
		if r.software == name || r.software == "" && r.rec.RemoteAddr.IsValid() {
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
