package retention

import (
	"cmp"
	"slices"
	"time"

	"throng"
)

// Reason says why an item is deleted.
type Reason string

// The reasons of a deletion.
const (
	// PastLimit: the item's deadline is near or past.
	PastLimit Reason = "past_limit"
	// DayClosed: the day's release is durable and its unit tokens are no longer needed.
	DayClosed Reason = "day_closed"
	// SpanClosed: the span's release is durable and what its days folded is no longer needed.
	SpanClosed Reason = "span_closed"
	// HoldOver: no hold in force keeps the copies.
	HoldOver Reason = "hold_over"
)

// Deletion is one item that has to go.
type Deletion struct {
	Item   throng.Item `json:"item"`
	Reason Reason      `json:"reason"`
	// Deadline is the time by which the item's class wants it gone.
	Deadline time.Time `json:"deadline"`
}

// Plan lists the items that have to be deleted now: those whose deadline under the terms is at most lead
// away; the unit tokens of days and spans that are closed, which is when closed says that the period's
// release is durable and nothing will read the tokens again; and held copies that held says no hold in
// force keeps. Earliest deadline first. Left are what Throng does not delete (see [throng.NotRemoved] and
// [throng.StoreExpiry]), what is kept, and what is of no known class or of days to come; [Keeper.Verify]
// reports these. Plan is a pure function.
func Plan(now time.Time, items []throng.Item, terms Terms, lead time.Duration, closed func(throng.Period) bool, held func(throng.Item) bool) []Deletion {
	var plan []Deletion
	for _, item := range items {
		deadline, ok := terms.Deadline(item)
		if !ok || item.Removal == throng.NotRemoved || item.Removal == throng.StoreExpiry {
			continue
		}
		switch {
		case !now.Add(leadOf(item, lead)).Before(deadline):
			plan = append(plan, Deletion{item, PastLimit, deadline})
		case item.Class == throng.ClassOpenUnits && closed(item.Day.Period()):
			plan = append(plan, Deletion{item, DayClosed, deadline})
		case item.Class == throng.ClassFoldedUnits && closed(throng.SpanOf(item.Day).Period()):
			plan = append(plan, Deletion{item, SpanClosed, deadline})
		case item.Class == throng.ClassHeld && !held(item):
			plan = append(plan, Deletion{item, HoldOver, deadline})
		}
	}
	slices.SortFunc(plan, func(a, b Deletion) int {
		return cmp.Or(a.Deadline.Compare(b.Deadline), cmp.Compare(a.Item.Store, b.Item.Store), cmp.Compare(a.Item.Name, b.Item.Name))
	})
	return plan
}

// leadOf is how long before its deadline an item goes. What ends by itself is needed until then, or is
// refused from then on by whoever reads it.
func leadOf(item throng.Item, lead time.Duration) time.Duration {
	if endsByItself(item.Class) && item.Class != throng.ClassHeld {
		return 0
	}
	return lead
}
