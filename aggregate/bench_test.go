package aggregate_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"throng"
	"throng/aggregate"
	"throng/aggregate/dp"
)

// columns is a day of many units, kept in columns and yielded without copying: what is measured is
// the closer, not the store.
type columns struct {
	*memory
	rows  throng.UnitRows
	cells []throng.CellKey
}

const benchBatch = 65_536

func (c *columns) Cells(context.Context, throng.Period) ([]throng.CellKey, error) {
	return c.cells, nil
}

func (c *columns) CountUnits(context.Context, throng.Period) (uint64, error) {
	return uint64(len(c.rows.Unit)), nil
}

func (c *columns) Units(_ context.Context, _ throng.Period, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	from, _ := slices.BinarySearch(c.rows.Unit, lo)
	to := len(c.rows.Unit)
	if hi < math.MaxUint64 {
		to, _ = slices.BinarySearch(c.rows.Unit, hi+1)
	}
	for ; from < to; from += benchBatch {
		end := min(from+benchBatch, to)
		err := yield(throng.UnitRows{
			Unit: c.rows.Unit[from:end], Cell: c.rows.Cell[from:end],
			OptedOut: c.rows.OptedOut[from:end], Visits: c.rows.Visits[from:end], Network: c.rows.Network[from:end],
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// day has units of five rows on average over paths of a long tail.
func day(units, paths int) *columns {
	r := rand.New(rand.NewPCG(1, 2))
	c := &columns{memory: newMemory()}
	for p := range paths {
		path := fmt.Sprintf("/section-%d/page-%d", p%200, p)
		c.cells = append(c.cells, throng.CellKey{Cell: cellOf("www", path), Site: "www", Table: throng.PathTable, Key: path})
	}
	tail := rand.NewZipf(r, 1.2, 8, uint64(paths-1))
	var unit []throng.CellID
	for u := range units {
		token := throng.UnitToken(uint64(u) * (math.MaxUint64 / uint64(units)))
		unit = unit[:0]
		for range 1 + int(r.ExpFloat64()*4) {
			unit = append(unit, c.cells[tail.Uint64()].Cell)
		}
		slices.SortFunc(unit, func(a, b throng.CellID) int { return cmp.Compare(a, b) })
		for _, cell := range unit {
			c.rows.Unit = append(c.rows.Unit, token)
			c.rows.Cell = append(c.rows.Cell, cell)
			c.rows.OptedOut = append(c.rows.OptedOut, false)
			c.rows.Visits = append(c.rows.Visits, 1)
			c.rows.Network = append(c.rows.Network, uint64(u%(units/4))+1)
		}
	}
	return c
}

// cpu is the processor time of the process, which a busy machine does not stretch.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPartition bounds, gates, folds and draws a site's day; the store costs nothing.
func BenchmarkPartition(b *testing.B) {
	for _, size := range []struct{ units, paths int }{{200_000, 10_000}, {200_000, 100_000}, {2_000_000, 100_000}} {
		b.Run(fmt.Sprintf("units=%d/paths=%d", size.units, size.paths), func(b *testing.B) {
			store := day(size.units, size.paths)
			p, err := dp.Calibrate(dp.Budget{}, throng.DayPeriod, throng.PathTable, throng.PathTable)
			if err != nil {
				b.Fatal(err)
			}
			m, err := dp.New(throng.DayPeriod, throng.PathTable, p)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			began := cpu(b)
			for b.Loop() {
				if _, err := aggregate.Partition(store, today.Period(), "www", [16]byte{}, m); err != nil {
					b.Fatal(err)
				}
			}
			rows := float64(len(store.rows.Unit)) * float64(b.N) / 1e6
			b.ReportMetric(rows/b.Elapsed().Seconds(), "Mrows/s")
			b.ReportMetric((cpu(b)-began).Seconds()/rows, "CPU-s/Mrows")
		})
	}
}
