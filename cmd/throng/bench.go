package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"throng"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/internal/config"
	"throng/internal/loadgen"
)

type benchCommand struct {
	Stage   string `arg:"" enum:"parse,ship,load,close,sql" help:"parse: read, parse, anonymize and cut. ship: and send to the broker. load: and into the store. close: and close the day; without FILE, close made days. sql: let ClickHouse read the log itself, to compare."`
	File    string `arg:"" optional:"" help:"The log; - is standard input. Defaults to a made one."`
	Lines   uint64 `default:"4000000" help:"The number of lines of the made log."`
	Dir     string `placeholder:"D" help:"Where to put the temporary state. Defaults to the system's temporary directory."`
	Profile string `placeholder:"F" help:"Write a processor profile of what is measured, for go tool pprof."`
	madeDays
}

func (benchCommand) Help() string {
	return "Measures on lines of one day: a file, standard input (-), or a made log of 30,000 pages, 10 million devices and 2,000 user\n" +
		"agents in a temporary file. Prints one line: million lines a second, CPU seconds a million lines, peak memory.\n" +
		"close without FILE makes the day in the store, without a log, and prints seconds, CPU seconds and peak memory of its close.\n\n" +
		"Example:\n  throng gen --lines 100000000 | throng bench load -\n  throng bench close --visits 50000000 --devices 10000000"
}

func (c benchCommand) Run(a *app, ctx context.Context) error {
	dir, err := os.MkdirTemp(c.Dir, "throng-bench-")
	if err != nil {
		return err
	}
	return errors.Join(c.run(a, ctx, dir), os.RemoveAll(dir))
}

func (c benchCommand) run(a *app, ctx context.Context, dir string) error {
	made := c.Stage == "close" && c.File == ""
	if err := c.check(); made && err != nil {
		return err
	}
	feed, day := ingest.Feed{Name: "bench"}, throng.DayOf(a.clock.Now())
	if !made {
		var err error
		if feed, day, err = c.feed(a, dir); err != nil {
			return err
		}
	}
	clock := &movedClock{}
	clock.Set(day.End().Add(36 * time.Hour))
	cfg := demoConfig(filepath.Join(dir, "state"), "bench", "", config.Source{Name: feed.Name, Path: strings.Join(feed.Globs, ""), Stdin: feed.Stream != nil, Format: "auto"})
	if c.Stage == "sql" {
		cfg.Store.MemoryLimit = sqlMemory
	}
	n, err := newNode(cfg, clock, io.Discard)
	if err != nil {
		return err
	}
	b := &bench{demo: demo{node: n, out: a.out, moved: clock}, stage: c.Stage, feed: feed, day: day}
	run := func() error { return profiled(c.Profile, func() error { return b.run(ctx) }) }
	if made {
		run = func() error { return b.closeMade(ctx, c.madeDays, c.Profile) }
	}
	return errors.Join(run(), n.close())
}

// profiled writes a processor profile of run to path, if there is one.
func profiled(path string, run func() error) error {
	if path == "" {
		return run()
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(fmt.Errorf("write profile: %w", err), f.Close())
	}
	err = run()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// feed is the log to measure on, and its day.
func (c benchCommand) feed(a *app, dir string) (ingest.Feed, throng.Day, error) {
	f := ingest.Feed{Name: "bench", Site: "bench", Globs: []string{c.File}}
	if c.File == "-" {
		f.Globs = nil
		r := bufio.NewReaderSize(a.in, 1<<20)
		f.Stream = r
		day, err := peekDay(r)
		return f, day, err
	}
	if c.File == "" {
		made, err := c.made(a, dir)
		if err != nil {
			return f, 0, err
		}
		f.Globs = []string{made}
	}
	d, day, ok, err := openDayFeed(f.Globs[0])
	if err != nil {
		return f, 0, err
	}
	if !ok {
		err = fmt.Errorf("read log %s: no line has a time", f.Globs[0])
	}
	f.Format = d.format
	return f, day, errors.Join(err, d.f.Close())
}

// peekDay is the day of the first line with a time.
func peekDay(r *bufio.Reader) (throng.Day, error) {
	head, err := r.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read lines: %w", err)
	}
	lr, err := newLineReader(strings.NewReader(string(head)), lineOptions{Format: "auto"})
	if err != nil {
		return 0, err
	}
	d := &dayFeed{parser: lr.parser}
	for {
		line, _, err := lr.next()
		if err != nil {
			return 0, errors.New("read lines: none of the first has a time")
		}
		if day, ok := d.dayOf(line); ok {
			return day, nil
		}
	}
}

