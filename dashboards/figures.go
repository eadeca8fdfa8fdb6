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
}

// Shown is the number of published rows.
func (f *figures) Shown() int { return f.Pages + f.Groups }

func figuresOf(rel *throng.Release) *figures {
	f := &figures{Visits: sum(rel.Rows, columns["visits"])}
	for _, row := range rel.Rows {
		if throng.IsOther(row.Key) {
			f.Groups++
		} else {
			f.Pages++
		}
		if e, ok := row.Visits.Estimate(); ok {
			f.Most = max(f.Most, e.Value)
		}
	}
	return f
}

// sum adds one column.
func sum(rows []throng.Row, column func(throng.Row) throng.Measure) throng.Estimate {
	var parts []throng.Estimate
	for _, row := range rows {
		if e, ok := column(row).Estimate(); ok {
			parts = append(parts, e)
		}
	}
	return throng.SumOf(parts)
}
