package attack_test

import (
	"strings"
	"testing"

	"throng"
	"throng/aggregate/attack"
)

func period(t testing.TB, s string) throng.Period {
	t.Helper()
	p, err := throng.ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func around(value int64) throng.Measure {
	return throng.Published(throng.Estimate{Value: value, Low: value - 204, High: value + 204})
}

// release has rows of key and visits.
func release(t testing.TB, when string, rows ...throng.Row) *throng.Release {
	return &throng.Release{
		Format: throng.ReleaseFormat, Site: "www", Table: throng.PathTable, Period: period(t, when), Rows: rows,
		Parameters: throng.Parameters{K: 5000, Draws: []throng.DrawParameters{
			{Draw: throng.DrawDevices, Sigma: 50, Gate: 5370}, {Draw: throng.DrawVisits, Sigma: 104}, {Draw: throng.DrawOptedOutVisits, Sigma: 168},
		}},
	}
}

func row(key string, visits int64) throng.Row { return throng.Row{Key: key, Visits: around(visits)} }

func held(key, holder string, visits int64) throng.Row {
	return throng.Row{Key: key, Holder: holder, Visits: around(visits)}
}

// published are the groups that somebody finds who has the releases and own numbers.
func published(t testing.TB, own []attack.Own, releases ...*throng.Release) string {
	t.Helper()
	s, err := attack.FromReleases(releases, own)
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Attack(s.Published(5000))
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, f := range found {
		groups = append(groups, f.Group)
	}
	return strings.Join(groups, " | ")
}

func TestTheShapesThatAreReleasedHoldNothing(t *testing.T) {
	day := release(t, "2026-11-01", row("/*other*", 9000), row("/news/*other*", 12_000), row("/news/a", 30_000), row("/shop/x", 9000))
	next := release(t, "2026-11-02", row("/news/*other*", 11_000), row("/news/a", 30_000), row("/shop/x", 9000))
	day.OptedOut = []throng.OptedOut{
		{Group: "/*", OptedOutVisits: around(6000)}, {Group: "/news/*", OptedOutVisits: around(7000)}, {Group: "/shop/*", OptedOutVisits: throng.Blank(throng.BelowGate)},
	}
	span := release(t, "2026-11-01--2026-11-08", held("/news/b", "/news/*other*", 8000), held("/news/c", "/news/*other*", 6000), row("/shop/y", 7000))
	month := release(t, "2026-11", row("/*other*", 9000), row("/news/*other*", 9000), row("/news/a", 60_000), row("/news/b", 8000), row("/news/c", 6000),
		row("/shop/x", 18_000), row("/shop/y", 7000))
	if got := published(t, nil, day, next, span, month); got != "" {
		t.Errorf("found %s", got)
	}
	// The same without what says that the rest of the group is large enough.
	span.Rows = span.Rows[:1]
	span.Rows[0].Holder = ""
	if got := published(t, nil, day, next, span); got != "" {
		t.Errorf("found %s", got)
	}
}

func TestLeaksInReleasesAreFound(t *testing.T) {
	day := func(rows ...throng.Row) *throng.Release { return release(t, "2026-11-01", rows...) }
	for name, tc := range map[string]struct {
		releases []*throng.Release
		own      []attack.Own
		want     string
	}{
		"a parent beside its children": {
			[]*throng.Release{day(row("/news/*", 21_000), row("/news/a", 12_000), row("/news/b", 8_000))}, nil,
			"www/path/2026-11-01 /news/*, not published",
		},
		"a total of the site": {
			[]*throng.Release{day(row("/*", 30_000), row("/news/a", 12_000), row("/about", 8_000))}, nil,
			"www/path/2026-11-01 /*, not published",
		},
		"a month that was drawn over what its days suppressed": {
			[]*throng.Release{day(row("/news/a", 12_000)), release(t, "2026-11-02", row("/news/b", 9000)), release(t, "2026-11", row("/news/a", 14_000), row("/news/b", 9000))}, nil,
			"www/path/2026-11 /news/a, on days that did not publish it",
		},
		"one's own count of those who did not opt out": {
			[]*throng.Release{day(row("/news/a", 12_000))},
			[]attack.Own{{Site: "www", Table: "path", Period: period(t, "2026-11-01"), Key: "/news/a", Of: attack.RemainingVisits, Value: 11_500}},
			"www/path/2026-11-01 /news/a, opted out",
		},
		"an opted-out number of a whole section and one of its pages": {
			[]*throng.Release{func() *throng.Release {
				r := day(row("/news/a", 12_000), row("/news/b", 8_000))
				r.OptedOut = []throng.OptedOut{{Group: "/news/*", OptedOutVisits: around(6000)}}
				return r
			}()},
			[]attack.Own{{Site: "www", Table: "path", Period: period(t, "2026-11-01"), Key: "/news/a", Of: attack.OptedOutVisits, Value: 5500}},
			"www/path/2026-11-01 /news/b, opted out",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := published(t, tc.own, tc.releases...); !strings.Contains(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

func TestOwnNumbersNeedARow(t *testing.T) {
	_, err := attack.FromReleases(nil, []attack.Own{{Site: "www", Table: "path", Period: period(t, "2026-11-01"), Key: "/x"}})
	if err == nil || !strings.Contains(err.Error(), "no row") {
		t.Errorf("%v", err)
	}
}
