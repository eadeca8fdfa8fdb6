package capacity

// Measured on 2 cores of a shared virtual machine at 2.5 GHz; a change of docs/performance.md has to come here (TestMeasured).
const (
	shipCPU   = 1.25 // CPU s a million lines: `throng bench ship`, docs/performance.md
	storeCPU  = 1.34 // CPU s a million lines inserted: the process of `throng engine serve` while 4 million came, docs/capacity.md
	loaderCPU = .41  // CPU s a million lines: file to store (3.0, docs/performance.md) less the two above
	mergeCPU  = .80  // CPU s a million lines, each time that they are merged: 0.40 of events, 0.53 of a million visits, of which there are .75

	blockLines = 200_000 // lines of a full block: 181,000 in docs/capacity.md, 262,144 at most
	partBytes  = 4.0e6   // of the table of events that a full block makes, on disk
	wireBytes  = 42      // of an event in the broker, docs/design/storage.md
	storeBytes = 45      // of an event in the store, in all tables: system.parts, docs/capacity.md

	closeCPU      = 30. // CPU s to close closeVisits, docs/performance.md
	closeVisits   = 50e6
	visitsPerLine = .75
)

// As the code, the configuration's defaults and the schema have it.
const (
	blockAge       = 30.   // s after which a block is cut: broker.block.max_age
	senders        = 3     // blocks on their way at a time, of a ship
	outbox         = 8     // blocks that a ship holds before it stops reading
	insertsAtOnce  = 2     // of a loader
	noticed        = 30.   // s until the group misses a dead loader (session timeout)
	regrouping     = 5.    // s at most in which the group forms anew and nobody fetches
	partsDelay     = 5_000 // parts of a partition of a table, from which inserts are slowed down, by up to a second
	partsRefused   = 10_000
	partsPlanned   = 4_750 // of a day, so that chance does not bring a shard to partsDelay
	mergedAtOnce   = 10    // parts
	mergedUpTo     = 8e6   // bytes: whole blocks are not merged, as the tables are created
	mergedUpToHuge = 1e9   // bytes, where the operator lets the store merge (Demand.Merge)
	brokerDays     = 3.    // a day's topic goes 48 hours after its end
	storeDays      = 10.   // until events are gone
)

// Assumed, and not measured.
const (
	brokerCopies = 3
	brokerRate   = 100e6 // bytes a second that a broker writes, its copies of others' included: a link of 1 Gbit/s
	brokerWait   = .015  // s: a round trip to the copies and their disks
	failover     = 10.   // s until the leaders of a dead broker are elsewhere (Kafka: broker.session.timeout.ms = 9000)
	leadersBack  = 300.  // s until one that came back leads again (Kafka: leader.imbalance.check.interval.seconds)
	storeCopies  = 2
	shipCores    = 2
	loaderCores  = 2
	shardCores   = 16
	use          = .6  // of a core, in the busiest hour: what is left is there to catch up with
	noise        = .15 // standard deviation of a minute's rate around the curve
)
