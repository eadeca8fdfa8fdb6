package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"throng"
)

// Fault says what is wrong with an item.
type Fault string

// The faults.
const (
	// TooOld: the item, or a record in it, is as old as its class allows or older.
	TooOld Fault = "too_old"
	// Unclassified: the item is of a class that has no limit.
	Unclassified Fault = "unclassified"
	// FromTheFuture: the item is of a day that is more than a day ahead, so that it would be kept too
	// long. It is not deleted: when the clock is wrong, all is from the future.
	FromTheFuture Fault = "from_the_future"
)

// Age is a duration that is written as text, such as 241h0m0s.
type Age time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (a Age) MarshalText() ([]byte, error) { return []byte(time.Duration(a).String()), nil }

// Violation is an item that should not be there.
type Violation struct {
	// Item is the item; Oldest is set when its records were asked.
	Item  throng.Item `json:"item"`
	Why   Fault       `json:"why"`
	Age   Age         `json:"age"`   // of the oldest record, or of the item's day
	Limit Age         `json:"limit"` // the greatest age allowed; 0 for none
}

// Holding is what a store keeps of one class.
type Holding struct {
	Store string       `json:"store"`
	Class throng.Class `json:"class"`
	Items int          `json:"items"`
	// Age of the oldest item or record, and the greatest age allowed.
	Age   Age `json:"age"`
	Limit Age `json:"limit"`
	// Deadline is the time at which the first of the items is past its limit; zero where none has a limit.
	Deadline time.Time `json:"deadline,omitzero"`
}

// add takes an item into the holding.
func (h Holding) add(item throng.Item, age, limit time.Duration, deadline time.Time) Holding {
	if limit > 0 && (h.Deadline.IsZero() || deadline.Before(h.Deadline)) {
		h.Deadline = deadline
	}
	return Holding{item.Store, item.Class, h.Items + 1, max(h.Age, Age(age)), max(h.Limit, Age(limit)), h.Deadline}
}

// Report is what Verify found.
type Report struct {
	Time       time.Time   `json:"time"`
	Holdings   []Holding   `json:"holdings"`   // by store and class
	Violations []Violation `json:"violations"` // none when every promise is kept
	// Deleted are the receipts of the sweep; Verify alone leaves it empty.
	Deleted []Receipt `json:"deleted,omitempty"`
}

// Verify asks every store what it keeps and how old each item's oldest record is, and compares that
// with the limits, themselves, without lead. It deletes nothing and reads no plan and no receipt. Where a
// store does not answer, the report covers the others and there is an error.
func (k *Keeper) Verify(ctx context.Context, now time.Time) (Report, error) {
	report := Report{Time: now.UTC()}
	inv, err := k.read(ctx)
	errs := []error{err}
	holdings := map[[2]string]Holding{}
	for _, item := range inv.items {
		age, gone, err := k.age(ctx, now, &item)
		errs = append(errs, err)
		if gone {
			continue
		}
		deadline, limit := k.limitOf(item)
		if why := fault(item, now, age, limit); why != "" {
			report.Violations = append(report.Violations, Violation{item, why, Age(age), Age(limit)})
		}
		key := [2]string{item.Store, string(item.Class)}
		holdings[key] = holdings[key].add(item, age, limit, deadline)
	}
	for _, h := range holdings {
		report.Holdings = append(report.Holdings, h)
	}
	slices.SortFunc(report.Holdings, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Class, b.Class))
	})
	return report, errors.Join(errs...)
}

// limitOf is the time at which an item has to be gone, and the age that it has then; 0 for no limit.
func (k *Keeper) limitOf(item throng.Item) (deadline time.Time, limit time.Duration) {
	deadline, ok := k.o.Limits.Deadline(item)
	if !ok {
		return time.Time{}, 0
	}
	return deadline, deadline.Sub(item.Day.Start())
}

// age is that of the item's oldest record or of its day, whichever is greater. An item that went away
// while it was being asked is gone.
func (k *Keeper) age(ctx context.Context, now time.Time, item *throng.Item) (age time.Duration, gone bool, err error) {
	age = now.Sub(item.Day.Start())
	item.Oldest, err = k.o.Stores[item.Store].Oldest(ctx, *item)
	if err != nil {
		if k.isGone(ctx, *item) {
			return 0, true, nil
		}
		return age, false, fmt.Errorf("read oldest record of %s of %s: %w", item.Name, item.Store, err)
	}
	if !item.Oldest.IsZero() {
		age = max(age, now.Sub(item.Oldest))
	}
	return age, false, nil
}

// isGone tells whether the item's store answers and no longer has it.
func (k *Keeper) isGone(ctx context.Context, item throng.Item) bool {
	items, err := k.o.Stores[item.Store].Items(ctx)
	return err == nil && !slices.ContainsFunc(items, func(i throng.Item) bool { return i.Name == item.Name })
}

func fault(item throng.Item, now time.Time, age, limit time.Duration) Fault {
	switch {
	case limit == 0:
		return Unclassified
	case item.Day > throng.DayOf(now)+1:
		return FromTheFuture
	case age >= limit:
		return TooOld
	}
	return ""
}
