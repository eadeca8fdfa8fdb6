package aggregate

import "throng"

// withholdCrossings empties further tables of a site that may not be shown beside those before them.
//
// Two one-way tables of one population bound the visits x of rows I of one and rows J of the other by
// max(0, a(I) + b(J) − n) ≤ x ≤ min(a(I), b(J)), and these bounds are sharp (Fréchet). Every published
// row stands for k devices, so an upper bound under k can only be that of a table's unpublished rest,
// and that is known only as a difference of two totals. So a table is withheld where its total differs
// from that of another one by an amount that is certainly more than nobody and certainly under k: then
// one of the two leaves out a group that the other tells of. It is a function of the draws alone.
func withholdCrossings(drafts []*draft) {
	for i, d := range drafts {
		if d.id.Table == throng.PathTable {
			continue
		}
		for j, other := range drafts {
			before := j < i || other.id.Table == throng.PathTable
			if before && other.id.Site == d.id.Site && other.withheld == "" && boundsAFew(total(d), total(other), d.account.Parameters.K) {
				d.withheld, d.rows = throng.Crossing, []throng.Row{}
				break
			}
		}
	}
}

func total(d *draft) throng.Estimate {
	var parts []throng.Estimate
	for _, row := range d.rows {
		e, _ := row.Visits.Estimate()
		parts = append(parts, e)
	}
	return throng.SumOf(parts)
}

// boundsAFew tells whether the difference of two totals is above 0 and below k, either way round, with
// its whole interval.
func boundsAFew(a, b throng.Estimate, k int64) bool {
	b.Value, b.Low, b.High = -b.Value, -b.High, -b.Low
	d := throng.SumOf([]throng.Estimate{a, b})
	return d.Low > 0 && d.High < k || d.High < 0 && -d.Low < k
}
