package aggregate

import (
	"context"
	"fmt"
	"math/bits"
	"runtime/debug"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"throng"
)

// gatheredRows is how many rows all workers hold at a time, in 16 bytes each. More of them make fewer ranges,
// and each range costs the store a look at all that it has.
const gatheredRows = 12 << 20

// census reads a period's units out of the store once, bounds them, and keeps what the bounds leave in
// memory, since the partition goes over the devices several times. What does not fit is read and
// bounded again at each pass: bounding is a function of the units and the sampling key, so every pass
// sees the same devices.
type census struct {
	store   Store
	period  throng.Period
	tree    *tree
	workers int
	memory  int64 // for kept devices

	rows     uint64      // of the period, about
	kept     [][]devices // by range of units; nil where they are read again. Nil before the first pass
	read     bool
	used     atomic.Int64 // of memory
	networks *crowdedNetworks
}

// visitor is one worker's part of a pass. The devices are the census's again when it returns.
type visitor func(*devices)

// pass goes over all devices with several workers; each gets a visitor of its own from newVisitor,
// called on this goroutine, and calls it with some devices after the others.
func (c *census) pass(ctx context.Context, newVisitor func() visitor) error {
	if len(c.tree.nodes) == 0 {
		return nil
	}
	if c.kept == nil || !c.read {
		if err := c.begin(ctx); err != nil {
			return err
		}
	}
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for w := range c.workers {
		r := &reader{census: c, visit: newVisitor(), seen: c.networks.of(w)}
		g.Go(func() error {
			for i := next.Add(1) - 1; int(i) < len(c.kept); i = next.Add(1) - 1 {
				if err := r.rangeOf(ctx, int(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	if err == nil && !c.read {
		c.read = true
		c.networks.settle()
		debug.FreeOSMemory() // what the gatherers had, before the store needs some for what is folded
	}
	return err
}

// begin chooses the ranges of units for the first pass. Tokens are hashes, so ranges are of one size; there
// are several for each worker so that they finish together.
func (c *census) begin(ctx context.Context) (err error) {
	if c.rows, err = c.store.CountUnits(ctx, c.period); err != nil {
		return fmt.Errorf("count units: %w", err)
	}
	n := max(c.rows*uint64(c.workers)/gatheredRows, uint64(4*c.workers)-1)
	c.kept = make([][]devices, 1<<bits.Len64(n))
	c.networks = newCrowdedNetworks(c.workers, c.rows)
	c.used.Store(0)
	return nil
}

// unitRange is the range of units with number i.
func (c *census) unitRange(i int) (first, last throng.UnitToken) {
	shift := 64 - bits.Len(uint(len(c.kept)-1))
	first = throng.UnitToken(i) << shift
	return first, first + 1<<shift - 1
}

// reader is one worker's way through the devices of ranges.
type reader struct {
	census  *census
	visit   visitor
	seen    *networkCounts
	gather  *gatherer // nil until something is read
	bounder *bounder
}

func (r *reader) rangeOf(ctx context.Context, i int) error {
	c := r.census
	if kept := c.kept[i]; kept != nil {
		for j := range kept {
			r.visit(&kept[j])
		}
		return nil
	}
	if r.gather == nil {
		r.gather, r.bounder = newGatherer(c.tree, c.rows/uint64(len(c.kept))), newBounder(c.tree)
	}
	first, last := c.unitRange(i)
	r.gather.begin(first, last)
	if err := c.store.Units(ctx, c.period, first, last, r.gather.add); err != nil {
		return err
	}
	keep := keeper{census: c, of: []devices{}, full: c.read}
	r.gather.each(func(rows []unitRow) {
		d := r.bounder.bound(rows)
		if !c.read {
			r.seen.add(d.network)
		}
		keep.add(d)
		r.visit(d)
	})
	if !keep.full {
		c.kept[i] = keep.of
	}
	return nil
}

// keeper keeps a range's devices, or none of them once memory is used up.
type keeper struct {
	*census
	of    []devices
	bytes int64
	full  bool
}

func (k *keeper) add(d *devices) {
	if k.full {
		return
	}
	kept := d.clone(k.period.Kind() == throng.DayPeriod)
	n := kept.bytes()
	k.bytes += n
	if k.used.Add(n) > k.memory {
		k.used.Add(-k.bytes)
		k.of, k.full = nil, true
		return
	}
	k.of = append(k.of, kept)
}
