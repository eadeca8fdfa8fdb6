package main

import (
	"time"

	"throng/internal/capacity"
)

type capacityCommand struct {
	LinesPerSecond float64       `required:"" placeholder:"N" help:"The rate of lines, over all sources, in the mean of a day."`
	Peak           float64       `default:"1.6" help:"The busiest hour's rate over the mean, 1 to 5."`
	Ships          int           `placeholder:"N" help:"The number of machines with logs. Defaults to as many as the rate needs."`
	Merge          bool          `help:"Let the store merge parts of up to 1 GB: fewer shards, more CPU. Needs a setting of two tables, which is printed."`
	Outage         time.Duration `default:"10m" help:"How long what fails in the simulated day is away, 1m to 4h."`
	Seed           uint64        `default:"0" help:"Chooses one of many days."`
}

func (capacityCommand) Help() string {
	return "Says how many partitions, loaders and shards, and how much disk a rate of lines needs, from what was measured on one machine, and\n" +
		"simulates four days of it: one as it should be, and three in whose busiest hour a loader, a broker or the store is away. Nothing is\n" +
		"started or measured; docs/capacity.md says where the figures are from, and which are assumed. A million lines a second take ten seconds or so.\n\n" +
		"Example:\n  throng capacity --lines-per-second 100000 --peak 2.5 --merge"
}

func (c capacityCommand) Run(a *app) error {
	p, err := capacity.Demand{LinesPerSecond: c.LinesPerSecond, Peak: c.Peak, Ships: c.Ships, Merge: c.Merge, Outage: c.Outage, Seed: c.Seed}.Plan()
	if err != nil {
		return usageError{err}
	}
	days := map[capacity.Incident]capacity.Day{}
	for _, incident := range capacity.Incidents() {
		days[incident] = p.Simulate(incident, days[capacity.Undisturbed].Max)
	}
	return p.Report(a.out, days)
}
