package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"throng"
	"throng/internal/loadgen"
)

type genCommand struct {
	Lines      uint64  `placeholder:"N" help:"The number of lines. Defaults to what the readership makes."`
	Seed       uint64  `help:"Chooses one of many logs." default:"0"`
	From       string  `placeholder:"CSV" type:"existingfile" help:"A readership table (page,pageviews,visits,active_visitors). Defaults to a built-in model."`
	Pages      int     `default:"10000" help:"The number of pages of the built-in model."`
	Day        string  `placeholder:"DAY" help:"The UTC day of the log, YYYY-MM-DD. Defaults to yesterday."`
	Days       int     `default:"1" help:"The number of days over which the lines are spread."`
	Devices    uint64  `placeholder:"N" help:"The number of devices. Defaults to 4 million."`
	UserAgents int     `default:"600" help:"The number of distinct user agents of people."`
	Rate       float64 `placeholder:"N" help:"Lines a second, as a shipper on a live log would see them. Defaults to as fast as possible."`
	Flood      bool    `help:"Every line has a path, user agent, referrer and address of its own. Needs --lines; other flags but --seed, --day and --days have no meaning."`
	Truth      string  `placeholder:"F" help:"Also write what an exact reader would count, as JSON."`
}

func (genCommand) Help() string {
	return "Writes access-log lines (combined plus the two signal fields) to standard output: page views, assets, errors,\n" +
		"bots and junk, in the order of time, the same for the same seed.\n\n" +
		"Example:\n  throng gen --lines 1000000 --truth truth.json > access.log"
}

func (c genCommand) Run(a *app, ctx context.Context) error {
	if c.Flood {
		return c.flood(a)
	}
	log, err := c.log(a)
	if err != nil {
		return usageError{err}
	}
	if c.Truth != "" {
		b, err := json.MarshalIndent(log.Truth(), "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Truth, append(b, '\n'), 0o600); err != nil {
			return fmt.Errorf("write truth: %w", err)
		}
	}
	return c.write(a, ctx, log)
}

// log is the log that the flags describe.
func (c genCommand) log(a *app) (*loadgen.Log, error) {
	day, err := c.day(a)
	if err != nil {
		return nil, err
	}
	pages, err := readership(c.From, c.Pages)
	if err != nil {
		return nil, err
	}
	return loadgen.New(loadgen.Options{
		Readership: pages, Lines: c.Lines, Seed: c.Seed, Devices: c.Devices, UserAgents: c.UserAgents,
		Start: day.Start(), End: (day + throng.Day(c.Days)).Start(),
	})
}

// day is the first day of the log.
func (c genCommand) day(a *app) (throng.Day, error) {
	if c.Day == "" {
		return throng.DayOf(a.clock.Now()) - 1, nil
	}
	return throng.ParseDay(c.Day)
}

func (c genCommand) flood(a *app) error {
	day, err := c.day(a)
	if err != nil {
		return usageError{err}
	}
	if c.Lines == 0 || c.Truth != "" || c.Rate > 0 {
		return usageError{errors.New("gen --flood: --lines is needed, and --truth and --rate cannot be had")}
	}
	f := loadgen.Flood{Lines: c.Lines, Seed: c.Seed, Start: day.Start(), End: (day + throng.Day(c.Days)).Start()}
	if _, err := f.WriteTo(a.out); err != nil {
		return fmt.Errorf("write lines: %w", err)
	}
	return nil
}

// readership reads a readership table, or makes the built-in one.
func readership(csv string, pages int) ([]loadgen.Page, error) {
	if csv == "" {
		return loadgen.Model(pages), nil
	}
	f, err := os.Open(csv)
	if err != nil {
		return nil, fmt.Errorf("read readership: %w", err)
	}
	defer f.Close()
	return loadgen.ReadCSV(f)
}

// genStep is the number of lines that are written between two looks at the context.
const genStep = 100_000

// write writes the log as fast as it is taken, or at the wanted rate, ten times a second.
func (c genCommand) write(a *app, ctx context.Context, log *loadgen.Log) error {
	out := bufio.NewWriterSize(a.out, 1<<20)
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	due, at := 0.0, uint64(0)
	for at < log.Lines() && ctx.Err() == nil {
		n := uint64(genStep)
		if c.Rate > 0 {
			<-tick.C
			due += c.Rate / 10
			n = uint64(due)
			due -= float64(n)
		}
		_, err := log.Section(at, at+n).WriteTo(out)
		if err == nil && c.Rate > 0 {
			err = out.Flush()
		}
		if err != nil {
			return fmt.Errorf("write lines: %w", err)
		}
		at += n
	}
	return out.Flush()
}
