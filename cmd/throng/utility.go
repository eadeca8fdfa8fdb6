package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"throng"
	"throng/aggregate/utility"
	"throng/internal/durable"
	"throng/internal/loadgen"
)

type utilityCommand struct {
	Readership string `placeholder:"CSV" help:"The readership to simulate (page,pageviews,visits,active_visitors). Defaults to a built-in model."`
	Runs       int    `default:"8" help:"How often the day is closed under the method's own parameters; a quarter of it under others."`
	Small      bool   `help:"A small site and few draws; ends within seconds."`
	To         string `placeholder:"DIR" help:"Also write utility.md and utility.svg into this directory."`
}

func (utilityCommand) Help() string {
	return "Measures what a reader gets: closes a busy day with known truth through the real bounds, gates and noise, and compares what is\n" +
		"published with the truth: how much is shown, how far off it is, how often the intervals hold it, and what ε, k and the bounds\n" +
		"on contributions change. Nothing is stored and nobody is counted: the devices are made up. A readership of 16 million visits\n" +
		"takes a minute or two and 2 GB.\n\n" +
		"Example:\n  throng utility --readership readership.csv --to docs"
}

// sizes are the numbers of devices at which single cells are drawn: around the gate, then by tens.
var sizes = []int64{4_000, 4_999, 5_000, 5_200, 5_300, 5_370, 5_450, 5_500, 5_600, 6_000, 7_000, 8_000, 10_000, 20_000, 50_000, 200_000, 500_000}

func (c utilityCommand) Run(a *app, ctx context.Context) error {
	if c.Runs < 1 {
		return usageError{errors.New("utility: --runs: at least 1")}
	}
	log, source, err := c.log()
	if err != nil {
		return err
	}
	report, plot, err := c.measure(ctx, log, source)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := report.Write(&b); err != nil {
		return err
	}
	if _, err := a.out.Write(b.Bytes()); err != nil || c.To == "" {
		return err
	}
	head := "# What a reader gets\n\nWritten by `throng utility --to docs`. What the words mean is in [utility-method.md](utility-method.md).\n\n" +
		"![Share of cells published and median error by number of devices](utility.svg)\n\n"
	return errors.Join(durable.WriteFile(filepath.Join(c.To, "utility.md"), append([]byte(head), b.Bytes()...)),
		durable.WriteFile(filepath.Join(c.To, "utility.svg"), plot))
}

// log is the busy day of the demo: all visits of the readership in one day.
func (c utilityCommand) log() (*loadgen.Log, string, error) {
	pages, source := loadgen.Model(10_000), "a model of a national archive's sites"
	o := loadgen.Options{}
	if c.Small {
		pages, o.Devices, o.Lines = loadgen.Model(300)[:60], 200_000, 900_000
		source += ", 60 pages of it"
	}
	if c.Readership != "" {
		f, err := os.Open(c.Readership)
		if err != nil {
			return nil, "", usageError{fmt.Errorf("utility: %w", err)}
		}
		defer f.Close()
		if pages, err = loadgen.ReadCSV(f); err != nil {
			return nil, "", usageError{fmt.Errorf("utility: %s: %w", c.Readership, err)}
		}
		source = filepath.Base(c.Readership) + ", all of it in one day"
	}
	o.Readership, o.Key = pages, throng.LeafKey
	o.Start = throng.Day(0).Start()
	o.End = o.Start.Add(24 * time.Hour)
	log, err := loadgen.New(o)
	if err != nil {
		return nil, "", usageError{fmt.Errorf("utility: %w", err)}
	}
	return log, source, nil
}

func (c utilityCommand) measure(ctx context.Context, log *loadgen.Log, source string) (*utility.Report, []byte, error) {
	p := utility.NewPopulation(log)
	r := &utility.Report{Source: source, Visits: p.Visits, Devices: p.Devices, Leaves: p.Leaves()}
	settings := []utility.Setting{utility.Defaults, {K: throng.MinDevices, Epsilon: 0.5}, {K: throng.MinDevices, Epsilon: 0.25}, {K: 7500, Epsilon: 1}, {K: 10_000, Epsilon: 1}}
	draws := 2000
	if c.Small {
		settings, draws = settings[:2], 200
	}
	var lines [][]utility.Size // of the plot
	for i, s := range settings {
		runs := c.Runs
		if i > 0 {
			runs = max(1, runs/4)
		}
		result, err := utility.Measure(ctx, "", p, s, runs)
		if err != nil {
			return nil, nil, err
		}
		r.Results = append(r.Results, result)
		line, err := utility.Sizes(s, draws/5, utility.PlotSizes()...)
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, line)
	}
	var err error
	if r.Sizes, err = utility.Sizes(utility.Defaults, draws, sizes...); err != nil {
		return nil, nil, err
	}
	if r.Month, err = utility.MeasureMonth(ctx, "", log, utility.Defaults); err != nil {
		return nil, nil, err
	}
	if r.Bounds, err = utility.Bounds(log, []int64{3, 10, 30}, []int64{1, 3, 10}); err != nil {
		return nil, nil, err
	}
	var plot bytes.Buffer
	err = utility.Plot(&plot, lines)
	return r, plot.Bytes(), err
}
