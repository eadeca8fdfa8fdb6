package loadgen_test

import (
	"bytes"
	"testing"
	"time"

	"throng/ingest/accesslog"
	"throng/internal/loadgen"
)

func TestFloodRepeatsNothing(t *testing.T) {
	start := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	if _, err := (loadgen.Flood{Lines: 50_000, Start: start, End: start.Add(24 * time.Hour)}).WriteTo(&log); err != nil {
		t.Fatal(err)
	}
	p, err := accesslog.New("combined_signals")
	if err != nil {
		t.Fatal(err)
	}
	var rec accesslog.Record
	seen := map[string]bool{}
	n := 0
	for line := range bytes.Lines(log.Bytes()) {
		if err := p.Parse(line, &rec); err != nil {
			t.Fatalf("line %d: %v", n, err)
		}
		for name, v := range map[string][]byte{"path": rec.Path, "agent": rec.UserAgent, "referrer": rec.Referer} {
			if seen[name+string(v)] {
				t.Fatalf("line %d: its %s was there before", n, name)
			}
			seen[name+string(v)] = true
		}
		if !rec.RemoteAddr.IsValid() || rec.Time < start.Unix() || rec.Time >= start.Unix()+86400 {
			t.Fatalf("line %d: no address, or another day", n)
		}
		n++
	}
	if n != 50_000 {
		t.Errorf("%d lines", n)
	}
}

func TestFloodNeedsAPeriod(t *testing.T) {
	if _, err := (loadgen.Flood{Lines: 1}).WriteTo(&bytes.Buffer{}); err == nil {
		t.Error("a flood of no time was written")
	}
}
