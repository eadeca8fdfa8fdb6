package capacity

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// Incident is what fails in a simulated day, at the busiest hour.
type Incident int

const (
	// Undisturbed is a day without a fault.
	Undisturbed Incident = iota
	// LoaderLost has one loader away for Demand.Outage; the others take over when the group has noticed.
	LoaderLost
	// BrokerLost has one broker away for Demand.Outage; its partitions have another leader after ten seconds.
	BrokerLost
	// StoreAway has all shards away for Demand.Outage.
	StoreAway
)

// String names it as a table does.
func (i Incident) String() string {
	return [...]string{"nothing", "a loader away", "a broker away", "the store away"}[i]
}

// Incidents are all of them.
func Incidents() []Incident { return []Incident{Undisturbed, LoaderLost, BrokerLost, StoreAway} }

// Day is what a simulated day was like.
type Day struct {
	// P50, P99 and Max are of the time between a line's writing and its being in the store, over all lines.
	P50, P99, Max time.Duration
	// CaughtUp is how long after the end of the fault lines were still loaded later than within usual, the longest lag of the undisturbed
	// day. 0 where none was.
	CaughtUp time.Duration
	// ShipUse, BrokerUse and StoreUse are the shares of the busiest hour in which the stages worked; of the busiest shard and broker.
	ShipUse, BrokerUse, StoreUse float64
	// Of the Lines that came, some are Loaded, and some Waiting in a ship, in the broker or in a loader when the day ends.
	Lines, Loaded, Waiting float64
	// Blocks were loaded. Parts is the most that a table of a shard had; Refused are the inserts that the store did not take for that.
	Blocks, Parts, Refused int
	// BrokerBytes and StoreBytes are what the day added, with all copies.
	BrokerBytes, StoreBytes float64
}

type broker struct {
	disk  *station
	away  bool
	moved float64 // when its partitions have another leader
}

type simulation struct {
	clockwork
	curve      *curve
	random     *rand.Rand
	ships      []*ship
	brokers    []*broker
	partitions []*partition
	loaders    []*loader
	shards     []*shard
	lags       lags
	underway   float64 // lines between ships and brokers
	landings   int
	refused    int
}

// Simulate lets a day pass with an incident. Usual is the longest lag of an undisturbed day ([Day.Max]); 0 for that day itself.
func (p Plan) Simulate(incident Incident, usual time.Duration) Day {
	s := newSimulation(p)
	s.lags.usual = 1.05*usual.Seconds() + 1
	for at := tick; at <= 86400; at += tick {
		s.at(at, func() {
			for _, h := range s.ships {
				h.step()
			}
		})
	}
	s.lags.until = 86400
	mended := s.plan(incident, p.Outage.Seconds())
	s.run(86400)
	return s.day(mended)
}

func newSimulation(p Plan) *simulation {
	s := &simulation{curve: newCurve(p.Demand), random: rand.New(rand.NewPCG(p.Seed, 's'))}
	for range p.Ships {
		s.ships = append(s.ships, &ship{s: s, cores: newStation(1)})
	}
	for range p.Brokers {
		s.brokers = append(s.brokers, &broker{disk: newStation(1)})
	}
	for range p.Loaders {
		s.loaders = append(s.loaders, &loader{s: s})
	}
	for i := range p.Partitions {
		s.partitions = append(s.partitions, &partition{s: s, home: i % p.Brokers, leader: i % p.Brokers, owner: s.loaders[i%p.Loaders]})
		s.partitions[i].owner.partitions = append(s.partitions[i].owner.partitions, s.partitions[i])
	}
	for range p.Shards {
		s.shards = append(s.shards, &shard{cores: newStation(shardCores), limit: p.mergeLimit()})
	}
	return s
}

// plan lets an incident happen at the busiest hour, and says when it is over.
func (s *simulation) plan(incident Incident, outage float64) (mended float64) {
	switch incident {
	case LoaderLost:
		victim := s.loaders[0]
		s.at(busiest, victim.die)
		s.at(busiest+noticed, s.regroup)
		s.at(busiest+outage, func() {
			victim.dead = false
			s.regroup()
		})
		s.lags.until = busiest + outage // its return halts the group for a moment, as any member's does
		return busiest + noticed + regrouping
	case BrokerLost:
		s.loseBroker(s.brokers[0], outage)
		return busiest + failover
	case StoreAway:
		s.at(busiest, func() {
			for _, sh := range s.shards {
				sh.back = busiest + outage
			}
		})
		return busiest + outage
	}
	return busiest
}

