package verify

import (
	"cmp"
	"slices"

	"throng"
)

// checkHistory checks releases of different periods against each other, and adds up what was spent.
func (r *run) checkHistory() {
	spans := r.report.claim("a span's rows lie within groups that its days published")
	months := r.report.claim("a month is the sum of its days and spans, and adds nothing to them")
	for _, rel := range r.sorted() {
		switch rel.Period.Kind() {
		case throng.SpanPeriod:
			r.checkSpan(rel, spans)
		case throng.MonthPeriod:
			r.checkMonth(rel, months)
		}
	}
	r.open()
	r.losses()
}

// open notes reservations whose release is not published yet.
func (r *run) open() {
	for id, a := range r.book.accounts {
		if a.sha256 == "" {
			r.report.Notes = append(r.report.Notes, id.String()+" is reserved and not published yet")
		}
	}
	slices.Sort(r.report.Notes)
}

// losses composes the reservations of a site by the month in which their periods end. What is reserved
// counts, whether or not it was published.
func (r *run) losses() {
	type of struct {
		site  string
		month throng.Period
	}
	sums := map[of]*Loss{}
	noise := map[of]float64{}
	for id, a := range r.book.accounts {
		if a.sum {
			continue
		}
		at := of{id.Site, throng.MonthOf(id.Period.Last())}
		l := sums[at]
		if l == nil {
			l = &Loss{Site: id.Site, Month: at.month}
			sums[at] = l
		}
		l.Periods++
		l.Rho += rho(a.parameters)
		l.Delta += float64(gateDraws(a.parameters)) * a.parameters.GateDelta
		noise[at] = max(noise[at], a.parameters.NoiseDelta)
	}
	for at, l := range sums {
		l.Over = at.month.String()
		l.Epsilon = zcdp(l.Rho, noise[at])
		l.Delta += noise[at]
		r.report.Losses = append(r.report.Losses, *l)
	}
	slices.SortFunc(r.report.Losses, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Month.First(), b.Month.First()))
	})
}
