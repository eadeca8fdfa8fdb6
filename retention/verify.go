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
	// TooOld: the item, or a record in it, is as old as its class or its own end allows, or older.
	TooOld Fault = "too_old"
	// Unclassified: nobody knows what the item is, so that it has no limit.
	Unclassified Fault = "unclassified"
	// FromTheFuture: the item is of a day that is more than a day ahead, so that it would be kept too
	// long. It is not deleted: when the clock is wrong, all is from the future.
	FromTheFuture Fault = "from_the_future"
	// NotEnforced: the store deletes by its own settings, and these let a record grow older than allowed.
	NotEnforced Fault = "not_enforced"
)

// Age is a duration that is written as text, such as 241h0m0s.
type Age time.Duration

// MarshalText implements [encoding.TextMarshaler].
func (a Age) MarshalText() ([]byte, error) { return []byte(time.Duration(a).String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (a *Age) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*a = Age(d)
	return err
}

// Violation is an item that should not be there.
type Violation struct {
	// Item is the item; Oldest and Newest are set when its records were asked.
	Item  throng.Item `json:"item"`
	Why   Fault       `json:"why"`
	Age   Age         `json:"age"`   // of the oldest record, or of the item's day
	Limit Age         `json:"limit"` // the greatest age allowed; 0 for none
	// Deadline is when the item had to be gone; zero where it has no end.
	Deadline time.Time `json:"deadline,omitzero"`
}

// Holding is what a store keeps of one class.
type Holding struct {
	Store string       `json:"store"`
	Class throng.Class `json:"class"`
	Items int          `json:"items"`
	// Rows and Bytes are what the stores say of them.
	Rows  uint64 `json:"rows"`
	Bytes uint64 `json:"bytes"`
	// Age of the oldest item or record, and the greatest age allowed to anything of the class; 0 for
	// none.
	Age   Age `json:"age"`
	Limit Age `json:"limit"`
	// Deadline is when the first of them has to be gone; zero for what is kept.
	Deadline time.Time `json:"deadline,omitzero"`
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
	items, readErr := k.readRecords(ctx, inv.items)
	items, againErr := k.stillThere(ctx, items, now)
	holdings := map[[2]string]Holding{}
	for _, item := range items {
		v := k.judge(item, now)
		if v.Why != "" {
			report.Violations = append(report.Violations, v)
		}
		key := [2]string{item.Store, string(item.Class)}
		holdings[key] = holdings[key].with(v)
	}
	for _, h := range holdings {
		report.Holdings = append(report.Holdings, h)
	}
	slices.SortFunc(report.Holdings, func(a, b Holding) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Class, b.Class))
	})
	return report, errors.Join(cmp.Or(err, againErr), readErr)
}

// readRecords lets each store read its items' oldest and newest records.
func (k *Keeper) readRecords(ctx context.Context, items []throng.Item) ([]throng.Item, error) {
	var errs []error
	for _, name := range k.names {
		mine := slices.DeleteFunc(slices.Clone(items), func(i throng.Item) bool { return i.Store != name })
		items = slices.DeleteFunc(items, func(i throng.Item) bool { return i.Store == name })
		if err := k.o.Stores[name].Read(ctx, mine); err != nil {
			errs = append(errs, fmt.Errorf("read oldest records of %s: %w", name, err))
		}
		items = append(items, mine...)
	}
	return items, errors.Join(errs...)
}

// stillThere leaves out what went away while the stores were being read, where something is wrong with
// it: the closer and other sweeps delete as well.
func (k *Keeper) stillThere(ctx context.Context, items []throng.Item, now time.Time) ([]throng.Item, error) {
	wrong := func(item throng.Item) bool { return k.judge(item, now).Why != "" }
	if !slices.ContainsFunc(items, wrong) {
		return items, nil
	}
	again, err := k.read(ctx)
	return slices.DeleteFunc(items, func(item throng.Item) bool {
		return wrong(item) && again.answered[item.Store] && !again.present[itemKey{item.Store, item.Name}]
	}), err
}

// judge compares an item with its limit. Why is empty where nothing is wrong.
func (k *Keeper) judge(item throng.Item, now time.Time) Violation {
	deadline, limited := k.terms.Deadline(item)
	limit, has := k.terms.MaxAge(item.Class, madeOn(item))
	if limited && !has {
		limit = deadline.Sub(item.Day.Start())
	}
	v := Violation{Item: item, Age: Age(ageOf(item, now)), Limit: Age(limit), Deadline: deadline}
	switch known := limited || kept(item.Class) || endsByItself(item.Class) || byRecord(item.Class); {
	case !known:
		v.Why = Unclassified
	case limited && !now.Before(deadline):
		v.Why = TooOld
	case item.Removal == throng.StoreExpiry && item.Keeps > limit:
		v.Why = NotEnforced
	case item.Day > throng.DayOf(now)+1:
		v.Why = FromTheFuture
	}
	return v
}

// madeOn is the day from whose beginning an item's limits count.
func madeOn(item throng.Item) throng.Day {
	if !item.Oldest.IsZero() && (byRecord(item.Class) || throng.DayOf(item.Oldest) < item.Day) {
		return throng.DayOf(item.Oldest)
	}
	return item.Day
}

// ageOf is that of the item's oldest record or of its day, whichever is greater.
func ageOf(item throng.Item, now time.Time) time.Duration {
	switch {
	case byRecord(item.Class) && item.Oldest.IsZero():
		return 0
	case byRecord(item.Class), !item.Oldest.IsZero() && item.Oldest.Before(item.Day.Start()):
		return now.Sub(item.Oldest)
	}
	return now.Sub(item.Day.Start())
}

// with adds an item to what a store keeps of its class.
func (h Holding) with(v Violation) Holding {
	h.Store, h.Class, h.Items = v.Item.Store, v.Item.Class, h.Items+1
	h.Rows, h.Bytes = h.Rows+v.Item.Rows, h.Bytes+v.Item.Bytes
	h.Age, h.Limit = max(h.Age, v.Age), max(h.Limit, v.Limit)
	if h.Deadline.IsZero() || !v.Deadline.IsZero() && v.Deadline.Before(h.Deadline) {
		h.Deadline = v.Deadline
	}
	return h
}
