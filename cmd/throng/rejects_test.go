package main

import (
	"io"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/anonymize/keys"
	"throng/ingest"
	"throng/internal/config"
)

// TestALineFromTheFutureIsCountedByItsReason ships lines of a web server whose clock runs ahead, and one that
// cannot be read.
func TestALineFromTheFutureIsCountedByItsReason(t *testing.T) {
	clock := &movedClock{}
	clock.Set(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	line := func(at time.Time) string {
		return at.Format("192.0.2.7 - - [02/Jan/2006:15:04:05 -0700] ") + `"GET /a HTTP/1.1" 200 9 "-" "Mozilla/5.0"` + "\n"
	}
	now := clock.Now()
	log := line(now) + line(now.Add(50*time.Minute)) + line(now.Add(2*time.Hour)) + line(now.Add(48*time.Hour)) + "no line\n"
	n, err := newNode(demoConfig(filepath.Join(t.TempDir(), "state"), "www", "", config.Source{Name: "web", Stdin: true, Format: "combined"}), clock, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	b := &bench{demo: demo{node: n}, feed: ingest.Feed{Name: "web", Site: "www", Format: "combined", Stream: strings.NewReader(log)}, day: throng.DayOf(now)}
	s, err := b.shipperTo(nowhere{}, keys.Ephemeral(clock))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	families, err := metrics(measured{ship: s}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "throng_ship_lines_rejected_by_reason_total" {
				got[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	if want := map[string]float64{"from_the_future": 2, "not_an_access_log": 1}; !maps.Equal(got, want) {
		t.Errorf("rejected by reason %v, want %v", got, want)
	}
}
