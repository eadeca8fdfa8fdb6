package aggregate

import (
	"context"
	"math"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"throng"
)

// unitRanges is the number of ranges into which the units are split. Tokens are hashes, so ranges
// are of one size; there are many so that workers finish together.
const unitRanges = 64

// census reads a period's units out of the store once, bounds them, and keeps what the bounds leave in
// memory, since the partition goes over the devices several times. What does not fit is read and
// bounded again at each pass: bounding is a function of the units and the sampling key, so every pass
// sees the same devices.
type census struct {
	store   Store
	period  throng.Period
	tree    *tree
	workers int
	memory  int64 // for records of devices

	read     bool
	kept     [unitRanges]records
	used     atomic.Int64
	size     atomic.Int64 // of a range's records, as the largest so far tell
	networks *crowdedNetworks
}

// records are the devices of a range, one after the other (device.appendTo), where all is true.
type records struct {
	bytes []byte
	all   bool
}

// pass goes over all devices with several workers; each gets a visitor of its own from newVisitor,
// called on this goroutine, and calls it with one device after the other.
func (c *census) pass(ctx context.Context, newVisitor func() func(*device)) error {
	if len(c.tree.nodes) == 0 {
		return nil
	}
	if !c.read {
		c.networks = newCrowdedNetworks(c.workers)
	}
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for w := range c.workers {
		visit := newVisitor()
		g.Go(func() error {
			r := reader{census: c, visit: visit, seen: c.networks.of(w)}
			r.bounder = newBounder(c.tree, r.take)
			for i := next.Add(1) - 1; i < unitRanges; i = next.Add(1) - 1 {
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
	}
	return err
}

// reader is one worker's way through the devices of a range.
type reader struct {
	census  *census
	bounder *bounder
	visit   func(*device)
	seen    *networkCounts
	device  device
	into    *records // of the range, while it is read for the first time
}

func (r *reader) rangeOf(ctx context.Context, i int) error {
	c := r.census
	if r.into = nil; c.kept[i].all {
		for b := c.kept[i].bytes; len(b) > 0; {
			b = r.device.next(b)
			r.visit(&r.device)
		}
		return nil
	}
	if !c.read {
		r.into = &c.kept[i]
		r.reserve(c.size.Load())
	}
	const width = math.MaxUint64/unitRanges + 1
	first := throng.UnitToken(uint64(i) * width)
	r.bounder.begin(first, first+(width-1))
	if err := c.store.Units(ctx, c.period, first, first+(width-1), r.bounder.add); err != nil {
		c.kept[i] = records{}
		return err
	}
	r.bounder.end()
	if r.into != nil {
		c.size.Store(max(c.size.Load(), int64(len(r.into.bytes))*33/32))
	}
	return nil
}

// reserve makes room for a range's records, so that they need not grow.
func (r *reader) reserve(size int64) {
	*r.into = records{all: true}
	if c := r.census; c.used.Load()+size <= c.memory {
		r.into.bytes = make([]byte, 0, size)
		c.used.Add(int64(cap(r.into.bytes)))
	}
}

// take notes a device that was read from the store.
func (r *reader) take(d *device) {
	if !r.census.read {
		r.seen.add(d.network)
		r.keep(d)
	}
	r.visit(d)
}

// keep appends the device to its range's records, unless memory is used up.
func (r *reader) keep(d *device) {
	if !r.into.all {
		return
	}
	had := cap(r.into.bytes)
	r.into.bytes = d.appendTo(r.into.bytes)
	grown := int64(cap(r.into.bytes) - had)
	if grown > 0 && r.census.used.Add(grown) > r.census.memory {
		r.census.used.Add(-int64(cap(r.into.bytes)))
		*r.into = records{}
	}
}
