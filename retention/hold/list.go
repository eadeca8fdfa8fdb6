package hold

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"throng"
)

// MaxReview is the longest time between two looks at a hold, in days.
const MaxReview = 30

// Hold is the state of one hold.
type Hold struct {
	Number uint32            `json:"hold"`
	Reason throng.HoldReason `json:"reason"` // the latest
	Ticket string            `json:"ticket"` // the latest
	By     string            `json:"by"`     // who ordered it
	// Ordered is when it was ordered; Review and Until are the days of the last entry.
	Ordered    time.Time  `json:"ordered"`
	Review     throng.Day `json:"review"`
	Until      throng.Day `json:"until"`
	Extensions int        `json:"extensions"`
	// Released is when it was released; zero where it was not.
	Released time.Time `json:"released,omitzero"`
	Share    Share     `json:"share"`
	// Match is the [Commitment] of its match.
	Match string `json:"match"`

	tickets []string
}

// Copy names the hold's copies.
func (h Hold) Copy() throng.HoldCopy {
	return throng.HoldCopy{Hold: h.Number, Ordered: throng.DayOf(h.Ordered), Until: h.Until}
}

// InForce tells whether the hold keeps its copies at a time.
func (h Hold) InForce(now time.Time) bool {
	return h.Released.IsZero() && now.Before(h.Until.End())
}

// Due tells whether a hold in force was to be reviewed by now and was not.
func (h Hold) Due(now time.Time) bool {
	return h.InForce(now) && !now.Before(h.Review.End())
}

// List is what a register says: every hold that there was, in order.
type List struct {
	Holds   []Hold
	entries []Entry
	head    string
}

func newList() *List { return &List{head: hash([]byte(Format))} }

// Entries are the register's entries. They belong to the list.
func (l List) Entries() []Entry { return l.entries }

// Find is the hold of a number.
func (l List) Find(number uint32) (Hold, error) {
	if number == 0 || int64(number) > int64(len(l.Holds)) {
		return Hold{}, fmt.Errorf("there is no hold %d", number)
	}
	return l.Holds[number-1], nil
}

// Keeps tells whether a hold in force keeps the copies of an item of class held. Copies that would stay longer
// than their hold are kept by none.
func (l List) Keeps(now time.Time) func(throng.Item) bool {
	return func(item throng.Item) bool {
		h, err := l.Find(item.Hold)
		return err == nil && h.InForce(now) && !item.Expires.After(h.Copy().Expires())
	}
}

var (
	ticketForm = regexp.MustCompile(`^[A-Za-z#][A-Za-z0-9#/_-]{0,63}$`)
	byForm     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// allow refuses an entry that breaks a rule, whoever wrote it.
func (l *List) allow(e Entry) error {
	if !byForm.MatchString(e.By) {
		return errors.New("by: want the name of who does it: letters, digits, dots, dashes and underscores, at most 64")
	}
	if e.Step == Ordered {
		return l.allowOrder(e)
	}
	h, err := l.Find(e.Hold)
	switch {
	case err != nil:
		return err
	case !h.Released.IsZero():
		return fmt.Errorf("hold %d was released", e.Hold)
	case !h.InForce(e.Time):
		return fmt.Errorf("hold %d ended with %s", e.Hold, h.Until)
	case e.Step == Released:
		return nil
	case e.Step != Extended:
		return fmt.Errorf("unknown step %q", e.Step)
	case e.Until < h.Until:
		return fmt.Errorf("until: hold %d lasts until %s; release it to end it earlier", e.Hold, h.Until)
	case slices.Contains(h.tickets, e.Ticket):
		return fmt.Errorf("ticket: hold %d has this one already; an extension needs a reason of its own", e.Hold)
	}
	return allowTerms(e, throng.DayOf(h.Ordered))
}

func (l *List) allowOrder(e Entry) error {
	switch {
	case int64(e.Hold) != int64(len(l.Holds))+1:
		return fmt.Errorf("hold %d does not follow hold %d", e.Hold, len(l.Holds))
	case len(e.Match) != len(hash(nil)) || e.Share == "":
		return errors.New("an order has a commitment and a share")
	}
	return allowTerms(e, throng.DayOf(e.Time))
}

// allowTerms checks why, and until when, of an order and of an extension.
func allowTerms(e Entry, ordered throng.Day) error {
	today := throng.DayOf(e.Time)
	switch {
	case !slices.Contains(throng.HoldReasons(), e.Reason):
		return fmt.Errorf("reason: want one of %v", throng.HoldReasons())
	case !ticketForm.MatchString(e.Ticket):
		return errors.New("ticket: want a reference such as SEC-123: letters, digits, #, /, dashes and underscores, at most 64, and nothing of a visitor")
	case e.Until <= today || e.Until > ordered+throng.MaxHold:
		return fmt.Errorf("until: want a day after today and at most %d days after the order: %s to %s", throng.MaxHold, today+1, ordered+throng.MaxHold)
	case e.Review <= today || e.Review > min(today+MaxReview, e.Until):
		return fmt.Errorf("review: want a day after today, not after until, and at most %d days off: %s to %s", MaxReview, today+1, min(today+MaxReview, e.Until))
	}
	return nil
}

// apply takes in an entry that was allowed.
func (l *List) apply(e Entry) {
	l.entries = append(l.entries, e)
	if e.Step == Ordered {
		l.Holds = append(l.Holds, Hold{
			Number: e.Hold, Reason: e.Reason, Ticket: e.Ticket, By: e.By, Ordered: e.Time, Review: e.Review, Until: e.Until,
			Share: e.Share, Match: e.Match, tickets: []string{e.Ticket},
		})
		return
	}
	h := &l.Holds[e.Hold-1]
	if e.Step == Released {
		h.Released = e.Time
		return
	}
	h.Reason, h.Ticket, h.Review, h.Until = e.Reason, e.Ticket, e.Review, e.Until
	h.Extensions++
	h.tickets = append(slices.Clone(h.tickets), e.Ticket)
}

// Summary is what is published of the holds.
func (l List) Summary(now time.Time) throng.HoldSummary {
	s := throng.HoldSummary{Format: throng.HoldsFormat, Orders: len(l.Holds), Held: string(None), Entries: uint64(len(l.entries)), Head: l.head}
	for _, reason := range throng.HoldReasons() {
		c := throng.HoldReasonCount{Reason: reason}
		for _, e := range l.entries {
			if e.Reason == reason && e.Step == Ordered {
				c.Orders++
			}
			if e.Reason == reason && e.Step == Extended {
				c.Extensions++
			}
		}
		for _, h := range l.Holds {
			if h.Reason == reason && h.InForce(now) {
				c.InForce++
			}
		}
		s.Extensions, s.InForce = s.Extensions+c.Extensions, s.InForce+c.InForce
		s.Reasons = append(s.Reasons, c)
	}
	for _, h := range l.Holds {
		if h.InForce(now) {
			s.Held = string(wider(Share(s.Held), h.Share))
		}
		if h.Due(now) {
			s.ReviewsOverdue++
		}
	}
	return s
}
