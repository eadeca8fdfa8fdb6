package throng

import (
	"encoding"
	"fmt"
	"strings"
	"time"
)

// Day is a UTC calendar day, counted from 1 January 1970 (day 0).
type Day int32

const dayLayout = "2006-01-02"

// DayOf is the UTC day in which t lies.
func DayOf(t time.Time) Day { return DayOfUnix(t.Unix()) }

// DayOfUnix is the UTC day of a time in seconds since the Unix epoch.
func DayOfUnix(sec int64) Day {
	d := sec / 86400
	if sec%86400 < 0 {
		d--
	}
	return Day(d)
}

// ParseDay reads the form 2006-01-02.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayLayout, s)
	if err != nil {
		return 0, fmt.Errorf("parse day %q: want YYYY-MM-DD", s)
	}
	return DayOf(t), nil
}

// Start is midnight UTC at which the day begins.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// End is midnight UTC at which the day is over; it belongs to the next day.
func (d Day) End() time.Time { return (d + 1).Start() }

// String has the form 2006-01-02.
func (d Day) String() string { return d.Start().Format(dayLayout) }

// MarshalText implements [encoding.TextMarshaler].
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Day) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDay(string(b))
	return err
}

// Span is the time for which one epoch key is in force: days 1–8, 9–16, 17–24 or 25–end of a month
// (UTC). Spans nest in months and none is longer than 8 days. The value is the span's first day.
type Span Day

// SpanOf is the span in which day d lies.
func SpanOf(d Day) Span {
	dom := d.Start().Day()
	first := min((dom-1)/8*8+1, 25)
	return Span(d - Day(dom-first))
}

// First is the span's first day.
func (s Span) First() Day { return Day(s) }

// Last is the span's last day.
func (s Span) Last() Day {
	t := s.First().Start()
	if t.Day() < 25 {
		return s.First() + 7
	}
	return DayOf(time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)) - 1
}

// Next is the span that follows s.
func (s Span) Next() Span { return Span(s.Last() + 1) }

// String has the form 2006-01-02--2006-01-09 (an ISO 8601 interval, both days included).
func (s Span) String() string { return s.First().String() + "--" + s.Last().String() }

// PeriodKind tells what a release covers.
type PeriodKind uint8

// The kinds of period, shortest first.
const (
	DayPeriod PeriodKind = iota + 1
	SpanPeriod
	MonthPeriod
)

// Period is the time that a release covers: a day, a span or a month. The zero value is none.
type Period struct {
	kind  PeriodKind
	first Day
}

// Period is the period of one day.
func (d Day) Period() Period { return Period{DayPeriod, d} }

// Period is the period of one span.
func (s Span) Period() Period { return Period{SpanPeriod, s.First()} }

// MonthOf is the calendar month in which day d lies.
func MonthOf(d Day) Period { return Period{MonthPeriod, d - Day(d.Start().Day()-1)} }

// ParsePeriod reads what [Period.String] writes.
func ParsePeriod(s string) (Period, error) {
	if first, last, ok := strings.Cut(s, "--"); ok {
		d, err := ParseDay(first)
		if err == nil && SpanOf(d).String() == first+"--"+last {
			return Span(d).Period(), nil
		}
		return Period{}, fmt.Errorf("parse period %q: not a span (days 1–8, 9–16, 17–24, 25–end of a month)", s)
	}
	if t, err := time.Parse("2006-01", s); err == nil {
		return MonthOf(DayOf(t)), nil
	}
	d, err := ParseDay(s)
	if err != nil {
		return Period{}, fmt.Errorf("parse period %q: want YYYY-MM-DD, YYYY-MM or a span", s)
	}
	return d.Period(), nil
}

// Kind tells a day from a span and a month.
func (p Period) Kind() PeriodKind { return p.kind }

// First is the period's first day.
func (p Period) First() Day { return p.first }

// Last is the period's last day.
func (p Period) Last() Day {
	switch p.kind {
	case SpanPeriod:
		return Span(p.first).Last()
	case MonthPeriod:
		t := p.first.Start()
		return DayOf(time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)) - 1
	}
	return p.first
}

// String is 2006-01-02 for a day, 2006-01-01--2006-01-08 for a span, 2006-01 for a month.
func (p Period) String() string {
	switch p.kind {
	case SpanPeriod:
		return Span(p.first).String()
	case MonthPeriod:
		return p.first.Start().Format("2006-01")
	}
	return p.first.String()
}

// MarshalText implements [encoding.TextMarshaler].
func (p Period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Period) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePeriod(string(b))
	return err
}

var (
	_ encoding.TextUnmarshaler = (*Day)(nil)
	_ encoding.TextUnmarshaler = (*Period)(nil)
)
