package verify

import (
	"slices"
	"strings"

	"throng"
)

// within are the releases of a site and table whose periods lie in another, and are no months.
func (r *run) within(rel *throng.Release) []*throng.Release {
	return slices.DeleteFunc(r.sorted(), func(o *throng.Release) bool {
		return o.Site != rel.Site || o.Table != rel.Table || o.Period.Kind() == throng.MonthPeriod || o == rel ||
			o.Period.First() < rel.Period.First() || o.Period.Last() > rel.Period.Last()
	})
}

// checkSpan looks for the groups that hold a span's rows.
func (r *run) checkSpan(rel *throng.Release, c *Claim) {
	_, gated := rel.Parameters.Draw(throng.DrawRemainingGates)
	for _, row := range rel.Rows {
		c.Looked++
		if row.Holder == "" {
			continue
		}
		if !gated {
			c.fault(rel.ID().String(), "row %q is taken out of %q, and nothing gated what is left", row.Key, row.Holder)
		}
		prefix := strings.TrimSuffix(row.Holder, throng.Other)
		if !throng.IsOther(row.Holder) || !strings.HasPrefix(row.Key, prefix) || row.Key == row.Holder || !slices.ContainsFunc(r.within(rel), hasRow(row.Holder)) {
			c.fault(rel.ID().String(), "row %q cannot be held by %q, or no day published that", row.Key, row.Holder)
		}
	}
}

// later tells whether a release was published after a month was summed: then it is in no month.
func (r *run) later(part, month *throng.Release) bool {
	p, m := r.book.accounts[part.ID()], r.book.accounts[month.ID()]
	return p != nil && m != nil && p.published > m.published
}

func hasRow(key string) func(*throng.Release) bool {
	return func(rel *throng.Release) bool {
		return slices.ContainsFunc(rel.Rows, func(row throng.Row) bool { return row.Key == key })
	}
}

// checkMonth adds a month up again.
func (r *run) checkMonth(rel *throng.Release, c *Claim) {
	where := rel.ID().String()
	parts := slices.DeleteFunc(r.within(rel), func(part *throng.Release) bool { return r.later(part, rel) })
	c.Looked++
	if p := rel.Parameters; len(p.Draws) != 0 || p.Epsilon != 0 || p.Delta != 0 {
		c.fault(where, "it says that something was drawn for it")
	}
	if r := rel.BotPercent.Reason(); rel.Format == throng.ReleaseFormat && r != throng.NotSummed {
		c.fault(where, "bots: shares of several periods do not add up")
	}
	r.checkSources(where, rel, parts, c)
	rows, optedOut := map[string]*total{}, map[string]*optedOutTotal{}
	for _, part := range parts {
		sumRows(part, rows)
		sumOptedOut(part, optedOut)
	}
	for _, row := range rel.Rows {
		c.Looked++
		e, shown := row.Visits.Estimate()
		t := rows[row.Key]
		switch {
		case t == nil || !shown:
			c.fault(where, "row %q has no visits, or is in none of its days and spans", row.Key)
		case row.Devices.Reason() != throng.NotSummed:
			c.fault(where, "row %q: devices of several periods do not add up", row.Key)
		default:
			if err := t.check(e); err != nil {
				c.fault(where, "row %q: %v", row.Key, err)
			}
		}
		delete(rows, row.Key)
	}
	for _, key := range sortedKeys(rows) {
		c.fault(where, "row %q of its days and spans is missing", key)
	}
	for _, g := range rel.OptedOut {
		c.Looked++
		if err := optedOut[g.Group].check(g); err != nil {
			c.fault(where, "opted-out group %q: %v", g.Group, err)
		}
	}
}

// checkSources checks that a month names the releases that it was summed from: all there are.
func (r *run) checkSources(where string, rel *throng.Release, parts []*throng.Release, c *Claim) {
	stated := map[throng.Period]string{}
	for _, s := range rel.Sources {
		stated[s.Period] = s.SHA256
	}
	for _, part := range parts {
		if a := r.book.accounts[part.ID()]; a != nil && stated[part.Period] != a.sha256 {
			c.fault(where, "it does not name %s as it was published among its sources", part.ID())
		}
		delete(stated, part.Period)
	}
	for p := range stated {
		c.fault(where, "its source %s is not there", p)
	}
}

// sumRows adds a day's or span's rows to those of a month. What a span takes out of a group is
// subtracted there.
func sumRows(part *throng.Release, rows map[string]*total) {
	add := func(key string, e throng.Estimate, sign int64) {
		if rows[key] == nil {
			rows[key] = &total{}
		}
		rows[key].add(e, sign)
	}
	for _, row := range part.Rows {
		e, _ := row.Visits.Estimate()
		add(row.Key, e, 1)
		if row.Holder != "" {
			add(row.Holder, e, -1)
		}
	}
}

type optedOutTotal struct{ of, visits total }

func sumOptedOut(part *throng.Release, groups map[string]*optedOutTotal) {
	for _, g := range part.OptedOut {
		t := groups[g.Group]
		if t == nil {
			t = &optedOutTotal{}
			groups[g.Group] = t
		}
		if e, shown := g.OptedOutVisits.Estimate(); shown {
			t.visits.add(e, 1)
			t.of.add(g.OfVisits, 1)
		}
	}
}

func (t *optedOutTotal) check(g throng.OptedOut) error {
	e, shown := g.OptedOutVisits.Estimate()
	if t == nil {
		t = &optedOutTotal{}
	}
	if !shown {
		e = throng.Estimate{}
	}
	if err := t.visits.check(e); err != nil {
		return err
	}
	return t.of.check(g.OfVisits)
}
