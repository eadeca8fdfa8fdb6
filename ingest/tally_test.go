package ingest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"throng"
)

// TestBotsAreCountedApart adds up tallies of people and of each class of bot.
func TestBotsAreCountedApart(t *testing.T) {
	var sum Tally
	for _, bot := range []throng.Bot{throng.Human, throng.Crawler, throng.Tool, throng.Crawler} {
		var one Tally
		one.events([]throng.Event{{Bot: bot, Visit: bot == throng.Human}})
		sum.Add(one)
	}
	want := Tally{Events: 4, Visits: 1, Bots: 3, BotClasses: map[string]uint64{"crawler": 2, "tool": 1}}
	if d := cmp.Diff(want, sum.clone()); d != "" {
		t.Errorf("tally (-want +got):\n%s", d)
	}
}
