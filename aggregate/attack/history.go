package attack

import (
	"fmt"
	"slices"
	"strings"

	"throng"
)

// Own is a number that an attacker has from elsewhere, such as an exact count of the visits of those who
// did not opt out: it is added to what was published.
type Own struct {
	Site   string
	Table  string
	Period throng.Period
	// Key is that of a published row; empty of [Bots].
	Key string
	// Of says of which of the row's visits it is the number, or that it is not of a row.
	Of    Column
	Value float64
}

// Column is a part of a row's visits, or the bots of a day.
type Column string

// The columns of [Own].
const (
	AllVisits       Column = "visits"
	OptedOutVisits  Column = "opted_out_visits"
	RemainingVisits Column = "remaining_visits"
	// Bots are the devices of a site's day that are bots, which only [Shares] makes something of.
	Bots Column = "bots"
)

// history turns releases into a system.
type history struct {
	*System
	releases []*throng.Release
	spans    map[place][]throng.Row // a span's rows by what holds them
	regions  map[place][2][]Atom    // of a row: its visits by devices that did not opt out, and by those that did
	nobody   map[place]bool         // rows in which the attacker knows that nobody opted out
}

// place is a row of the history.
type place struct {
	site, table string
	period      throng.Period
	key, holder string
}

// FromReleases gives what an attacker knows who has all releases, and own numbers besides. Each row is
// cut into the finest groups that any published number tells apart: what later spans take out of it,
// and who opted out. The devices of every row passed the gate, and so did both sides of every
// opted-out number, and what a span left in a group: that is what the method says of them. The others beside
// those who opted out are gated in the rows alone in which the latter can be: rows of which own says that
// nobody in them opted out, as everyone knows of a page that is in no list of routes, are left out.
//
// A row whose key ends in /* is taken for a total: of the rows under that prefix, and of what was not
// published there. A month that is not the sum of its days and spans is taken to hold something else.
func FromReleases(releases []*throng.Release, own []Own) (*System, error) {
	h := &history{System: &System{}, releases: releases, spans: map[place][]throng.Row{}, regions: map[place][2][]Atom{}, nobody: map[place]bool{}}
	for _, o := range own {
		h.nobody[place{o.Site, o.Table, o.Period, o.Key, ""}] = o.Of == OptedOutVisits && o.Value == 0
	}
	for _, r := range releases {
		if r.Period.Kind() == throng.SpanPeriod {
			h.span(r)
		}
	}
	for _, r := range releases {
		if r.Period.Kind() == throng.DayPeriod {
			h.day(r)
		}
	}
	for _, r := range releases {
		if r.Period.Kind() == throng.MonthPeriod {
			h.month(r)
		}
	}
	h.remaining()
	for _, o := range own {
		if err := h.own(o); err != nil {
			return nil, err
		}
	}
	return h.System, nil
}

func sigmaOf(p throng.Parameters, kind throng.Draw) float64 {
	d, _ := p.Draw(kind)
	return d.Sigma
}

func at(r *throng.Release, row throng.Row) place {
	return place{r.Site, r.Table, r.Period, row.Key, row.Holder}
}

func (p place) String() string {
	text := p.site + "/" + p.table + "/" + p.period.String() + " " + p.key
	if p.holder != "" {
		text += " out of " + p.holder
	}
	return text
}

// span notes what each of its rows is taken out of; rows that nothing holds are groups of their own.
func (h *history) span(r *throng.Release) {
	for _, row := range r.Rows {
		p := at(r, row)
		if row.Holder == "" {
			h.row(r, row, [2][]Atom{{h.Atom(p.String() + ", others")}, {h.Atom(p.String() + ", opted out")}})
			continue
		}
		holder := place{site: r.Site, table: r.Table, period: r.Period, key: row.Holder}
		h.spans[holder] = append(h.spans[holder], row)
	}
}

