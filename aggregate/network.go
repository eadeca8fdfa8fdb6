package aggregate

import (
	"context"
	"math"
	"math/bits"
	"slices"

	"throng"
)

// networkCounts counts devices by network, up to 255. Networks that share a slot are taken for one when it is
// asked whether they are crowded, and told apart when their devices are counted.
type networkCounts struct{ slots []uint8 }

func (n *networkCounts) add(networks []uint32) {
	mask := uint32(len(n.slots) - 1)
	for _, network := range networks {
		if s := &n.slots[network&mask]; network != 0 && *s < math.MaxUint8 {
			*s++
		}
	}
}

// crowdedNetworks knows the networks with more devices than may help a cell. Almost all have fewer, and
// their devices need no second look.
type crowdedNetworks struct {
	byWorker []networkCounts // until settle
	crowded  networkCounts
	any      bool
}

// newCrowdedNetworks has slots for a period of as many rows: so many that networks seldom become crowded by
// sharing one, at most 16 MiB for each worker.
func newCrowdedNetworks(workers int, rows uint64) *crowdedNetworks {
	c := &crowdedNetworks{byWorker: make([]networkCounts, workers)}
	slots := min(max(1<<bits.Len64(rows/8), 1<<16), 1<<24)
	for i := range c.byWorker {
		c.byWorker[i].slots = make([]uint8, slots)
	}
	return c
}

// of is what worker w counts with while the devices are read for the first time.
func (c *crowdedNetworks) of(w int) *networkCounts {
	if c.byWorker == nil {
		return nil
	}
	return &c.byWorker[w]
}

// settle adds up what the workers have counted.
func (c *crowdedNetworks) settle() {
	c.crowded = c.byWorker[0]
	for i := range c.crowded.slots {
		sum := 0
		for _, w := range c.byWorker {
			sum += int(w.slots[i])
		}
		c.crowded.slots[i] = uint8(min(sum, math.MaxUint8))
		c.any = c.any || sum > throng.MaxUnitsPerNetwork
	}
	c.byWorker = nil
}

func (c *crowdedNetworks) has(network uint32) bool {
	return network != 0 && c.crowded.slots[network&uint32(len(c.crowded.slots)-1)] > throng.MaxUnitsPerNetwork
}

// cells says in which cell a pass counts a device: for each leaf node the cell, or none.
type cells struct {
	of []int32
	// optedOut is of for devices that opted out. Defaults to of.
	optedOut []int32
	n        int
	// apart says that a leaf node's cell is the node itself, so that a device need not be looked at as a whole.
	apart bool
}

// forOptedOut is what of is for devices that opted out.
func (c *cells) forOptedOut() []int32 {
	if c.optedOut != nil {
		return c.optedOut
	}
	return c.of
}

// empty tells that nothing is counted.
func (c *cells) empty() bool {
	counts := func(cell int32) bool { return cell != none }
	return !slices.ContainsFunc(c.of, counts) && !slices.ContainsFunc(c.optedOut, counts)
}

// countInto gives a visitor that counts devices by cell. Where there is nothing to count the pass goes on, since how
// often the store is read must not tell which levels visitors' paths have.
func (c *cells) countInto(count []uint32) visitor {
	switch {
	case c.empty():
		return func(*devices) {}
	case c.apart:
		return func(d *devices) {
			for _, l := range d.leaf {
				count[l.node()]++
			}
		}
	}
	last := make([]uint32, len(count)) // device that is counted
	var device uint32
	var p picked
	return func(d *devices) {
		p.pick(d, c.of, c.forOptedOut())
		in := p.cell
		for _, n := range p.of {
			device++
			for _, cell := range in[:n] {
				if last[cell] != device {
					count[cell]++
				}
				last[cell] = device
			}
			in = in[n:]
		}
	}
}

// appendTo adds cells, each once.
func appendTo(to, cells []int32) []int32 {
	for _, cell := range cells {
		if !slices.Contains(to, cell) {
			to = append(to, cell)
		}
	}
	return to
}

// devices counts distinct devices by cell; of one network at most [throng.MaxUnitsPerNetwork] count in
// a cell. Adding a device raises each of its cells by 1 at most, so that the limit does not widen what
// the noise has to cover, which choosing 64 devices of each network would. Counts under k are not
// corrected for crowded networks: they fail either way.
func (c *census) devices(ctx context.Context, in cells, k int64) ([]int64, error) {
	count, err := c.countDevices(ctx, in)
	if err != nil || c.networks == nil || !c.networks.any {
		return count, err
	}
	large := make([]bool, in.n)
	some := false
	for i, n := range count {
		large[i] = n >= k
		some = some || large[i]
	}
	if !some {
		return count, nil
	}
	return count, c.leaveOutCrowds(ctx, in, large, count)
}

func (c *census) countDevices(ctx context.Context, in cells) ([]int64, error) {
	var all [][]uint32
	err := c.pass(ctx, func() visitor {
		mine := make([]uint32, in.n)
		all = append(all, mine)
		return in.countInto(mine)
	})
	sum := make([]int64, in.n)
	for _, part := range all {
		for i, n := range part {
			if !in.apart || in.of[i] != none {
				sum[i] += int64(n)
			}
		}
	}
	return sum, err
}

// leaveOutCrowds takes out of the large cells' counts the devices over the limit of their networks.
func (c *census) leaveOutCrowds(ctx context.Context, in cells, large []bool, count []int64) error {
	var all []map[uint64]uint32
	err := c.pass(ctx, func() visitor {
		mine := map[uint64]uint32{}
		all = append(all, mine)
		var at []int32
		var p picked
		return func(d *devices) {
			p.pick(d, in.of, in.forOptedOut())
			of := p.cell
			for i, n := range p.of {
				network := d.network[i]
				if at = at[:0]; c.networks.has(network) {
					at = appendTo(at, of[:n])
				}
				of = of[n:]
				for _, cell := range at {
					if large[cell] {
						mine[uint64(cell)<<32|uint64(network)]++
					}
				}
			}
		}
	})
	if err != nil || len(all) == 0 {
		return err
	}
	total := all[0]
	for _, part := range all[1:] {
		for key, n := range part {
			total[key] += n
		}
	}
	for key, n := range total {
		count[key>>32] -= int64(max(n, throng.MaxUnitsPerNetwork) - throng.MaxUnitsPerNetwork)
	}
	return nil
}
