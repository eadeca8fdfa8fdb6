package attack_test

import (
	"testing"

	"throng"
	"throng/aggregate/attack"
)

// A share alone bounds the readers from below; with a number of bots from elsewhere it bounds them on both sides,
// and a table in which each device is once then tells of the few who are in none of its rows.
func TestShares(t *testing.T) {
	const day = "2026-11-01"
	share := func(percent int64) *throng.Release {
		r := release(t, day, row("/a", 30_000))
		r.BotPercent = throng.Published(throng.Estimate{Value: percent, Low: percent - 2, High: percent + 2})
		return r
	}
	bots := func(n float64) []attack.Own {
		return []attack.Own{{Site: "www", Table: throng.PathTable, Period: period(t, day), Of: attack.Bots, Value: n}}
	}
	for name, tc := range map[string]struct {
		releases []*throng.Release
		own      []attack.Own
		found    int
	}{
		"the share alone":                      {[]*throng.Release{share(50), table(t, day, "country", 1, 6000, 9000)}, nil, 0},
		"a share of nearly none":               {[]*throng.Release{share(2), table(t, day, "country", 1, 240_000, 400_000)}, nil, 0},
		"and how many bots":                    {[]*throng.Release{share(50), table(t, day, "country", 1, 6000, 9000)}, bots(8000), 1}, // 7,385 to 8,667 readers
		"and bots who tell of a crowd":         {[]*throng.Release{share(50), table(t, day, "country", 1, 6000, 9000)}, bots(20_000), 0},
		"and bots, and all readers in rows":    {[]*throng.Release{share(50), table(t, day, "country", 1, 8000, 9000)}, bots(8000), 0},
		"a table that a device is in twice":    {[]*throng.Release{share(50), table(t, day, "status", 2, 6000, 9000)}, bots(8000), 0},
		"a table of another day":               {[]*throng.Release{share(50), table(t, "2026-11-02", "country", 1, 6000, 9000)}, bots(8000), 0},
		"without a share, bots tell nothing":   {[]*throng.Release{release(t, day), table(t, day, "country", 1, 6000, 9000)}, bots(8000), 0},
		"a share that could be that of no bot": {[]*throng.Release{share(1), table(t, day, "country", 1, 240_000, 400_000)}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found := attack.Shares(tc.releases, tc.own)
			if len(found) != tc.found {
				t.Errorf("found %+v, want %d", found, tc.found)
			}
			for _, f := range found {
				if f.Group != "devices of www: readers on 2026-11-01 who are in no row of country" || f.Low < 1000 || f.High > 3000 {
					t.Errorf("found %+v", f)
				}
			}
		})
	}
	if _, err := attack.FromReleases([]*throng.Release{share(50)}, bots(8000)); err != nil {
		t.Error(err)
	}
	if _, err := attack.FromReleases([]*throng.Release{release(t, day)}, bots(8000)); err == nil {
		t.Error("a number of bots of a day without a share is taken")
	}
}