// day cuts each row by what its span takes out of it.
func (h *history) day(r *throng.Release) {
	for _, row := range r.Rows {
		if total(row.Key) {
			continue
		}
		p := at(r, row)
		holder := place{site: r.Site, table: r.Table, period: throng.SpanOf(r.Period.First()).Period(), key: row.Key}
		parts := []string{""}
		for _, taken := range h.spans[holder] {
			parts = append(parts, ", "+taken.Key)
		}
		var region [2][]Atom
		for _, part := range parts {
			region[0] = append(region[0], h.Atom(p.String()+part+", others"))
			region[1] = append(region[1], h.Atom(p.String()+part+", opted out"))
		}
		h.row(r, row, region)
		for i, part := range parts[1:] {
			taken := place{r.Site, r.Table, holder.period, h.spans[holder][i].Key, row.Key}
			of := h.regions[taken]
			of[0] = append(of[0], h.Atom(p.String()+part+", others"))
			of[1] = append(of[1], h.Atom(p.String()+part+", opted out"))
			h.regions[taken] = of
		}
	}
	h.optedOut(r)
	h.totals(r)
}

// row adds a published row.
func (h *history) row(r *throng.Release, row throng.Row, region [2][]Atom) {
	p := at(r, row)
	h.regions[p] = region
	if e, ok := row.Visits.Estimate(); ok {
		all := slices.Concat(region[0], region[1])
		h.Know(p.String(), float64(e.Value), sigmaOf(r.Parameters, throng.DrawVisits), all...)
		h.Gated(all...)
	}
}

// remaining adds the rows that spans took out of groups, which their days have cut, and what is left.
func (h *history) remaining() {
	for _, r := range h.releases {
		if r.Period.Kind() != throng.SpanPeriod {
			continue
		}
		left := map[string][]Atom{}
		for _, row := range r.Rows {
			if row.Holder != "" {
				h.row(r, row, h.regions[at(r, row)])
				left[row.Holder] = nil
			}
		}
		for holder := range left {
			for d := r.Period.First(); d <= r.Period.Last(); d++ {
				for _, a := range slices.Concat(h.both(place{r.Site, r.Table, d.Period(), holder, ""})...) {
					if !h.taken(r, holder, a) {
						left[holder] = append(left[holder], a)
					}
				}
			}
			h.Gated(left[holder]...)
		}
	}
}

func (h *history) both(p place) [][]Atom {
	region := h.regions[p]
	return region[:]
}

func (h *history) taken(r *throng.Release, holder string, a Atom) bool {
	return slices.ContainsFunc(r.Rows, func(row throng.Row) bool {
		return row.Holder == holder && slices.Contains(slices.Concat(h.both(at(r, row))...), a)
	})
}

// optedOut adds the opted-out column of a day.
func (h *history) optedOut(r *throng.Release) {
	shown := map[string]bool{}
	for _, g := range r.OptedOut {
		_, shown[g.Group] = g.OptedOutVisits.Estimate()
	}
	for _, g := range r.OptedOut {
		e, ok := g.OptedOutVisits.Estimate()
		if !ok {
			continue
		}
		var sides [2][]Atom
		var others []Atom
		for _, row := range r.Rows {
			section, inSection := throng.SectionOf(row.Key)
			if section == g.Group || g.Group == throng.SiteGroup && !(inSection && shown[section]) {
				for side, atoms := range h.regions[at(r, row)] {
					sides[side] = append(sides[side], atoms...)
				}
				if p := at(r, row); !h.nobody[p] {
					others = append(others, h.regions[p][0]...)
				}
			}
		}
		name := fmt.Sprintf("%s %s opted-out visits", r.ID(), g.Group)
		h.Know(name, float64(e.Value), sigmaOf(r.Parameters, throng.DrawOptedOutVisits), sides[1]...)
		h.Gated(others...)
		h.Gated(sides[1]...)
	}
}

// total tells whether a key is that of a sum over a prefix, which no release of this program has.
func total(key string) bool { return strings.HasSuffix(key, "/*") }

