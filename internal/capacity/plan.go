package capacity

import (
	"errors"
	"math"
	"time"
)

// Demand is what an installation has to bear.
type Demand struct {
	// LinesPerSecond is the mean of a day, over all sources. Required.
	LinesPerSecond float64
	// Peak is the busiest hour's rate over the mean, from 1 to 5. Defaults to 1.6, as `throng gen` writes a day.
	Peak float64
	// Ships is the number of machines with logs; each cuts a block every 30 s at least. Defaults to as many as the rate needs.
	Ships int
	// Merge says that the store may merge parts of up to 1 GB (max_bytes_to_merge_at_max_space_in_pool of events and open_units), so
	// that fewer parts are left. Tables are created without: it costs CPU that small installations need elsewhere.
	Merge bool
	// Outage is how long what fails in the simulation is away. Defaults to 10 minutes.
	Outage time.Duration
	// Seed chooses the noise of the simulated day. Defaults to 0, which is one of all seeds.
	Seed uint64
}

// Plan is what bears a demand: each stage is used to 60 % in the busiest hour, and one loader may fail.
type Plan struct {
	Demand
	// Brokers write 100 MB a second, Loaders have two cores, Shards sixteen; Ships, of the demand, two. Partitions are those of a day's topic.
	Brokers, Partitions, Loaders, Shards int
	// ShipCores, LoadCores and StoreCores are at work in the busiest hour.
	ShipCores, LoadCores, StoreCores float64
	// Blocks are cut in a second, in the mean of a day.
	Blocks float64
	// Parts are left of a day in a table of a shard.
	Parts float64
	// BrokerDay and StoreDay are the bytes that a day adds, with all copies; BrokerDisk and StoreDisk what is there at most.
	BrokerDay, StoreDay, BrokerDisk, StoreDisk float64
	// Close is the CPU time to close a day, were it to grow with the visits as it does up to 50 million.
	Close time.Duration
}

// Plan says what is needed. It fails for a demand that is out of range.
func (d Demand) Plan() (Plan, error) {
	if d.Peak == 0 {
		d.Peak = 1.6
	}
	if d.Outage == 0 {
		d.Outage = 10 * time.Minute
	}
	switch {
	case !(d.LinesPerSecond >= 1 && d.LinesPerSecond <= 1e7):
		return Plan{}, errors.New("plan capacity: lines per second: from 1 to 10,000,000")
	case !(d.Peak >= 1 && d.Peak <= 5):
		return Plan{}, errors.New("plan capacity: peak: from 1 to 5 times the mean")
	case d.Ships < 0 || d.Ships > 1000:
		return Plan{}, errors.New("plan capacity: ships: from 1 to 1,000")
	case d.Outage < time.Minute || d.Outage > 4*time.Hour:
		return Plan{}, errors.New("plan capacity: outage: from 1m to 4h")
	}
	return d.plan(), nil
}

func (d Demand) plan() Plan {
	p := Plan{Demand: d}
	day, peak := d.LinesPerSecond*86400, d.LinesPerSecond*d.Peak/1e6
	p.ShipCores, p.LoadCores = peak*shipCPU, peak*loaderCPU
	p.Ships = max(1, d.Ships, ceil(p.ShipCores/use/shipCores))
	p.Brokers = max(brokerCopies, ceil(peak*1e6*wireBytes*brokerCopies/brokerRate/use))
	p.Loaders = max(2, ceil(peak*1e6/use/loaderRate))
	p.Partitions = max(4, 2*p.Loaders)
	p.Blocks = p.blocks()
	p.StoreCores = peak * (storeCPU + float64(d.merges())*mergeCPU)
	p.Shards = max(1, ceil(p.StoreCores/use/shardCores), ceil(p.partsOf(1)/partsPlanned))
	p.Parts = p.partsOf(p.Shards)
	p.BrokerDay, p.StoreDay = day*wireBytes*brokerCopies, day*storeBytes*storeCopies
	p.BrokerDisk, p.StoreDisk = p.BrokerDay*brokerDays, p.StoreDay*storeDays
	p.Close = time.Duration(day * visitsPerLine / closeVisits * closeCPU * float64(time.Second))
	return p
}

// loaderRate is how many lines a second one loader takes while the store has cores left.
const loaderRate = insertsAtOnce * 1e6 / (loaderCPU + storeCPU)

// merges is how often a full block's rows are merged: ten parts into one while the result may be so large.
func (d Demand) merges() int { return mergesUpTo(d.mergeLimit(), partBytes) }

func (d Demand) mergeLimit() float64 {
	if d.Merge {
		return mergedUpToHuge
	}
	return mergedUpTo
}

func mergesUpTo(limit, part float64) (times int) {
	for part *= mergedAtOnce; part <= limit; part *= mergedAtOnce {
		times++
	}
	return times
}

// cut is how many blocks a second are cut at a rate of lines, and how many lines each has: full ones, or one of each ship every 30 s.
func (p Plan) cut(rate float64) (blocks, lines float64) {
	blocks = max(rate/blockLines, float64(p.Ships)/blockAge)
	return blocks, rate / blocks
}

// blocks is the mean of a day.
func (p Plan) blocks() (mean float64) {
	c := newCurve(p.Demand)
	for minute := range minutes {
		blocks, _ := p.cut(c.mean(minute))
		mean += blocks / minutes
	}
	return mean
}

// partsOf is how many parts of a day a table has in the end, on each of so many shards: of a quiet hour's small blocks fewer than of a
// busy hour's full ones, which are not merged.
func (p Plan) partsOf(shards int) (parts float64) {
	c := newCurve(p.Demand)
	for minute := range minutes {
		blocks, lines := p.cut(c.mean(minute))
		times := mergesUpTo(p.mergeLimit(), partBytes*lines/blockLines)
		parts += 60 * blocks / float64(shards) / math.Pow(mergedAtOnce, float64(times))
	}
	return parts
}

// CatchUp is how long it takes to load what waited, after the store was away for Outage in the busiest hour: what came meanwhile, over
// what the stage can take more than what comes.
func (p Plan) CatchUp() time.Duration {
	peak := p.LinesPerSecond * p.Peak
	most := min(float64(p.Loaders)*loaderRate, float64(p.Shards)*shardCores*1e6/(storeCPU+float64(p.merges())*mergeCPU))
	return time.Duration(float64(p.Outage) * peak / (most - peak))
}

func ceil(x float64) int { return int(math.Ceil(x)) }
