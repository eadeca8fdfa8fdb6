package main

import (
	"strings"
	"testing"
	"time"

	"throng"
	"throng/aggregate"
)

// A day past its lateness limit ends `close --once` with an error, before the day is lost and after.
func TestOnceFailsWhereADayIsOverdue(t *testing.T) {
	const day throng.Day = 20_485
	for _, c := range []struct {
		w    aggregate.Waiting
		says string
		fail bool
	}{
		{aggregate.Waiting{Day: day, Reason: aggregate.NotOver}, "2026-02-01 waits: it is not over", false},
		{aggregate.Waiting{Day: day, Reason: aggregate.FeedsBehind, Feeds: []string{"nginx@web1", "nginx@web2"}}, "have not read past it: nginx@web1, nginx@web2", false},
		{aggregate.Waiting{Day: day, Reason: aggregate.Loading, Overdue: true, Deadline: day.End().Add(48 * time.Hour)}, "its deadline is 2026-02-04T00:00:00Z", true},
		{aggregate.Waiting{Day: day, Reason: aggregate.Failed, Overdue: true, Deadline: day.End().Add(48 * time.Hour)}, "failed and is tried again", true},
		{aggregate.Waiting{Day: day, Reason: aggregate.Lost, Overdue: true, Deadline: day.End().Add(48 * time.Hour)}, "is lost", true},
	} {
		if said := sayWaiting(c.w); !strings.Contains(said, c.says) {
			t.Errorf("%s: %q", c.w.Reason, said)
		}
		if err := overdue([]aggregate.Waiting{{Day: day + 1, Reason: aggregate.NotOver}, c.w}); (err != nil) != c.fail {
			t.Errorf("%s: %v", c.w.Reason, err)
		}
	}
}
