package ingest

import (
	"testing"
	"time"

	"throng"
)

func TestWindow(t *testing.T) {
	day, err := throng.ParseDay("2026-11-20")
	if err != nil {
		t.Fatal(err)
	}
	const lateness = 36 * time.Hour
	for name, c := range map[string]struct {
		now, line time.Time
		want      place
	}{
		"today":                        {day.Start().Add(12 * time.Hour), day.Start().Add(11 * time.Hour), inside},
		"first second of an open day":  {day.End().Add(lateness), day.Start(), inside},
		"last second of an open day":   {day.End().Add(lateness), day.End().Add(-time.Second), inside},
		"first second of a closed day": {day.End().Add(lateness + time.Second), day.Start(), late},
		"last second of a closed day":  {day.End().Add(lateness + time.Second), day.End().Add(-time.Second), late},
		"the day after a closed one":   {day.End().Add(lateness + time.Second), day.End(), inside},
		"a little ahead":               {day.Start(), day.Start().Add(maxSkew), inside},
		"from the future":              {day.Start(), day.Start().Add(maxSkew + time.Second), future},
	} {
		t.Run(name, func(t *testing.T) {
			if got := openWindow(c.now, lateness).place(c.line.Unix()); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
