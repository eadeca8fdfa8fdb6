package aggregate

import (
	"context"
	"math"

	"throng"
)

// networkSlots is the number of counters for networks. Networks that share one are taken for one when
// it is asked whether they are crowded, and told apart when their devices are counted.
const networkSlots = 1 << 20

// networkCounts counts devices by network, up to 255.
type networkCounts struct{ slots []uint8 }

func (n *networkCounts) add(network uint32) {
	if s := &n.slots[network%networkSlots]; network != 0 && *s < math.MaxUint8 {
		*s++
	}
}

// crowdedNetworks knows the networks with more devices than may help a cell. Almost all have fewer, and
// their devices need no second look.
type crowdedNetworks struct {
	byWorker []networkCounts // until settle
	crowded  []uint8
	any      bool
}

func newCrowdedNetworks(workers int) *crowdedNetworks {
	c := &crowdedNetworks{byWorker: make([]networkCounts, workers)}
	for i := range c.byWorker {
		c.byWorker[i].slots = make([]uint8, networkSlots)
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
	c.crowded = c.byWorker[0].slots
	for i := range c.crowded {
		sum := 0
		for _, w := range c.byWorker {
			sum += int(w.slots[i])
		}
		c.crowded[i] = uint8(min(sum, math.MaxUint8))
		c.any = c.any || sum > throng.MaxUnitsPerNetwork
	}
	c.byWorker = nil
}

func (c *crowdedNetworks) has(network uint32) bool {
	return network != 0 && c.crowded[network%networkSlots] > throng.MaxUnitsPerNetwork
}

// cells says in which cell a pass counts a device: for each leaf node the cell, or none. With split,
// cell i has two counts: 2i for devices that did not opt out, 2i+1 for those that did. The former count at
// leaf nodes only that are mixed.
type cells struct {
	of    []int32
	n     int
	split bool
	mixed []bool
}

// appendTo adds the cells in which a device counts, each once.
func (c *cells) appendTo(to []int32, d *device) []int32 {
	for _, l := range d.leaves {
		cell := c.of[l.node]
		if cell == none {
			continue
		}
		if c.split {
			cell *= 2
			switch {
			case d.optedOut:
				cell++
			case !c.mixed[l.node]:
				continue
			}
		}
		if !has(to, cell) {
			to = append(to, cell)
		}
	}
	return to
}

func has(cells []int32, cell int32) bool {
	for _, c := range cells {
		if c == cell {
			return true
		}
	}
	return false
}

// devices counts distinct devices by cell; of one network at most [throng.MaxUnitsPerNetwork] count in
// a cell. Adding a device raises each of its cells by 1 at most, so that the limit does not widen what
// the noise has to cover, which choosing 64 devices of each network would. Counts under k are not
// corrected for crowded networks: they fail either way.
func (c *census) devices(ctx context.Context, in cells, k int64) ([]int64, error) {
	if in.split {
		in.n *= 2
	}
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
	var all [][]int64
	err := c.pass(ctx, func() func(*device) {
		mine := make([]int64, in.n)
		all = append(all, mine)
		var at []int32
		return func(d *device) {
			at = in.appendTo(at[:0], d)
			for _, cell := range at {
				mine[cell]++
			}
		}
	})
	return addUp(all, in.n), err
}

func addUp(all [][]int64, n int) []int64 {
	sum := make([]int64, n)
	for _, part := range all {
		for i, v := range part {
			sum[i] += v
		}
	}
	return sum
}

// leaveOutCrowds takes out of the large cells' counts the devices over the limit of their networks.
func (c *census) leaveOutCrowds(ctx context.Context, in cells, large []bool, count []int64) error {
	var all []map[uint64]uint32
	err := c.pass(ctx, func() func(*device) {
		mine := map[uint64]uint32{}
		all = append(all, mine)
		var at []int32
		return func(d *device) {
			if !c.networks.has(d.network) {
				return
			}
			at = in.appendTo(at[:0], d)
			for _, cell := range at {
				if large[cell] {
					mine[uint64(cell)<<32|uint64(d.network)]++
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
