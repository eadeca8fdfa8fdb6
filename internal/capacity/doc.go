// Package capacity says what an installation for a rate of lines has to be made of, and simulates a day of it.
//
//	web hosts ─▶ ships ─▶ partitions on brokers ─▶ loaders ─▶ shards
//	 day curve   parse,    copies, leaders          two inserts  cores, parts
//	 and noise   3 senders                          each         of a partition
//
// [Demand.Plan] is arithmetic on what was measured (measured.go has each figure with its source). [Plan.Simulate] is a
// discrete-event simulation that is fed with the same figures and knows the stages as the code has them: blocks that are cut by size
// and age, three senders a ship, a partition chosen by hash, two inserts a loader committed in order, a shard chosen by hash, a store
// that slows down and then refuses inserts when a table has too many parts. It needs no assumption that rates add up, that queues are short,
// or how long a stage takes to catch up: these are its results.
//
// # What it guarantees
//
// The same demand and seed give the same figures. Every simulated line is loaded or counted as waiting at the end. A test compares plan
// and simulation over the rates of docs/capacity.md, and writes the tables there.
//
// # What it does not
//
// It is no measurement of more than one machine. What is assumed and was not measured is named so in measured.go. It knows nothing of the
// cost of a close beside the load, of other users of the store, nor of a network's faults but the loss of a member.
package capacity
