package dashboards_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"throng"
)

// The overview has the share of bots of a day, an upper bound of it where they are too few beside a row that
// shows how many readers there were, and the reason where nothing can be said.
func TestTheOverviewHasTheShareOfBots(t *testing.T) {
	for name, tc := range map[string]struct {
		bots    throng.Measure
		format  string
		devices int64
		want    string
	}{
		"a share":                {around(31, 2), throng.ReleaseFormat, 20_000, "31\u202f%"},
		"its interval":           {around(31, 2), throng.ReleaseFormat, 20_000, "29\u202f%–33\u202f%"},
		"too few bots":           {throng.Blank(throng.BelowGate), throng.ReleaseFormat, 157_697, "under 4\u202f%"},
		"too few of either":      {throng.Blank(throng.BelowGate), throng.ReleaseFormat, 5_600, "too few, or too close to tell"},
		"from before bots":       {throng.Measure{}, throng.ReleaseFormat3, 20_000, "not part of this table"},
		"of another kind of day": {throng.Blank(throng.NotDrawn), throng.ReleaseFormat, 20_000, "not part of this table"},
	} {
		t.Run(name, func(t *testing.T) {
			rel := release(t, "archives", "2026-11-20", row("/a", 60_000, tc.devices))
			rel.BotPercent, rel.Format = tc.bots, tc.format
			files := fstest.MapFS{}
			put(t, files, rel)
			res := get(serve(t, options(files)), "/sites/archives")
			if res.Code != http.StatusOK {
				t.Fatalf("status %d", res.Code)
			}
			_, figure, _ := strings.Cut(res.Body.String(), "Bots, of devices")
			figure, _, _ = strings.Cut(figure, "</div>")
			if !strings.Contains(figure, tc.want) {
				t.Errorf("the figure is %q, want %q in it", figure, tc.want)
			}
		})
	}
}