func (h *history) totals(r *throng.Release) {
	for _, row := range r.Rows {
		e, ok := row.Visits.Estimate()
		if !total(row.Key) || !ok {
			continue
		}
		p := at(r, row)
		atoms := []Atom{h.Atom(p.String() + ", not published, others"), h.Atom(p.String() + ", not published, opted out")}
		for _, part := range r.Rows {
			if !total(part.Key) && strings.HasPrefix(part.Key, strings.TrimSuffix(row.Key, "*")) {
				atoms = append(atoms, slices.Concat(h.both(at(r, part))...)...)
			}
		}
		h.Know(p.String(), float64(e.Value), sigmaOf(r.Parameters, throng.DrawVisits), atoms...)
		h.Gated(atoms...)
	}
}

// month adds the rows of a month that are not what its days and spans add up to; those that are tell
// nothing new.
func (h *history) month(r *throng.Release) {
	for _, row := range r.Rows {
		e, ok := row.Visits.Estimate()
		sum, atoms := h.parts(r, row.Key)
		if !ok || e.Value == sum {
			continue
		}
		p := at(r, row)
		atoms = append(atoms, h.Atom(p.String()+", on days that did not publish it, others"), h.Atom(p.String()+", on days that did not publish it, opted out"))
		h.Know(p.String(), float64(e.Value), float64(e.High-e.Value)/1.96, atoms...)
		h.Gated(atoms...)
	}
}

// parts are the sum and the atoms of what a month's days and spans published under a key.
func (h *history) parts(month *throng.Release, key string) (sum int64, atoms []Atom) {
	taken := map[Atom]bool{}
	for _, r := range h.releases {
		source := func(s throng.Source) bool { return s.Period == r.Period }
		if r.Site != month.Site || r.Table != month.Table || r.Period.Kind() == throng.MonthPeriod ||
			r.Period.First() < month.Period.First() || r.Period.Last() > month.Period.Last() ||
			len(month.Sources) > 0 && !slices.ContainsFunc(month.Sources, source) {
			continue
		}
		for _, row := range r.Rows {
			e, _ := row.Visits.Estimate()
			in := slices.Concat(h.both(at(r, row))...)
			switch key {
			case row.Key:
				sum += e.Value
				atoms = append(atoms, in...)
			case row.Holder:
				sum -= e.Value
				for _, a := range in {
					taken[a] = true
				}
			}
		}
	}
	return sum, slices.DeleteFunc(atoms, func(a Atom) bool { return taken[a] })
}

// own adds a number from elsewhere.
func (h *history) own(o Own) error {
	if o.Of == Bots {
		hasShare := func(r *throng.Release) bool {
			_, ok := r.BotPercent.Estimate()
			return ok && r.Site == o.Site && r.Table == o.Table && r.Period == o.Period
		}
		if !slices.ContainsFunc(h.releases, hasShare) {
			return fmt.Errorf("read own numbers: %s/%s/%s has no share of bots", o.Site, o.Table, o.Period)
		}
		return nil
	}
	region, ok := h.regions[place{o.Site, o.Table, o.Period, o.Key, ""}]
	if !ok {
		return fmt.Errorf("read own numbers: %s/%s/%s has no row %q", o.Site, o.Table, o.Period, o.Key)
	}
	name := fmt.Sprintf("own %s of %s", o.Of, place{o.Site, o.Table, o.Period, o.Key, ""})
	switch o.Of {
	case AllVisits:
		h.Know(name, o.Value, 0, slices.Concat(region[0], region[1])...)
	case OptedOutVisits:
		h.Know(name, o.Value, 0, region[1]...)
	case RemainingVisits:
		h.Know(name, o.Value, 0, region[0]...)
	default:
		return fmt.Errorf("read own numbers: column %q: want %s, %s, %s or %s", o.Of, AllVisits, OptedOutVisits, RemainingVisits, Bots)
	}
	h.numbers[len(h.numbers)-1].own = true
	return nil
}