// made writes a log to measure on.
func (c benchCommand) made(a *app, dir string) (path string, err error) {
	day := throng.DayOf(a.clock.Now()) - 1
	log, err := loadgen.New(loadgen.Options{
		Readership: loadgen.Model(30_000), Lines: c.Lines, Devices: 10_000_000, UserAgents: 2_000, Start: day.Start(), End: day.End(),
	})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "access.log")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	_, err = log.Reader().WriteTo(f)
	return path, errors.Join(err, f.Close())
}

// bench is one measurement.
type bench struct {
	demo
	stage string
	feed  ingest.Feed
	day   throng.Day
}

func (b *bench) run(ctx context.Context) error {
	if b.stage == "sql" {
		return b.sql(ctx)
	}
	if b.stage == "parse" {
		ratchet := keys.Ephemeral(b.clock)
		s, err := b.shipperTo(nowhere{}, ratchet)
		if err != nil {
			return err
		}
		return b.measure(s, func() error { return s.Run(ctx) })
	}
	var err error
	if b.broker, err = b.openBroker(ctx); err != nil {
		return err
	}
	if b.ratchet, err = b.openKeys(); err != nil {
		return err
	}
	s, err := b.shipperTo(b.broker, b.ratchet)
	if err != nil {
		return err
	}
	if b.stage == "ship" {
		return b.measure(s, func() error { return s.Run(ctx) })
	}
	return b.load(ctx, s)
}

// load measures file to store and, for close, the close that follows.
func (b *bench) load(ctx context.Context, s *ingest.Shipper) (err error) {
	if b.store, err = b.openStore(ctx); err != nil {
		return err
	}
	if b.loader, err = b.node.loader(b.broker, b.store); err != nil {
		return err
	}
	loading, stop := context.WithCancel(ctx)
	loaded := make(chan error, 1)
	go func() { loaded <- b.loader.Run(loading) }()
	err = b.measure(s, func() error {
		if err := s.Run(ctx); err != nil {
			return err
		}
		return b.drained(ctx, s)
	})
	if err == nil && b.stage == "close" {
		err = b.measureClose(ctx, s)
	}
	stop()
	return errors.Join(err, <-loaded)
}

// drained waits until every event that was sent is in the store.
func (b *bench) drained(ctx context.Context, s *ingest.Shipper) error {
	for b.loader.Progress().Rows < s.Tally().Events {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

func (b *bench) measureClose(ctx context.Context, s *ingest.Shipper) (err error) {
	if b.closer, err = b.node.closer(b.broker, b.store); err != nil {
		return err
	}
	start, cpu := time.Now(), cpuTime()
	if err := b.close(ctx, b.day); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "close of %s visits: %.2f s, %.2f CPU-s, peak %d MiB\n", thousands(s.Tally().Visits), time.Since(start).Seconds(), (cpuTime() - cpu).Seconds(), peakMiB())
	return nil
}

func (b *bench) shipperTo(to ingest.Broker, ratchet *keys.Ratchet) (*ingest.Shipper, error) {
	o, err := b.shipOptions([]ingest.Feed{b.feed}, to, ratchet)
	if err != nil {
		return nil, err
	}
	o.Once, o.Logger = true, slog.New(slog.DiscardHandler)
	return ingest.NewShipper(o)
}

// measure times a run and prints its figures.
func (b *bench) measure(s *ingest.Shipper, run func() error) error {
	start, cpu := time.Now(), cpuTime()
	if err := run(); err != nil {
		return err
	}
	b.print(s.Progress().Lines, time.Since(start), cpuTime()-cpu)
	return nil
}

// print writes the line of figures of a run over so many lines.
func (b *bench) print(lines uint64, wall, cpu time.Duration) {
	millions := float64(lines) / 1e6
	fmt.Fprintf(b.out, "%s: %s lines in %.2f s: %.2f M lines/s, %.2f CPU-s/M, peak %d MiB\n", b.stage, thousands(lines),
		wall.Seconds(), millions/wall.Seconds(), cpu.Seconds()/millions, peakMiB())
}

// nowhere takes blocks and forgets them.
type nowhere struct{}

func (nowhere) EnsureTopic(context.Context, string) error             { return nil }
func (nowhere) Produce(context.Context, string, []byte, []byte) error { return nil }

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMiB is the largest resident size of this process so far; 0 where the system does not tell.
func peakMiB() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb >> 10
		}
	}
	return 0
}
