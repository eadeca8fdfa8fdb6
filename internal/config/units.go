package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time, written as Go does (36h, 1m30s) or in whole days (10d).
type Duration time.Duration

const day = 24 * time.Hour

// Std is the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes whole days from two days on as 10d, and all else as 36h, 1m30s.
func (d Duration) String() string {
	if t := d.Std(); t%day == 0 && t > 2*day {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	s := d.Std().String()
	if trimmed, ok := strings.CutSuffix(s, "m0s"); ok {
		s = trimmed + "m"
	}
	if trimmed, ok := strings.CutSuffix(s, "h0m"); ok {
		s = trimmed + "h"
	}
	return s
}

// MarshalText writes what [Duration.UnmarshalText] reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText refuses negative durations and numbers without a unit.
func (d *Duration) UnmarshalText(b []byte) error {
	s := string(b)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 10d, 36h or 30s", s)
		}
		*d = Duration(time.Duration(n) * day)
		return nil
	}
	t, err := time.ParseDuration(s)
	if err != nil || t < 0 || s == "0" {
		return fmt.Errorf("%q is not a duration such as 10d, 36h or 30s", s)
	}
	*d = Duration(t)
	return nil
}

// Size is a number of bytes, written with a binary unit (900KiB, 12MiB, 1GiB) or as a plain number.
type Size int64

var sizeUnits = []struct {
	name  string
	shift uint
}{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}, {"B", 0}}

// String uses the largest unit that divides the size.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%(1<<u.shift) == 0 {
			return strconv.FormatInt(int64(s)>>u.shift, 10) + u.name
		}
	}
	return "0B"
}

// MarshalText writes what [Size.UnmarshalText] reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText refuses decimal units (MB), which people mean in two ways.
func (s *Size) UnmarshalText(b []byte) error {
	text, shift := string(b), uint(0)
	for _, u := range sizeUnits {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			text, shift = strings.TrimSpace(number), u.shift
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n > math.MaxInt64>>shift {
		return fmt.Errorf("%q is not a size such as 900KiB, 12MiB or 1GiB", b)
	}
	*s = Size(n << shift)
	return nil
}
