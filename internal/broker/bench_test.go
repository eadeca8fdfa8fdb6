package broker_test

import (
	"crypto/rand"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkLeg sends blocks of 12 MiB through the embedded broker, synced, and reads them again, with
// four in flight; B/s are of blocks, and cpu-s/GB is the processor time of all sides together.
func BenchmarkLeg(b *testing.B) {
	const size, inFlight = 12 << 20, 4
	c := newClient(b)
	topic := newTopic(b, c)
	s := subscribe(b, c, topic)
	block := make([]byte, size)
	rand.Read(block)
	b.SetBytes(size)
	before := cpu()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range inFlight {
		wg.Go(func() {
			for j := i; j < b.N; j += inFlight {
				if err := c.Produce(b.Context(), topic, []byte{byte(j)}, block); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		m, err := s.Fetch(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Commit(b.Context(), m); err != nil {
			b.Fatal(err)
		}
	}
	wg.Wait()
	b.ReportMetric((cpu()-before).Seconds()/(float64(b.N)*size/1e9), "cpu-s/GB")
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
