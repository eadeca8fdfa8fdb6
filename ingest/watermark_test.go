package ingest_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"throng/ingest"
)

// listener calls heard with every message that is logged, on the goroutine that logs it.
type listener struct{ heard func(msg string) }

func (l listener) Write(p []byte) (int, error) {
	l.heard(string(p))
	return len(p), nil
}

// TestWatermarkGoesOnAfterATruncation truncates a log, and lets it outgrow what was read of it, after a look
// at names and before that look's reading. The lines then seem to reach further than the copy, which
// has what is still to be read, ever will.
func TestWatermarkGoesOnAfterATruncation(t *testing.T) {
	s := newSite(t)
	other := filepath.Join(s.dir, "other.log")
	s.write(20)
	if err := os.Rename(s.log(), other); err != nil {
		t.Fatal(err)
	}
	s.write(30)
	s.globs = []string{"*.log"} // access.log is looked at before other.log

	var once sync.Once
	truncate := func(msg string) {
		if strings.Contains(msg, "a file was truncated") {
			once.Do(func() {
				s.copytruncate("access.log.1")
				s.write(100)
			})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	sh := s.shipper(ingest.ShipOptions{Logger: slog.New(slog.NewTextHandler(listener{heard: truncate}, nil))})
	done := make(chan error, 1)
	go func() { done <- sh.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	s.arrived()

	b, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other+".1", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(other, 0); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(3 * time.Minute)
	for read := func() time.Time { return sh.Progress().Sources[0].Watermark }; ; time.Sleep(2 * time.Millisecond) {
		if s.broker.lines(t) == 150 && read().After(start.Add(time.Hour)) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d lines have arrived, and the watermark is %s", s.broker.lines(t), read())
		}
		if s.broker.lines(t) == 150 {
			s.clock.move(time.Hour)
		}
	}
}
