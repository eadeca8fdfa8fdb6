package attack_test

import (
	"slices"
	"strings"
	"testing"

	"throng"
	"throng/aggregate/attack"
)

// table is a release of a further table with one row; single says that each device is in one row of it.
func table(t *testing.T, when, name string, l0, devices, visits int64) *throng.Release {
	r := release(t, when, throng.Row{Key: "x", Visits: around(visits), Devices: around(devices)})
	r.Table, r.Parameters.L0 = name, l0
	return r
}

func TestCrossings(t *testing.T) {
	for name, tc := range map[string]struct {
		releases []*throng.Release
		want     string // in one group that was found; "" is none
	}{
		"a day": {
			[]*throng.Release{table(t, "2026-11-01", "path", 10, 9000, 10_000), table(t, "2026-11-01", "country", 1, 9000, 12_000)},
			"visits of www: in a row of country on 2026-11-01 and in none of path",
		},
		"a day whose noise hides it": {
			[]*throng.Release{table(t, "2026-11-01", "path", 10, 9000, 10_000), table(t, "2026-11-01", "country", 1, 9000, 10_200)}, "",
		},
		"bounds that differ": {
			[]*throng.Release{table(t, "2026-11-01", "path", 10, 9000, 30_000), table(t, "2026-11-01", "country", 1, 9000, 12_000)}, "",
		},
		"devices of tables that each device is in once": {
			[]*throng.Release{table(t, "2026-11-01", "client", 1, 11_000, 30_000), table(t, "2026-11-01", "country", 1, 9000, 22_000)},
			"devices of www: in a row of client on 2026-11-01 and in none of country",
		},
		"devices of tables that a device is in more than once": {
			[]*throng.Release{table(t, "2026-11-01", "hour", 6, 11_000, 30_000), table(t, "2026-11-01", "country", 1, 9000, 22_000)}, "",
		},
		"a run of days": {
			func() (all []*throng.Release) {
				for _, day := range []string{"2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"} {
					all = append(all, table(t, day, "path", 10, 9000, 10_000), table(t, day, "country", 1, 9000, 10_250))
				}
				return all
			}(), "visits of www: in a row of country on 2026-11-01 to 2026-11-04 and in none of path",
		},
		"days that are no run": {
			func() (all []*throng.Release) {
				for _, day := range []string{"2026-11-01", "2026-11-03", "2026-11-05", "2026-11-07"} {
					all = append(all, table(t, day, "path", 10, 9000, 10_000), table(t, day, "country", 1, 9000, 10_250))
				}
				return all
			}(), "",
		},
		"days less what their span shows": {
			func() (all []*throng.Release) {
				for d := 1; d <= 8; d++ {
					day := "2026-11-0" + string(rune('0'+d))
					all = append(all, table(t, day, "path", 10, 9000, 10_000), table(t, day, "country", 1, 9000, 16_000))
				}
				return append(all, table(t, "2026-11-01--2026-11-08", "path", 10, 40_000, 46_000))
			}(), "2026-11-01 to 2026-11-08 with spans",
		},
		"sites of their own": {
			func() []*throng.Release {
				other := table(t, "2026-11-01", "country", 1, 9000, 12_000)
				other.Site = "blog"
				return []*throng.Release{table(t, "2026-11-01", "path", 10, 9000, 10_000), other}
			}(), "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := attack.Crossings(tc.releases)
			hit := slices.ContainsFunc(found, func(f attack.Finding) bool { return strings.Contains(f.Group, tc.want) })
			if (tc.want == "") != (len(found) == 0) || tc.want != "" && !hit {
				t.Errorf("found %+v, want %q", found, tc.want)
			}
		})
	}
}
