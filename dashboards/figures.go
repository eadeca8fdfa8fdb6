package dashboards

import "throng"

// figures are what the published rows of a release say together. They are computed from published
// numbers alone.
type figures struct {
	// Visits is the sum of all published visits.
	Visits        throng.Estimate
	Pages, Groups int
	// Most is the largest number of visits of one row; bars are drawn relative to it.
	Most int64
	// Apart is the share of the published visits that lie in pages that are shown by themselves, not in groups.
	Apart share
}

// Shown is the number of published rows.
func (f *figures) Shown() int { return f.Pages + f.Groups }

func figuresOf(rel *throng.Release) *figures {
	f := &figures{}
	var all, pages, groups throng.Sum
	for i := range rel.Rows {
		row, of := &rel.Rows[i], &pages
		if throng.IsOther(row.Key) {
			f.Groups++
			of = &groups
		} else {
			f.Pages++
		}
		if e, ok := row.Visits.Estimate(); ok {
			all.Add(e)
			of.Add(e)
			f.Most = max(f.Most, e.Value)
		}
	}
	f.Visits, f.Apart = all.Estimate(), partOf(pages.Estimate(), groups.Estimate())
	return f
}

// sum adds one column.
func sum(rows []throng.Row, column func(throng.Row) throng.Measure) throng.Estimate {
	var all throng.Sum
	for _, row := range rows {
		if e, ok := column(row).Estimate(); ok {
			all.Add(e)
		}
	}
	return all.Estimate()
}
