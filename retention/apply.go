package retention

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"throng"
)

// byInventory is how Apply sees that an item is gone.
const byInventory = "inventory read again: absent"

// Apply deletes what is planned, then reads the stores' inventories again and writes a receipt for each
// item that is gone, also for those whose deletion an earlier Apply began and did not see the end of. It
// returns those receipts. An item that is still there after its deletion is an error, whatever the
// store had said; an item that is gone is none.
func (k *Keeper) Apply(ctx context.Context, plan []Deletion) ([]Receipt, error) {
	if k.o.Receipts == nil {
		return nil, errors.New("apply retention: no receipts file")
	}
	if err := k.record(); err != nil {
		return nil, fmt.Errorf("apply retention: %w", err)
	}
	if err := k.announce(plan); err != nil {
		return nil, fmt.Errorf("apply retention: %w", err)
	}
	dropErrs := k.dropAll(ctx, plan)
	inv, err := k.readUntilGone(ctx, plan)
	errs := []error{err}
	for _, d := range plan {
		errs = append(errs, undone(d, inv, dropErrs[keyOf(d)]))
	}
	receipts, err := k.settle(inv)
	return receipts, errors.Join(append(errs, err)...)
}

// The closer drops units as well, and may do so at the same moment: then there is nothing left for the store
// to drop, and the files of what the other one dropped go a moment later.
const (
	looks     = 5
	lookAgain = 200 * time.Millisecond
)

// readUntilGone reads the inventories, again and again for a second while they have something of the plan.
func (k *Keeper) readUntilGone(ctx context.Context, plan []Deletion) (inv inventory, err error) {
	for look := 1; ; look++ {
		inv, err = k.read(ctx)
		if look == looks || !slices.ContainsFunc(plan, func(d Deletion) bool { return inv.present[keyOf(d)] }) {
			return inv, err
		}
		timer := k.o.Clock.NewTimer(lookAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return inv, err
		}
	}
}

// announce writes down what is going to be deleted, so that a crash leaves no deletion without trace.
func (k *Keeper) announce(plan []Deletion) error {
	var planned []Receipt
	named := map[itemKey]bool{} // a store that lists an item twice must not stop retention
	for _, d := range plan {
		if _, open := k.o.Receipts.open()[keyOf(d)]; !open && !named[keyOf(d)] {
			named[keyOf(d)] = true
			planned = append(planned, Receipt{Time: k.o.Clock.Now().UTC(), Step: Planned, Deletion: d})
		}
	}
	return k.o.Receipts.append(planned)
}

// dropAll deletes what is planned and says what the stores said to each item.
func (k *Keeper) dropAll(ctx context.Context, plan []Deletion) map[itemKey]error {
	of := map[string][]throng.Item{}
	for _, d := range plan {
		of[d.Item.Store] = append(of[d.Item.Store], d.Item)
	}
	errs := map[itemKey]error{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if bulk, ok := k.o.Stores[name].(Bulk); ok && len(of[name]) > 1 && bulk.DropItems(ctx, of[name]) == nil {
			continue
		}
		for _, item := range of[name] {
			errs[itemKey{name, item.Name}] = k.drop(ctx, item)
		}
	}
	return errs
}

func (k *Keeper) drop(ctx context.Context, item throng.Item) error {
	store, ok := k.o.Stores[item.Store]
	if !ok {
		return fmt.Errorf("no store %q", item.Store)
	}
	return store.DropItem(ctx, item)
}

// undone is the error of a deletion that did not happen or of which it is not known.
func undone(d Deletion, inv inventory, dropErr error) error {
	if inv.answered[d.Item.Store] && !inv.present[keyOf(d)] {
		return nil
	}
	if dropErr == nil && inv.answered[d.Item.Store] {
		dropErr = errors.New("the store dropped it and still has it")
	}
	if dropErr == nil {
		return nil // the store's failing inventory is an error already
	}
	return fmt.Errorf("delete %s of %s: %w", d.Item.Name, d.Item.Store, dropErr)
}

// settle writes the receipts of all deletions on record whose item is gone.
func (k *Keeper) settle(inv inventory) ([]Receipt, error) {
	var done []Receipt
	now := k.o.Clock.Now().UTC()
	for key, d := range k.o.Receipts.open() {
		if inv.answered[key.store] && !inv.present[key] {
			done = append(done, Receipt{Time: now, Step: Deleted, Deletion: d, Verified: &Verification{now, byInventory}})
		}
	}
	slices.SortFunc(done, func(a, b Receipt) int {
		return strings.Compare(a.Item.Store+"/"+a.Item.Name, b.Item.Store+"/"+b.Item.Name)
	})
	if err := k.o.Receipts.append(done); err != nil {
		return nil, err
	}
	return done, nil
}
