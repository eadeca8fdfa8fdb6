package retention

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"time"

	"throng"
	"throng/internal/durable"
)

// TermsFormat names the form of the file that remembers the limits.
const TermsFormat = "throng/limits/1"

// termsMemory is how long limits are remembered after others took their place: longer than anything lives
// that was made under them.
const termsMemory = 31 * day

// Terms are the limits in force and those before them. What was made on a day goes by the strictest of
// all the limits that were in force since the day began: so a stricter limit applies at once to all that
// there is, and a laxer one to the days that begin after it, never to what exists.
//
// The zero Terms have no limits. Terms are not changed once made.
type Terms struct{ entries []term }

// term are limits that are, or were, in force since a time.
type term struct {
	From   time.Time            `json:"from"`
	Limits map[throng.Class]Age `json:"limits"` // as [Limits.MaxAge]
}

// With are the terms after limits came into force at a time.
func (t Terms) With(now time.Time, limits Limits) Terms {
	next := term{From: now.UTC(), Limits: map[throng.Class]Age{}}
	for _, c := range limits.classes() {
		next.Limits[c.class] = Age(*c.value + c.from)
	}
	if maps.Equal(t.current(), next.Limits) {
		return t
	}
	if n := len(t.entries); n > 0 && next.From.Before(t.entries[n-1].From) { // the clock was set back
		next.From = t.entries[n-1].From
	}
	var out Terms
	for i, e := range t.entries {
		if i+1 == len(t.entries) || now.Sub(t.entries[i+1].From) < termsMemory {
			out.entries = append(out.entries, e)
		}
	}
	out.entries = append(out.entries, next)
	return out
}

// current are the limits in force; none where there never were any.
func (t Terms) current() map[throng.Class]Age {
	if len(t.entries) == 0 {
		return nil
	}
	return t.entries[len(t.entries)-1].Limits
}

// MaxAge is the age at which an item of a class and a day has to be gone; ok is false for a class that
// has no limit.
func (t Terms) MaxAge(class throng.Class, made throng.Day) (age time.Duration, ok bool) {
	for i, e := range t.entries {
		if i+1 < len(t.entries) && t.entries[i+1].From.Before(made.Start()) {
			continue // it was over before the day began
		}
		if limit, has := e.Limits[class]; has && (!ok || time.Duration(limit) < age) {
			age, ok = time.Duration(limit), true
		}
	}
	return age, ok
}

// Deadline is when an item has to be gone: when its class's limit or its own end comes, whichever is
// first. What should carry its own end and has none is due at once. ok is false for what is kept, for
// what is of no known class, and for a log or raw topic without a record.
func (t Terms) Deadline(item throng.Item) (deadline time.Time, ok bool) {
	from := item.Day.Start()
	if !item.Oldest.IsZero() && (item.Oldest.Before(from) || byRecord(item.Class)) {
		from = item.Oldest
	}
	if age, limited := t.MaxAge(item.Class, madeOn(item)); limited {
		deadline, ok = from.Add(age), !item.Oldest.IsZero() || !byRecord(item.Class)
	} else if endsByItself(item.Class) {
		deadline, ok = from, item.Expires.IsZero()
	}
	if !item.Expires.IsZero() && !kept(item.Class) && (!ok || item.Expires.Before(deadline)) {
		deadline, ok = item.Expires, true
	}
	return deadline, ok
}

// Change says what new limits do to one class.
type Change struct {
	Class    throng.Class
	Old, New time.Duration // as [Limits.MaxAge]
	// From is, for a laxer limit, the first day to which it applies; for a stricter one it is zero.
	From throng.Day
}

// Stricter tells whether the class is kept shorter than before.
func (c Change) Stricter() bool { return c.New < c.Old }

// Changes say what limits would do if they came into force at a time; none where nothing changes or there
// were no limits yet.
func (t Terms) Changes(now time.Time, limits Limits) (changes []Change) {
	last := t.current()
	for _, c := range limits.classes() {
		old, had := last[c.class]
		change := Change{Class: c.class, Old: time.Duration(old), New: *c.value + c.from}
		if !had || change.Old == change.New {
			continue
		}
		if !change.Stricter() {
			change.From = throng.DayOf(now) + 1
		}
		changes = append(changes, change)
	}
	return changes
}

// termsFile is the form of the file.
type termsFile struct {
	Format string `json:"format"`
	Terms  []term `json:"terms"` // oldest first
}

// ReadTerms reads the terms that [Terms.Write] wrote. A missing file has none; a damaged one is an error,
// since limits that were stricter would be forgotten.
func ReadTerms(path string) (Terms, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Terms{}, nil
	}
	if err != nil {
		return Terms{}, fmt.Errorf("read limits: %w", err)
	}
	var f termsFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil || f.Format != TermsFormat {
		return Terms{}, fmt.Errorf("read limits: %s is not a file of limits of this version; remove it only if no limit was ever laxer than it is now", path)
	}
	return Terms{f.Terms}, nil
}

// Write makes the terms durable.
func (t Terms) Write(path string) error {
	data, err := json.MarshalIndent(termsFile{TermsFormat, t.entries}, "", "  ")
	if err == nil {
		err = durable.WriteFile(path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write limits: %w", err)
	}
	return nil
}
