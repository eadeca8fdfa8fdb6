package clickhouse_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

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
