package retention

import (
	"fmt"
	"time"

	"throng"
)

// Ceilings of the classes (method, sections 3 and 5). A configuration can only be stricter.
const (
	MaxEvents      = 10 * day       // opted_out and standard, from the event
	MaxFoldedUnits = 10 * day       // from the event
	MaxOpenUnits   = 48 * time.Hour // from the end of the day
	MaxEventsTopic = 48 * time.Hour // from the end of the day

	day = 24 * time.Hour
)

// Limits say how long each class is kept.
type Limits struct {
	// OptedOut and Standard are the greatest ages of an event. The limit of a day's partition counts from the
	// day's start, so that its first event is in time as well. More than 24 h + Lead, so that no day is
	// deleted that is still being written. Default to [MaxEvents], which is the ceiling.
	OptedOut, Standard time.Duration
	// OpenUnits is how long a day's unit tokens may be kept after the day has ended; they go as soon as
	// the day is closed. More than Lead. Defaults to [MaxOpenUnits], which is the ceiling.
	OpenUnits time.Duration
	// FoldedUnits is the greatest age of what a closed day has folded, counted as that of events; it goes as
	// soon as its span is closed. Defaults to [MaxFoldedUnits], which is the ceiling.
	FoldedUnits time.Duration
	// EventsTopic is how long a day's topic may be kept after the day has ended. More than Lead.
	// Defaults to [MaxEventsTopic], which is the ceiling.
	EventsTopic time.Duration
	// Lead is how long before its deadline an item is deleted. It has to outlast the time between two
	// sweeps and a sweep. Defaults to 75 minutes.
	Lead time.Duration
}

// WithDefaults fills in what is zero and refuses what is laxer than the method allows.
func (l Limits) WithDefaults() (Limits, error) {
	if l.Lead == 0 {
		l.Lead = 75 * time.Minute
	}
	if l.Lead < 0 {
		return Limits{}, fmt.Errorf("check limits: lead is %v, want more than 0", l.Lead)
	}
	for _, b := range []struct {
		class          throng.Class
		value          *time.Duration
		floor, ceiling time.Duration
	}{
		{throng.ClassOptedOut, &l.OptedOut, day + l.Lead, MaxEvents},
		{throng.ClassStandard, &l.Standard, day + l.Lead, MaxEvents},
		{throng.ClassFoldedUnits, &l.FoldedUnits, day + l.Lead, MaxFoldedUnits},
		{throng.ClassOpenUnits, &l.OpenUnits, l.Lead, MaxOpenUnits},
		{throng.ClassEventsTopic, &l.EventsTopic, l.Lead, MaxEventsTopic},
	} {
		if *b.value == 0 {
			*b.value = b.ceiling
		}
		if *b.value <= b.floor || *b.value > b.ceiling {
			return Limits{}, fmt.Errorf("check limits: %s is %v, want more than %v and at most %v", b.class, *b.value, b.floor, b.ceiling)
		}
	}
	return l, nil
}

// MaxAge is the age at which an item of a class has to be gone, counted from the start of its day; ok
// is false for a class that has no limit here.
func (l Limits) MaxAge(class throng.Class) (age time.Duration, ok bool) {
	switch class {
	case throng.ClassOptedOut:
		return l.OptedOut, true
	case throng.ClassStandard:
		return l.Standard, true
	case throng.ClassFoldedUnits:
		return l.FoldedUnits, true
	case throng.ClassOpenUnits:
		return day + l.OpenUnits, true
	case throng.ClassEventsTopic:
		return day + l.EventsTopic, true
	}
	return 0, false
}

// Deadline is the time at which an item has to be gone: that of its class, or its own where that is
// earlier; ok is false where it has neither.
func (l Limits) Deadline(item throng.Item) (deadline time.Time, ok bool) {
	age, ok := l.MaxAge(item.Class)
	deadline = item.Day.Start().Add(age)
	if !item.Expires.IsZero() && (!ok || item.Expires.Before(deadline)) {
		return item.Expires, true
	}
	return deadline, ok
}
