package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"throng"
)

// Store is a place where data is kept and can be deleted.
type Store interface {
	// Items lists all that the store keeps, by asking it, never from memory.
	Items(ctx context.Context) ([]throng.Item, error)
	// Read sets Oldest and Newest of items that Items listed, by reading what they hold and no more of it
	// than that takes. It leaves them zero where an item holds no record, cannot be read, or went away.
	Read(ctx context.Context, items []throng.Item) error
	// DropItem deletes an item whole. Whether an item that is not there is an error is up to the store.
	DropItem(ctx context.Context, item throng.Item) error
}

// Bulk is a [Store] that deletes many items faster in one call than one by one.
type Bulk interface {
	// DropItems deletes items whole. After an error some may be deleted; they are then deleted one by one.
	DropItems(ctx context.Context, items []throng.Item) error
}

// Options of a keeper.
type Options struct {
	// Stores by the name that their items carry. Required.
	Stores map[string]Store
	// Limits default to the ceilings.
	Limits Limits
	// Terms is the file that remembers earlier limits, see [Terms]. Only Apply writes it. Defaults to no
	// memory.
	Terms string
	// Closed tells whether a day's or span's release is durable and its unit tokens will not be read again.
	// Required.
	Closed func(throng.Period) bool
	// Held reads which held copies a hold in force keeps; it is asked before each plan. Where it fails, copies
	// go by their own time only and there is an error. Defaults to none, so that copies are deleted at once.
	Held func() (func(throng.Item) bool, error)
	// Receipts is required by Apply, Sweep and Run; the keeper does not close it.
	Receipts *Receipts
	// Every is the time between two sweeps of Run. Defaults to 1 hour; at most Limits.Lead.
	Every time.Duration
	// Clock and Log are required.
	Clock throng.Clock
	Log   *slog.Logger
	// Observe is called by Run after each sweep that got to its end, such as for metrics. Defaults to
	// nothing.
	Observe func(Report)
}

// Keeper keeps stores inside their limits. Inventory, Plan and Verify only read and are safe for
// concurrent use if the stores are; Apply, Sweep and Run are for one goroutine.
type Keeper struct {
	o     Options
	names []string // of the stores, sorted
	// terms are those that hold under Options.Limits; recorded says whether the file has them.
	terms    Terms
	recorded bool
	progress progress
}

// New makes a keeper. It starts nothing.
func New(o Options) (*Keeper, error) {
	if len(o.Stores) == 0 || o.Closed == nil || o.Clock == nil || o.Log == nil {
		return nil, errors.New("make keeper: stores, closed, clock and log are required")
	}
	o.Every = cmp.Or(o.Every, time.Hour)
	if o.Held == nil {
		o.Held = func() (func(throng.Item) bool, error) { return nothing, nil }
	}
	if o.Limits.Lead == 0 {
		o.Limits.Lead = o.Every + o.Every/4
	}
	if o.Every < 0 || o.Every > o.Limits.Lead {
		return nil, fmt.Errorf("make keeper: every is %v, want more than 0 and at most the lead, %v", o.Every, o.Limits.Lead)
	}
	var err error
	if o.Limits, err = o.Limits.WithDefaults(); err != nil {
		return nil, fmt.Errorf("make keeper: %w", err)
	}
	k := &Keeper{o: o, names: slices.Sorted(maps.Keys(o.Stores))}
	var before Terms
	if o.Terms != "" {
		if before, err = ReadTerms(o.Terms); err != nil {
			return nil, fmt.Errorf("make keeper: %w", err)
		}
	}
	k.terms = before.With(o.Clock.Now(), o.Limits)
	k.recorded = o.Terms == "" || maps.Equal(before.current(), k.terms.current())
	return k, nil
}

// Limits are those in force.
func (k *Keeper) Limits() Limits { return k.o.Limits }

// Terms are the limits in force and those that what exists was made under.
func (k *Keeper) Terms() Terms { return k.terms }

// record makes the terms durable before anything is done under them.
func (k *Keeper) record() error {
	if k.recorded {
		return nil
	}
	if err := k.terms.Write(k.o.Terms); err != nil {
		return &throng.Retryable{Err: err}
	}
	k.recorded = true
	return nil
}

