package ledger

import (
	"fmt"
	"slices"

	"throng"
)

// budget is what the releases of one site and period have spent. They are one Gaussian mechanism at one
// ε and δ: what adds up is the weights of their draws, and for the thresholds the number of gates.
type budget struct {
	terms  throng.Parameters // of the first reservation
	weight float64
	gates  int64
}

// slack is for sums of weights that are exact in decimals only.
const slack = 1e-9

// check tells whether a reservation may be added; a nil budget has spent nothing.
func (b *budget) check(id throng.ReleaseID, p throng.Parameters) error {
	if !(p.Epsilon > 0 && p.Delta > 0) {
		return fmt.Errorf("%s would cost nothing", id)
	}
	if p.Epsilon > throng.MaxEpsilon || p.Delta > throng.MaxDelta || p.NoiseDelta+p.ThresholdDelta > p.Delta*(1+slack) {
		return fmt.Errorf("%w: %s is to cost ε = %g, δ = %g; the ceilings are %g and %g", ErrOverdraft, id, p.Epsilon, p.Delta, throng.MaxEpsilon, throng.MaxDelta)
	}
	if !slices.Contains(p.Tables, id.Table) {
		return fmt.Errorf("%w: %s is not among the tables %v that share the budget", ErrOverdraft, id, p.Tables)
	}
	if b != nil && !sameTerms(b.terms, p) {
		return fmt.Errorf("%w: %s has other terms than the releases that were reserved for the same site and period", ErrOverdraft, id)
	}
	after := b.after(p)
	if after.weight > 1+slack || float64(after.gates)*p.GateDelta > p.ThresholdDelta*(1+slack) {
		return fmt.Errorf("%w: with %s the weights of the draws sum to %.4f and the gates to %d of %.0f",
			ErrOverdraft, id, after.weight, after.gates, p.ThresholdDelta/p.GateDelta)
	}
	return nil
}

func sameTerms(a, b throng.Parameters) bool {
	return a.K == b.K && a.Epsilon == b.Epsilon && a.Delta == b.Delta && a.NoiseDelta == b.NoiseDelta &&
		a.ThresholdDelta == b.ThresholdDelta && a.GateDelta == b.GateDelta && slices.Equal(a.Tables, b.Tables)
}

// after is the budget with another reservation.
func (b *budget) after(p throng.Parameters) *budget {
	sum := budget{terms: p}
	if b != nil {
		sum = *b
	}
	for _, d := range p.Draws {
		sum.weight += d.Weight
		if d.Gate > 0 {
			sum.gates += d.L0 * d.Draws
		}
	}
	return &sum
}
