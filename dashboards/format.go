package dashboards

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"throng"
)

// Typography of numbers: a narrow space that does not break between thousands and before a per cent
// sign, a true minus, an en dash between the ends of an interval.
const (
	thin   = "\u202f"
	minus  = "\u2212"
	enDash = "\u2013"
)

// count writes 12345 as 12 345.
func count(n int64) string {
	digits, sign := strconv.FormatInt(n, 10), ""
	if n < 0 {
		digits, sign = digits[1:], minus
	}
	head := (len(digits)-1)%3 + 1
	var b strings.Builder
	b.WriteString(sign + digits[:head])
	for i := head; i < len(digits); i += 3 {
		b.WriteString(thin + digits[i:i+3])
	}
	return b.String()
}

// percent writes a share of 1 with one decimal, or two below one per cent.
func percent(share float64) string {
	switch pc := 100 * share; {
	case pc > 0 && pc < 0.01:
		return "<" + thin + "0.01" + thin + "%"
	case pc < 1:
		return strconv.FormatFloat(pc, 'f', 2, 64) + thin + "%"
	default:
		return strconv.FormatFloat(pc, 'f', 1, 64) + thin + "%"
	}
}

// between writes the interval of an estimate, "47 997–48 405".
func between(e throng.Estimate) string { return count(e.Low) + enDash + count(e.High) }

// margin is half the width of a symmetric interval; ok is false for a truncated one, where ± would
// be wrong. Ends are rounded, so that the halves may differ by one.
func margin(e throng.Estimate) (half int64, ok bool) {
	below, above := e.Value-e.Low, e.High-e.Value
	return max(below, above), max(below-above, above-below) <= 1
}

// decimal writes x with up to three significant digits, as a power of ten where it is tiny.
func decimal(x float64) string {
	if x == 0 || math.Abs(x) >= 1e-3 {
		whole := int(math.Floor(math.Log10(max(math.Abs(x), 1))))
		return trimZeros(strconv.FormatFloat(x, 'f', max(0, 2-whole+leadingZeros(x)), 64))
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', 2, 64), "e")
	power, err := strconv.Atoi(exponent)
	if err != nil {
		panic("format number: " + err.Error()) // strconv wrote it
	}
	return trimZeros(mantissa) + thin + "×" + thin + "10" + superscript(power)
}

// leadingZeros counts the zeros between the point and the first other digit.
func leadingZeros(x float64) int {
	if x == 0 || math.Abs(x) >= 1 {
		return 0
	}
	return int(-math.Floor(math.Log10(math.Abs(x))))
}

func trimZeros(s string) string {
	if !strings.ContainsRune(s, '.') {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func superscript(n int) string {
	return strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵",
		"6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹").Replace(strconv.Itoa(n))
}

// duration writes whole days from three on, else hours, minutes or seconds.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 3*day && d%day == 0:
		return plural(int64(d/day), "day")
	case d >= time.Hour && d%time.Hour == 0:
		return plural(int64(d/time.Hour), "hour")
	case d >= time.Minute && d%time.Minute == 0:
		return plural(int64(d/time.Minute), "minute")
	case d%time.Second == 0:
		return plural(int64(d/time.Second), "second")
	}
	return d.String()
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// periodTitle writes a period as people say it.
func periodTitle(p throng.Period) string {
	first, last := p.First().Start(), p.Last().Start()
	switch p.Kind() {
	case throng.SpanPeriod:
		return fmt.Sprintf("%d%s%s", first.Day(), enDash, last.Format("2 January 2006"))
	case throng.MonthPeriod:
		return first.Format("January 2006")
	}
	return first.Format("Monday, 2 January 2006")
}

// namedPeriod writes a period as short as it stays clear beside others.
func namedPeriod(p throng.Period) string {
	if p.Kind() == throng.DayPeriod {
		return p.First().Start().Format("Mon 2 Jan 2006")
	}
	return periodTitle(p)
}
