package clickhouse_test

import (
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"throng"
	"throng/internal/clickhouse/clickhousetest"
)

// cpu is the CPU time of the whole process: the engine's threads and Go's.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMiB is the highest resident size of the process so far, in MiB.
func peakMiB() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	for _, f := range strings.Fields(rest)[:1] {
		for _, c := range f {
			kb = kb*10 + float64(c-'0')
		}
	}
	return kb / 1024
}

// BenchmarkInsertBlock inserts blocks of 262,144 rows from 10 million devices and 30,000 paths.
func BenchmarkInsertBlock(b *testing.B) {
	const rows = 262_144
	s := clickhousetest.Open(b)
	tr := newTraffic(30_000, 10_000_000)
	blocks := make([][]byte, 6)
	for i := range blocks {
		blocks[i] = tr.block(b, rows)
	}
	start := cpu()
	b.ResetTimer()
	n := 0
	for b.Loop() {
		if err := s.InsertBlock(b.Context(), blockID(n), rows, blocks[n%len(blocks)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
	million := float64(n) * rows / 1e6
	b.ReportMetric((cpu()-start).Seconds()/million, "cpu-s/Mrow")
	b.ReportMetric(million/b.Elapsed().Seconds(), "Mrow/s")
	b.ReportMetric(peakMiB(), "peak-MiB")
}

// BenchmarkUnits reads the open units of 10 million visits in two ranges at the same time.
func BenchmarkUnits(b *testing.B) {
	const rows, blocks = 262_144, 44
	s := clickhousetest.Open(b)
	tr := newTraffic(30_000, 10_000_000)
	for n := range blocks {
		if err := s.InsertBlock(b.Context(), blockID(n), rows, tr.block(b, rows)); err != nil {
			b.Fatal(err)
		}
	}
	start := cpu()
	var read uint64
	b.ResetTimer()
	for b.Loop() {
		var wg sync.WaitGroup
		var halves [2]uint64
		for i := range halves {
			wg.Go(func() {
				lo := throng.UnitToken(i) << 63
				err := s.Units(b.Context(), day.Period(), lo, lo+1<<63-1, func(r throng.UnitRows) error {
					halves[i] += uint64(len(r.Unit))
					return nil
				})
				if err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
		read += halves[0] + halves[1]
	}
	b.ReportMetric(float64(read)/1e6/b.Elapsed().Seconds(), "Mrow/s")
	b.ReportMetric((cpu()-start).Seconds()/(float64(read)/1e6), "cpu-s/Mrow")
	b.ReportMetric(peakMiB(), "peak-MiB")
}
