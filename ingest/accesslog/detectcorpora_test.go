package accesslog_test

import (
	"math/rand/v2"
	"testing"

	"throng/ingest/accesslog"
)

// mute is how many lines of a corpus do not tell its format when they stand alone: of a W3C log without
// its directives, of combined_signals with other values or none where the signals are, of JSON whose
// time is the envelope's or whose keys are a server's own.
var mute = map[string]int{"w3c": 5, "iis": 4, "cloudfront": 2, "combined_signals": 2, "syslog_json": 2, "json": 1}

// TestDetectEveryCorpus finds the format of each golden corpus: from all of its lines, junk among them,
// from any few of those that can be read, and from each alone that tells it.
func TestDetectEveryCorpus(t *testing.T) {
	for name, want := range corpora() {
		t.Run(name, func(t *testing.T) {
			lines := readLines(t, "testdata/"+name+".log")
			if got, err := accesslog.Detect(lines); got != want {
				t.Errorf("from all lines: %q, %v", got, err)
			}
			p := newParser(t, want)
			var rec accesslog.Record
			var telling [][]byte
			silent := 0
			for _, line := range lines {
				if p.Parse(line, &rec) != nil {
					continue
				}
				if got, _ := accesslog.Detect([][]byte{line}); got == want {
					telling = append(telling, line)
				} else if silent++; silent > mute[name] {
					t.Errorf("%q from %s", got, line)
				}
			}
			if silent < mute[name] {
				t.Errorf("%d lines do not tell the format alone, expected %d", silent, mute[name])
			}
			rnd := rand.New(rand.NewPCG(1, 1))
			for n := range len(telling) {
				rnd.Shuffle(len(telling), func(i, j int) { telling[i], telling[j] = telling[j], telling[i] })
				if got, err := accesslog.Detect(telling[:n+1]); got != want {
					t.Errorf("from %d lines: %q, %v", n+1, got, err)
				}
			}
		})
	}
}
