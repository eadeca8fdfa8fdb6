package retention_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"throng"
	"throng/internal/broker"
	brokerembedded "throng/internal/broker/embedded"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
	"throng/retention"
)

// BenchmarkApply deletes 1,000 partitions and 100 topics of four partitions each from the embedded engines, with
// receipts, and then verifies that nothing is left. BenchmarkVerify asks for the oldest records of as many.
func BenchmarkApply(b *testing.B) {
	var used time.Duration
	for b.Loop() {
		b.StopTimer()
		k, _, end := crowded(b)
		before := cpuTime(b)
		b.StartTimer()
		report, err := k.Sweep(b.Context())
		if err != nil || len(report.Deleted) != partitions+topics || len(report.Violations) > 0 {
			b.Fatalf("%d deleted, %d violations, %v", len(report.Deleted), len(report.Violations), err)
		}
		used += cpuTime(b) - before
		b.StopTimer()
		end()
		b.StartTimer()
	}
	b.ReportMetric(used.Seconds()/float64(b.N), "cpu-s/op")
}

func BenchmarkVerify(b *testing.B) {
	k, now, end := crowded(b)
	defer end()
	before := cpuTime(b)
	for b.Loop() {
		report, err := k.Verify(b.Context(), now)
		if err != nil || len(report.Violations) != partitions+topics {
			b.Fatalf("%d violations, %v", len(report.Violations), err)
		}
	}
	b.ReportMetric((cpuTime(b)-before).Seconds()/float64(b.N), "cpu-s/op")
}

// cpuTime is what this process, and the engines in it, have used: on a busy machine the clock says little.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const (
	partitions = 1000
	topics     = 100
)

// crowded is a keeper of engines that hold more than they should, for three years; end closes them.
func crowded(b *testing.B) (k *retention.Keeper, now time.Time, end func()) {
	b.Helper()
	dir := b.TempDir()
	store, closeStore := clickhousetest.OpenDir(b, filepath.Join(dir, "clickhouse"))
	server, err := brokerembedded.Open(b.Context(), brokerembedded.Options{Dir: filepath.Join(dir, "broker")})
	if err != nil {
		b.Fatal(err)
	}
	client, err := broker.Open(b.Context(), broker.Options{Addrs: []string{server.Addr()}})
	if err != nil {
		b.Fatal(err)
	}
	receipts, err := retention.OpenReceipts(filepath.Join(dir, "receipts"))
	if err != nil {
		b.Fatal(err)
	}
	end = func() {
		if err := errors.Join(client.Close(), server.Close(), receipts.Close()); err != nil {
			b.Error(err)
		}
		closeStore()
	}
	for ago := range partitions {
		if err := store.MarkPassed(b.Context(), dayAgo(20+ago), 0, 1); err != nil {
			b.Fatal(err)
		}
	}
	for ago := range topics {
		if err := client.EnsureTopic(b.Context(), throng.EventsTopic(dayAgo(20+ago))); err != nil {
			b.Fatal(err)
		}
	}
	k, err = retention.New(retention.Options{
		Stores:   map[string]retention.Store{clickhouse.StoreName: store, broker.Store: client},
		Receipts: receipts, Clock: &clock{noon}, Log: discard, Closed: func(throng.Period) bool { return false },
	})
	if err != nil {
		b.Fatal(err)
	}
	return k, noon, end
}
