package dashboards

import (
	"math"

	"throng"
)

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

// sum adds one column. The noise of each row is drawn independently, so variances add: the half
// width of the sum's interval is the root of the sum of the squared half widths.
func sum(rows []throng.Row, column func(throng.Row) throng.Measure) throng.Estimate {
	var total int64
	var squares float64
	for _, row := range rows {
		if e, ok := column(row).Estimate(); ok {
			half := float64(e.High-e.Low) / 2
			total += e.Value
			squares += half * half
		}
	}
	half := int64(math.Ceil(math.Sqrt(squares)))
	return throng.Estimate{Value: total, Low: total - half, High: total + half}
}
