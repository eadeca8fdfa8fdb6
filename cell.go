package throng

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Other is the last segment of a group: the cell that holds what could not be published by itself.
const Other = "*other*"

// IsOther tells whether a key is a group: prefix/*other* of paths, *other* of any other table.
func IsOther(key string) bool { return key == Other || strings.HasSuffix(key, "/"+Other) }

// Estimate is a published number: a noisy count with its 95 % interval. Low and High bound the
// bounded count (after each device's contribution was cut to L0 and Linf), not the raw one.
type Estimate struct {
	Value int64 `json:"value"`
	Low   int64 `json:"low"`
	High  int64 `json:"high"`
}

// Reason says why a number is missing. It is a function of the draws alone: "under k" and "not above
// the noisy threshold" are one reason.
type Reason string

// The reasons for which a number is missing.
const (
	// BelowGate: fewer than k devices, or not enough more to pass the noisy gate.
	BelowGate Reason = "below_gate"
	// NotDrawn: this release does not draw this column.
	NotDrawn Reason = "not_drawn"
	// NotSummed: device counts of several periods do not add up.
	NotSummed Reason = "not_summed"
	// Crossing: together with another table of the period, this one would bound a group of fewer than k.
	Crossing Reason = "crossing"
)

// Measure is a number that was published, or the reason why it was not; never both. The zero value
// is neither and cannot be marshalled.
type Measure struct {
	estimate Estimate
	reason   Reason
	set      bool
}

// Published is a measure with a number.
func Published(e Estimate) Measure { return Measure{estimate: e, set: true} }

// Blank is a measure without a number.
func Blank(r Reason) Measure { return Measure{reason: r, set: true} }

// Estimate is the number; ok is false when there is none.
func (m Measure) Estimate() (e Estimate, ok bool) { return m.estimate, m.set && m.reason == "" }

// Reason is why there is no number; "" when there is one.
func (m Measure) Reason() Reason { return m.reason }

// MarshalJSON writes {"value":…,"low":…,"high":…} or {"reason":…}.
func (m Measure) MarshalJSON() ([]byte, error) {
	switch {
	case !m.set:
		return nil, errors.New("marshal measure: neither a number nor a reason")
	case m.reason != "":
		return json.Marshal(struct {
			Reason Reason `json:"reason"`
		}{m.reason})
	}
	return json.Marshal(m.estimate)
}

// UnmarshalJSON reads what MarshalJSON writes and refuses everything else.
func (m *Measure) UnmarshalJSON(b []byte) error {
	if e, ok := plainEstimate(b); ok { // a month has some hundred thousand of them
		*m = Published(e)
		return nil
	}
	var v struct {
		Value, Low, High *int64
		Reason           *Reason
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("read measure: %w", err)
	}
	switch {
	case v.Reason != nil && *v.Reason != "" && v.Value == nil && v.Low == nil && v.High == nil:
		*m = Blank(*v.Reason)
	case v.Reason == nil && v.Value != nil && v.Low != nil && v.High != nil:
		*m = Published(Estimate{*v.Value, *v.Low, *v.High})
	default:
		return errors.New("read measure: want a value with its interval, or a reason")
	}
	return nil
}

// plainEstimate reads an estimate as MarshalJSON writes it, with any white space; ok is false for all else.
func plainEstimate(b []byte) (e Estimate, ok bool) {
	for _, part := range []struct {
		mark, name string
		to         *int64
	}{{"{", `"value"`, &e.Value}, {",", `"low"`, &e.Low}, {",", `"high"`, &e.High}} {
		if b, ok = pass(b, part.mark, part.name, ":"); !ok {
			return Estimate{}, false
		}
		if *part.to, b, ok = plainInteger(b); !ok {
			return Estimate{}, false
		}
	}
	b, ok = pass(b, "}")
	return e, ok && len(b) == 0
}

// plainInteger reads a whole number off the front of b; JSON allows no zero before other digits.
func plainInteger(b []byte) (v int64, rest []byte, ok bool) {
	n := 0
	for n < len(b) && (b[n] == '-' || '0' <= b[n] && b[n] <= '9') {
		n++
	}
	if digits := bytes.TrimPrefix(b[:n], []byte("-")); len(digits) > 1 && digits[0] == '0' {
		return 0, nil, false
	}
	v, err := strconv.ParseInt(string(b[:n]), 10, 64)
	return v, b[n:], err == nil
}

// pass takes tokens off the front of b, and the white space around them.
func pass(b []byte, tokens ...string) (rest []byte, ok bool) {
	const space = " \t\r\n"
	b = bytes.TrimLeft(b, space)
	for _, t := range tokens {
		if len(b) < len(t) || string(b[:len(t)]) != t {
			return nil, false
		}
		b = bytes.TrimLeft(b[len(t):], space)
	}
	return b, true
}

// Sum adds estimates whose noise is independent: variances add, so that the half width of the sum's
// interval is the root of the summed squares of the half widths. The zero value is the sum of none.
type Sum struct {
	value   int64
	squares float64
}

// Add takes an estimate into the sum.
func (s *Sum) Add(e Estimate) {
	half := float64(e.High - e.Value) // the lower end can be cut at zero
	s.value += e.Value
	s.squares += half * half
}

// Estimate is the sum so far.
func (s *Sum) Estimate() Estimate {
	half := int64(math.Ceil(math.Sqrt(s.squares)))
	return Estimate{Value: s.value, Low: s.value - half, High: s.value + half}
}

// SumOf is the [Sum] of parts.
func SumOf(parts []Estimate) Estimate {
	var s Sum
	for _, e := range parts {
		s.Add(e)
	}
	return s.Estimate()
}
