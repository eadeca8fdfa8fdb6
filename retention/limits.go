package retention

import (
	"fmt"
	"slices"
	"time"

	"throng"
)

// Ceilings of the classes (method, sections 3 and 5). A configuration can only be stricter.
const (
	MaxEvents      = 10 * day       // opted_out and standard, from the event
	MaxFoldedUnits = 10 * day       // from the event
	MaxOpenUnits   = 48 * time.Hour // from the end of the day
	MaxEventsTopic = 48 * time.Hour // from the end of the day
	MaxRawTopic    = 24 * time.Hour // from the writing of the record
	MaxQuarantine  = 10 * day       // from the writing of the note
	MaxServerLogs  = 10 * day       // from the line

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
	// RawTopic is the greatest age of a record in a topic of raw lines. Defaults to [MaxRawTopic], which
	// is the ceiling.
	RawTopic time.Duration
	// Quarantine is the greatest age of a note of a refused line, counted as that of events. More than 24 h
	// + Lead. Defaults to [MaxQuarantine], which is the ceiling.
	Quarantine time.Duration
	// ServerLogs is the greatest age of a line in the web server's own files. More than Lead. Defaults to
	// [MaxServerLogs], which is the ceiling.
	ServerLogs time.Duration
	// Lead is how long before its deadline an item is deleted. It has to outlast the time between two
	// sweeps and a sweep. Defaults to 75 minutes.
	Lead time.Duration
}

// classLimit is the limit of one class within Limits.
type classLimit struct {
	class   throng.Class
	value   *time.Duration
	floor   time.Duration // more than this
	ceiling time.Duration // at most this
	// from is what is added to the value where a class counts from the end of the day.
	from time.Duration
}

func (l *Limits) classes() []classLimit {
	return []classLimit{
		{throng.ClassOptedOut, &l.OptedOut, day + l.Lead, MaxEvents, 0},
		{throng.ClassStandard, &l.Standard, day + l.Lead, MaxEvents, 0},
		{throng.ClassOpenUnits, &l.OpenUnits, l.Lead, MaxOpenUnits, day},
		{throng.ClassFoldedUnits, &l.FoldedUnits, day + l.Lead, MaxFoldedUnits, 0},
		{throng.ClassEventsTopic, &l.EventsTopic, l.Lead, MaxEventsTopic, day},
		{throng.ClassRawTopic, &l.RawTopic, 0, MaxRawTopic, 0},
		{throng.ClassQuarantine, &l.Quarantine, day + l.Lead, MaxQuarantine, 0},
		{throng.ClassServerLogs, &l.ServerLogs, l.Lead, MaxServerLogs, 0},
	}
}

// WithDefaults fills in what is zero and refuses what is laxer than the method allows.
func (l Limits) WithDefaults() (Limits, error) {
	if l.Lead == 0 {
		l.Lead = 75 * time.Minute
	}
	if l.Lead < 0 {
		return Limits{}, fmt.Errorf("check limits: lead is %v, want more than 0", l.Lead)
	}
	for _, c := range l.classes() {
		if *c.value == 0 {
			*c.value = c.ceiling
		}
		if *c.value <= c.floor || *c.value > c.ceiling {
			return Limits{}, fmt.Errorf("check limits: %s is %v, want more than %v and at most %v", c.class, *c.value, c.floor, c.ceiling)
		}
	}
	return l, nil
}

// MaxAge is the age at which an item of a class has to be gone, counted from the start of its day or from its
// oldest record; ok is false for a class that has no limit here.
func (l Limits) MaxAge(class throng.Class) (age time.Duration, ok bool) {
	for _, c := range l.classes() {
		if c.class == class {
			return *c.value + c.from, true
		}
	}
	return 0, false
}

// kept tells whether a class has no limit because it is kept.
func kept(class throng.Class) bool {
	return slices.Contains([]throng.Class{throng.ClassReleases, throng.ClassLedger, throng.ClassState}, class)
}

// endsByItself tells whether the items of a class carry their own end.
func endsByItself(class throng.Class) bool {
	return slices.Contains([]throng.Class{throng.ClassHeld, throng.ClassKeys, throng.ClassTemporary}, class)
}

// byRecord tells whether the items of a class are as old as their oldest record, and not as their day.
func byRecord(class throng.Class) bool {
	return class == throng.ClassRawTopic || class == throng.ClassServerLogs
}