// loseBroker has the others lead what it led, each a part, until it is back for a while.
func (s *simulation) loseBroker(lost *broker, outage float64) {
	s.at(busiest, func() { lost.away, lost.moved = true, busiest+failover })
	s.at(busiest+failover, func() {
		for i, p := range s.partitions {
			if s.brokers[p.leader] == lost {
				p.leader = (p.home + 1 + i/len(s.brokers)%(len(s.brokers)-1)) % len(s.brokers)
			}
		}
	})
	s.at(busiest+outage, func() { lost.away = false })
	s.at(busiest+outage+leadersBack, func() {
		for _, p := range s.partitions {
			p.leader = p.home
		}
	})
}

// waiting are the lines that came and are not loaded, wherever they are.
func (s *simulation) waiting() (lines float64) {
	lines = s.underway
	for _, h := range s.ships {
		lines += h.block.lines
		for _, w := range h.waiting {
			lines += w.lines
		}
		for _, b := range h.out {
			lines += b.lines
		}
	}
	for _, p := range s.partitions {
		for _, b := range p.blocks {
			lines += b.lines
		}
	}
	for _, l := range s.loaders {
		for _, b := range l.underway {
			lines += b.lines
		}
	}
	return lines
}

func (s *simulation) day(mended float64) Day {
	d := Day{Blocks: len(s.lags.all), Refused: s.refused, Loaded: s.lags.lines, Waiting: s.waiting()}
	d.P50, d.P99, d.Max = s.lags.quantile(.5), s.lags.quantile(.99), s.lags.quantile(1)
	if s.lags.usual > 1 {
		d.CaughtUp = seconds(max(0, s.lags.late-mended))
	}
	for _, h := range s.ships {
		d.ShipUse = max(d.ShipUse, h.cores.peak()/shipCores)
	}
	for _, b := range s.brokers {
		d.BrokerUse = max(d.BrokerUse, b.disk.peak())
	}
	for _, sh := range s.shards {
		d.StoreUse, d.Parts = max(d.StoreUse, sh.cores.peak()), max(d.Parts, sh.most)
	}
	for at := tick; at <= 86400; at += tick {
		d.Lines += s.curve.rate(at) * tick
	}
	d.StoreBytes, d.BrokerBytes = d.Loaded*storeBytes*storeCopies, d.Loaded*wireBytes*brokerCopies
	return d
}

// lags are how late blocks were loaded.
type lags struct {
	usual float64 // s
	until float64 // s of the day, after which late is not looked for
	late  float64 // when the last block was loaded that had a line later than usual; s of the day
	lines float64
	all   []lag
}

// lag is that of a block's lines in the middle of it, and of its first.
type lag struct{ mean, most, lines float64 }

func (l *lags) loaded(now float64, b parcel) {
	sum := 0.
	for _, p := range b.pieces {
		sum += p.at * p.lines
	}
	most := now - b.pieces[0].at
	l.all = append(l.all, lag{now - sum/b.lines, most, b.lines})
	l.lines += b.lines
	if most > l.usual && now < l.until {
		l.late = now
	}
}

// quantile is that of all lines, taken to be as late as the middle of their block; of 1, the latest line's.
func (l *lags) quantile(q float64) time.Duration {
	if len(l.all) == 0 {
		return 0
	}
	if q == 1 {
		return seconds(slices.MaxFunc(l.all, func(a, b lag) int { return cmp.Compare(a.most, b.most) }).most)
	}
	slices.SortFunc(l.all, func(a, b lag) int { return cmp.Compare(a.mean, b.mean) })
	sum := 0.
	for _, a := range l.all {
		if sum += a.lines; sum >= q*l.lines {
			return seconds(a.mean)
		}
	}
	return seconds(l.all[len(l.all)-1].mean)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
