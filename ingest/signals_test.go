package ingest_test

import (
	"context"
	"fmt"
	"testing"

	"throng/ingest"
)

// TestSignalsOutsideOfTheirSpecificationAreCounted: many of them mean a misconfigured log.
func TestSignalsOutsideOfTheirSpecificationAreCounted(t *testing.T) {
	s := newSite(t)
	for _, signals := range []string{`"1" "1"`, `"yes" "-"`, `"-" "0"`, `"null" "null"`, `"0" "-"`} {
		for range 30 { // several pieces
			s.append(fmt.Sprintf("192.0.2.1 - - [20/Nov/2026:11:00:00 +0000] \"GET / HTTP/1.1\" 200 1 \"-\" \"Mozilla/5.0\" %s\n", signals))
		}
	}
	feed := ingest.Feed{Name: "web", Site: "www", Format: "combined_signals", Globs: []string{s.log()}}
	sh := s.shipper(ingest.ShipOptions{Once: true, Feeds: []ingest.Feed{feed}})
	if err := sh.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if p := sh.Progress().Sources[0]; p.Lines != 150 || p.InvalidSignals != 30*(1+1+2) {
		t.Errorf("progress %+v", p)
	}
	if tally := sh.Tally(); tally.InvalidSignals != 30*4 || tally.OptedOut != 30 || tally.Signals["dnt+gpc"] != 30 {
		t.Errorf("tally %+v", tally)
	}
}
