package accesslog

import (
	"math"
	"strconv"
)

// Duration is how long something took, as a server wrote it. It is a number only when it is asked for, which
// for most lines nobody does.
type Duration struct {
	text      []byte
	perSecond float64 // how many of its unit a second has
	whole     bool    // the number has no point
}

// Seconds is the duration in seconds, at least 0; ok is false where the line had none, or no number.
func (d Duration) Seconds() (seconds float64, ok bool) {
	if !d.whole {
		seconds, ok = parseSeconds(d.text)
		return seconds / max(d.perSecond, 1), ok
	}
	v := d.text
	if v[0] == '+' { // HAProxy's, of a request that was not over yet
		v = v[1:]
	}
	n, ok := digits(v)
	return float64(n) / d.perSecond, ok
}

// parseSeconds reads a number such as 0.003.
func parseSeconds(v []byte) (sec float64, ok bool) {
	if len(v) == 0 || len(v) > 32 {
		return 0, false
	}
	if sec, ok = parseDecimal(v); ok {
		return sec, sec <= math.MaxInt32
	}
	sec, err := strconv.ParseFloat(string(v), 64)
	if err != nil || !(sec >= 0 && sec <= math.MaxInt32) {
		return 0, false
	}
	return sec, true
}

// parseDecimal reads up to 15 digits and perhaps a point. Both the digits and the power of ten are exact as
// a float64, so their quotient is the nearest one to the number, as strconv has it.
func parseDecimal(v []byte) (f float64, ok bool) {
	n, point := uint64(0), -1
	for i, c := range v {
		switch {
		case c-'0' <= 9:
			n = n*10 + uint64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	if point < 0 {
		return float64(n), len(v) > 0 && len(v) <= 15
	}
	return float64(n) / math.Pow10(len(v)-point-1), len(v) > 1 && len(v) <= 16
}
