package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"throng"
	"throng/ingest/block"
)

// madeDays are days that bench makes and puts straight into the store, a block at a time, as loaders do:
// what is measured is the close, and a log of so many lines would take longer to read than to close.
type madeDays struct {
	Visits  uint64 `default:"4000000" help:"close without FILE: the visits of each made day."`
	Devices uint64 `default:"800000" help:"close without FILE: the devices that they are of."`
	Paths   uint64 `default:"100000" help:"close without FILE: the paths, a few of which are visited often."`
	Flood   uint64 `help:"close without FILE: so many of the visits have a path that nobody else visits."`
	Days    int    `default:"1" help:"close without FILE: the days, 1 to 8; their span is closed after them."`
}

const maxMadeDays = 8

func (m madeDays) check() error {
	if m.Days < 1 || m.Days > maxMadeDays || m.Visits == 0 || m.Devices == 0 || m.Paths == 0 || m.Flood > m.Visits {
		return usageError{errors.New("bench close: visits, devices and paths have to be above 0, days 1 to 8, and the flood no more than the visits")}
	}
	return nil
}

// closeMade makes days, closes each, and then the span that they are of. The profile is of the last close.
func (b *bench) closeMade(ctx context.Context, m madeDays, profile string) (err error) {
	if b.broker, b.store, err = b.openEngines(ctx); err != nil {
		return err
	}
	if b.closer, err = b.node.closer(b.broker, b.store); err != nil {
		return err
	}
	span := throng.SpanOf(b.day)
	for day := span.First(); day < span.First()+throng.Day(m.Days); day++ {
		b.moved.Set(day.End().Add(time.Hour))
		if err := errors.Join(b.fill(ctx, m, day), settle(ctx)); err != nil {
			return err
		}
		of := ""
		if m.Days == 1 {
			of = profile
		}
		err := b.measurePeriod(fmt.Sprintf("close of a day of %s visits", thousands(m.Visits)), of, func() error {
			_, err := b.closer.CloseDay(ctx, day)
			return err
		})
		if err != nil {
			return err
		}
	}
	if m.Days == 1 {
		return nil
	}
	b.moved.Set(span.Last().End().Add(49 * time.Hour))
	return b.measurePeriod(fmt.Sprintf("close of the span of %d such days", m.Days), profile, func() error {
		_, err := b.closer.CloseSpan(ctx, span)
		return err
	})
}

// measurePeriod times a close; the peak is that of the close alone, where the system can forget earlier ones.
func (b *bench) measurePeriod(what, profile string, run func() error) error {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // without it the peak is that of the whole process
	before := peakMiB()
	start, cpu := time.Now(), cpuTime()
	if err := profiled(profile, run); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "%s: %.2f s, %.2f CPU-s, peak %d MiB (%d MiB before)\n", what, time.Since(start).Seconds(), (cpuTime() - cpu).Seconds(), peakMiB(), before)
	return nil
}

// settle waits until this process is idle, two minutes at most: a day is closed hours after its last lines, when the engine
// has merged what they were inserted as.
func settle(ctx context.Context) error {
	for range 120 {
		before := cpuTime()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		if cpuTime()-before < 100*time.Millisecond {
			return nil
		}
	}
	return nil
}

// fill puts a day into the store, from as many goroutines as there are processors.
func (b *bench) fill(ctx context.Context, m madeDays, day throng.Day) error {
	start, cpu := time.Now(), cpuTime()
	var next atomic.Uint64
	blocks := (m.Visits + block.MaxRows - 1) / block.MaxRows
	g, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			t := madeTraffic{madeDays: m, day: day, builder: block.NewBuilder()}
			for n := next.Add(1) - 1; n < blocks; n = next.Add(1) - 1 {
				id, rows, native, err := t.block(n)
				if err == nil {
					err = b.store.InsertBlock(ctx, id, rows, native)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	if err == nil {
		fmt.Fprintf(b.out, "%s: %s visits of %s devices made and inserted in %.0f s, %.0f CPU-s\n", day, thousands(m.Visits), thousands(m.Devices), time.Since(start).Seconds(), (cpuTime() - cpu).Seconds())
	}
	return err
}

// madeTraffic makes the blocks of a day. One goroutine owns it.
type madeTraffic struct {
	madeDays
	day     throng.Day
	builder *block.Builder
	message []byte
	paths   []string // by rank; made when they are visited first
}

// block makes the day's block number n, always the same.
func (t *madeTraffic) block(n uint64) (id throng.BlockID, rows int, native []byte, err error) {
	r := rand.New(rand.NewPCG(uint64(t.day), n))
	popular := rand.NewZipf(r, 1.2, 20, t.Paths-1)
	if t.paths == nil {
		t.paths = make([]string, t.Paths)
	}
	first, last := n*block.MaxRows, min((n+1)*block.MaxRows, t.Visits)
	t.builder.Reset()
	for i := first; i < last; i++ {
		// The flood is spread over the day, as evenly as whole numbers allow.
		if (i+1)*t.Flood/t.Visits > i*t.Flood/t.Visits {
			t.visit(r, t.Paths+i, fmt.Sprintf("/search/%x", scatter(i+1)))
			continue
		}
		rank := popular.Uint64()
		if t.paths[rank] == "" {
			t.paths[rank] = fmt.Sprintf("/section-%d/article-with-a-title-%d", rank%97, rank)
		}
		t.visit(r, rank, t.paths[rank])
	}
	id = throng.BlockID{Source: throng.SourceID{15: 1}, Start: first, End: last, Day: t.day}
	if t.message, err = t.builder.Encode(t.message[:0], throng.BlockHeader{BlockID: id}); err != nil {
		return id, 0, nil, err
	}
	_, _, native, err = block.Parse(t.message)
	return id, int(last - first), native, err
}

// visit adds a visit of a random device; one in eight opts out, and about 256 of ten million share a network.
func (t *madeTraffic) visit(r *rand.Rand, path uint64, text string) {
	device := r.Uint64N(t.Devices)
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], uint32(scatter(device)))
	e := throng.Event{
		Time: t.day.Start().Unix() + r.Int64N(86_400), Site: "bench", Path: text, Method: throng.GET, Status: 200,
		Bytes: 2000 + r.Uint64N(50_000), Client: throng.Client(device % 8), ClientMajor: uint16(100 + device%40), OS: throng.OS(device % 6),
		Network: netip.PrefixFrom(netip.AddrFrom4(a), 24).Masked(), Visit: true,
		Unit: throng.UnitToken(scatter(device + 1<<32)), Cell: throng.CellID(scatter(path + 1<<48)),
	}
	if device%8 == 1 {
		e.OptedOut, e.Signal = true, throng.DNT
	}
	t.builder.Append(&e)
}

// scatter is the finalizer of SplitMix64, in place of a keyed hash: no two numbers give the same.
func scatter(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