// inventory is what the stores that answered keep.
type inventory struct {
	items    []throng.Item
	present  map[itemKey]bool
	answered map[string]bool
}

// read asks every store. The inventory is good for those that answered also when there is an error.
func (k *Keeper) read(ctx context.Context) (inventory, error) {
	inv := inventory{present: map[itemKey]bool{}, answered: map[string]bool{}}
	var errs []error
	for _, name := range k.names {
		items, err := k.o.Stores[name].Items(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("list items of %s: %w", name, err))
			continue
		}
		inv.answered[name] = true
		for _, item := range items {
			if item.Store != name {
				errs = append(errs, fmt.Errorf("list items of %s: item %s is of store %q", name, item.Name, item.Store))
				continue
			}
			inv.items = append(inv.items, item)
			inv.present[itemKey{name, item.Name}] = true
		}
	}
	return inv, errors.Join(errs...)
}

// Inventory lists what all stores keep. Where a store does not answer there are an error and the items
// of the others.
func (k *Keeper) Inventory(ctx context.Context) ([]throng.Item, error) {
	inv, err := k.read(ctx)
	return inv.items, err
}

func everything(throng.Item) bool { return true }
func nothing(throng.Item) bool    { return false }

// Plan is what Apply would delete at a time, of what the stores keep now. Where a store does not answer
// there are an error and the plan for the others.
func (k *Keeper) Plan(ctx context.Context, now time.Time) ([]Deletion, error) {
	items, err := k.Inventory(ctx)
	held, heldErr := k.o.Held()
	if heldErr != nil {
		held, heldErr = everything, fmt.Errorf("read holds: %w", heldErr)
	}
	return Plan(now, items, k.terms, k.o.Limits.Lead, k.o.Closed, held), errors.Join(err, heldErr)
}

// Sweep plans, applies and verifies, at the clock's time. A store that fails does not keep the others
// from being swept; the error tells of all that failed.
func (k *Keeper) Sweep(ctx context.Context) (Report, error) {
	plan, err := k.Plan(ctx, k.o.Clock.Now())
	deleted, applyErr := k.Apply(ctx, plan)
	report, verifyErr := k.Verify(ctx, k.o.Clock.Now())
	report.Deleted = deleted
	err = errors.Join(err, applyErr, verifyErr)
	k.progress.note(report, k.pending(), err)
	return report, err
}

// Run sweeps at once and then every Options.Every of the machine's time, until ctx is done, whose error
// it returns. A sweep whose error may go away is logged and repeated after a tenth of that time; any
// other error ends Run: what cannot delete must not go on collecting.
func (k *Keeper) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := k.o.Every
		report, err := k.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case throng.IsRetryable(err):
			k.o.Log.LogAttrs(ctx, slog.LevelWarn, "retention sweep failed, will be repeated", slog.Any("error", err))
			wait /= 10
		case err != nil:
			return err
		default:
			k.tell(ctx, report)
		}
		timer := k.o.Clock.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return ctx.Err()
}

// pending is the number of deletions that are on record and not seen to be done.
func (k *Keeper) pending() int {
	if k.o.Receipts == nil {
		return 0
	}
	return len(k.o.Receipts.open())
}

func (k *Keeper) tell(ctx context.Context, r Report) {
	for _, v := range r.Violations {
		k.o.Log.LogAttrs(ctx, slog.LevelError, "item is past its limit", slog.String("store", v.Item.Store),
			slog.String("class", string(v.Item.Class)), slog.String("item", v.Item.Name), slog.String("why", string(v.Why)),
			slog.Duration("age", time.Duration(v.Age)), slog.Duration("limit", time.Duration(v.Limit)))
	}
	k.o.Log.LogAttrs(ctx, slog.LevelInfo, "retention sweep done", slog.Int("deleted", len(r.Deleted)), slog.Int("violations", len(r.Violations)))
	if k.o.Observe != nil {
		k.o.Observe(r)
	}
}
