package dashboards

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"throng"
)

// week is a week of ISO 8601, from Monday to Sunday, by its Monday. It is no period of a release: it stands for
// its seven days, whose visits add up because each day's noise is its own.
type week throng.Day

const daysOfWeek = 7

func weekOf(d throng.Day) week {
	return week(d - throng.Day(d.Start().Weekday()+daysOfWeek-time.Monday)%daysOfWeek)
}

// parseWeek reads what [week.String] writes.
func parseWeek(s string) (w week, ok bool) {
	var year, number int
	if n, err := fmt.Sscanf(s, "%4d-W%2d", &year, &number); err != nil || n != 2 {
		return 0, false
	}
	// 4 January is always in the first week.
	w = weekOf(throng.DayOf(time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC))) + week(daysOfWeek*(number-1))
	return w, w.String() == s
}

// String is 2026-W47.
func (w week) String() string {
	year, number := w.day(0).Start().ISOWeek()
	return fmt.Sprintf("%04d-W%02d", year, number)
}

// day is the week's i-th day, from 0 for Monday.
func (w week) day(i int) throng.Day { return throng.Day(w) + throng.Day(i) }

func (w week) title() string {
	return "the week from " + w.day(0).Start().Format("Monday, 2 January") + ", to " + w.day(daysOfWeek-1).Start().Format("Sunday, 2 January 2006")
}

// weeks are those of which each day was released, the latest first.
func (h history) weeks() (whole []week) {
	released := map[week]int{}
	for _, p := range h.of(throng.DayPeriod) {
		w := weekOf(p.First())
		if released[w]++; released[w] == daysOfWeek {
			whole = append(whole, w)
		}
	}
	slices.SortFunc(whole, func(a, b week) int { return cmp.Compare(b, a) })
	return whole
}

// comparePeriods are what can be compared, for the form.
func comparePeriods(past history) []choices {
	all := periodChoices(past, throng.Period{})
	if whole := past.weeks(); len(whole) > 1 {
		group := choices{Name: "Weeks"}
		for _, w := range whole {
			group.Of = append(group.Of, choice{w.String(), w.String(), false})
		}
		all = slices.Insert(all, 1, group) // after the days, of which they are made
	}
	return all
}

// parseWeeks reads two weeks; it gives none where no week is asked for.
func parseWeeks(form url.Values, past history) ([]week, error) {
	a, okA := parseWeek(form.Get("a"))
	b, okB := parseWeek(form.Get("b"))
	if okB && form.Get("a") == "" {
		a, okA = b-daysOfWeek, true
	}
	whole := past.weeks()
	switch {
	case !okA && !okB:
		return nil, nil
	case okA != okB:
		return nil, &refusal{http.StatusBadRequest, "Only periods of one kind can be compared: two days, two weeks, two spans or two months."}
	case a == b:
		return nil, &refusal{http.StatusBadRequest, "These are the same period. Choose two different ones."}
	case !slices.Contains(whole, a) || !slices.Contains(whole, b):
		return nil, &refusal{http.StatusNotFound, "Not all days of these weeks were released. Compare other weeks, or single days."}
	}
	return []week{a, b}, nil
}

// weekSums are the visits of two weeks, day by day, on the weekdays on which both have them.
type weekSums struct{ a, b []throng.Estimate }

func (w *weekSums) add(a, b throng.Estimate) { w.a, w.b = append(w.a, a), append(w.b, b) }

// fillWeeks compares two weeks weekday by weekday: a row is summed over those days on which both weeks have it, so
// that a day on which it was not shown in one of them is no fall or rise.
func (h *Handler) fillWeeks(ctx context.Context, s *site, c *comparison) error {
	rows, total := map[string]*weekSums{}, &weekSums{}
	for i := range daysOfWeek {
		a, err := h.dayOf(ctx, s, c, c.asked.weeks[0].day(i))
		if err != nil {
			return err
		}
		b, err := h.dayOf(ctx, s, c, c.asked.weeks[1].day(i))
		if err != nil {
			return err
		}
		total.add(a.Brief.Visits, b.Brief.Visits)
		for _, row := range paired(a, b, c.asked.sel.matcher(a.lower && b.lower)) {
			x, okX := row.measures[0].Estimate()
			y, okY := row.measures[1].Estimate()
			if !okX || !okY {
				continue
			}
			if rows[row.Key] == nil {
				rows[row.Key] = &weekSums{}
			}
			rows[row.Key].add(x, y)
		}
	}
	c.weekdays = daysOfWeek
	c.a.name(s, c.asked.weeks[0], throng.SumOf(total.a))
	c.b.name(s, c.asked.weeks[1], throng.SumOf(total.b))
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		sums := rows[key]
		row := compareRowOf(key, throng.Published(throng.SumOf(sums.a)), throng.Published(throng.SumOf(sums.b)))
		row.Weekdays = len(sums.a)
		c.rows = append(c.rows, row)
	}
	return nil
}

// dayOf reads a day of a week, and notes what there is to know of it.
func (h *Handler) dayOf(ctx context.Context, s *site, c *comparison, d throng.Day) (*sheet, error) {
	of, err := h.catalog.sheet(ctx, throng.ReleaseID{Site: s.ID, Table: c.asked.table, Period: d.Period()})
	if err != nil {
		return nil, err
	}
	if text := state(of.Complete); text != "complete" {
		c.cautions = append(c.cautions, periodTitle(d.Period())+": "+text+".")
	}
	c.marks = append(c.marks, s.marksIn(d.Period())...)
	c.a.Watermark = or(c.a.Watermark, of.Brief.Watermark)
	return of, nil
}

// name makes the side that of a week. Its link is to the days that end with it.
func (s *side) name(of *site, w week, visits throng.Estimate) {
	s.Value, s.Short, s.Title, s.Visits = w.String(), w.String(), w.title(), visits
	s.URL = "/sites/" + url.PathEscape(of.ID) + "?until=" + w.day(daysOfWeek-1).String()
}
