package dashboards

import (
	"strings"

	"throng"
)

// notes say what kind of table a release is, and how much of the period's log it holds, as coarsely as
// the release does.
func notes(r *throng.Release) []string {
	notes, c := kindNotes(r), r.Complete
	if len(c.MissingSources) > 0 {
		notes = append(notes, "Not all of the log had arrived when the period was closed. Missing: "+strings.Join(c.MissingSources, ", ")+". Numbers may be too low.")
	}
	if text := map[throng.Share]string{
		throng.ShareSome:     "Some lines, at most 1 %, came after the period was closed and are not counted.",
		throng.ShareAbove1Pc: "More than 1 % of the lines came after the period was closed. They are not counted, and numbers are too low.",
	}[c.Late]; text != "" {
		notes = append(notes, text)
	}
	if text := map[throng.Share]string{
		throng.ShareSome:     "Some lines of the log, at most 1 %, could not be read and are not counted.",
		throng.ShareAbove1Pc: "More than 1 % of the lines of the log could not be read. They are not counted, and numbers may be too low.",
	}[c.Rejected]; text != "" {
		notes = append(notes, text)
	}
	return notes
}

func kindNotes(r *throng.Release) []string {
	var notes []string
	switch r.Period.Kind() {
	case throng.SpanPeriod:
		notes = append(notes, "This table holds only what the days of the span could not show by themselves, counted over all of its days. It adds to their tables.")
	case throng.MonthPeriod:
		notes = append(notes, "Visits are sums of "+count(int64(len(r.Sources)))+" published tables: the month's days, and its spans, whose rows were taken out of the groups that held them. Nothing was counted again, and devices of several days do not add up.")
	}
	if n := len(r.Complete.MissingDays); n > 0 {
		notes = append(notes, "Not in these numbers: "+plural(int64(n), "day")+" of which there is no table, or of which nothing was left to count.")
	}
	if r.Withheld != "" {
		notes = append(notes, "This table was drawn and is not shown: beside another table of the same day it would tell about too small a group.")
	}
	return notes
}
