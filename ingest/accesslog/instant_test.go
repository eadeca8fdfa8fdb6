package accesslog_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"throng/ingest/accesslog"
)

// TestTheTimeBeforeIsRememberedAsItWas reads one time after the other with one parser, which remembers the last.
// Times follow each other that differ in little: a second, a day, a year, the zone.
func TestTheTimeBeforeIsRememberedAsItWas(t *testing.T) {
	p, err := accesslog.New("combined")
	if err != nil {
		t.Fatal(err)
	}
	const form = "02/Jan/2006:15:04:05 -0700"
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "first"), 0).UTC()
		for range 8 {
			var rec accesslog.Record
			line := fmt.Sprintf(`192.0.2.1 - - [%s] "GET / HTTP/1.1" 200 1 "-" "-"`, at.Format(form))
			if err := p.Parse([]byte(line), &rec); err != nil {
				t.Fatal(err)
			}
			if rec.Time != at.Unix() {
				t.Fatalf("%s is read as %s", at.Format(form), time.Unix(rec.Time, 0).UTC().Format(form))
			}
			switch n := rapid.IntRange(-3, 3).Draw(t, "step"); rapid.SampledFrom([]string{"second", "minute", "hour", "day", "month", "year", "zone"}).Draw(t, "unit") {
			case "second":
				at = at.Add(time.Duration(n) * time.Second)
			case "minute":
				at = at.Add(time.Duration(n) * time.Minute)
			case "hour":
				at = at.Add(time.Duration(n) * time.Hour)
			case "day":
				at = at.AddDate(0, 0, n)
			case "month":
				at = at.AddDate(0, n, 0)
			case "year":
				at = at.AddDate(n, 0, 0)
			case "zone":
				at = at.In(time.FixedZone("", n*1800))
			}
			if at.Year() < 1970 || at.Year() > 9999 {
				return
			}
		}
	})
}
