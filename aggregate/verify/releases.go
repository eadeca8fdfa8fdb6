package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"reflect"
	"slices"
	"strings"

	"throng"
)

// sorted are the releases by name.
func (r *run) sorted() []*throng.Release {
	out := make([]*throng.Release, 0, len(r.releases))
	for _, rel := range r.releases {
		out = append(out, rel)
	}
	slices.SortFunc(out, func(a, b *throng.Release) int { return strings.Compare(a.ID().String(), b.ID().String()) })
	return out
}

// checkReleases checks each release by itself, and against its reservation.
func (r *run) checkReleases() {
	reserved := r.report.claim("every release was made with the parameters that were reserved for it")
	scales := r.report.claim("noise scales, gate and shares of δ follow from ε, δ, k and the bounds, and all draws of a device and period together stay in the budget")
	rows := r.report.claim("rows are in order and do not overlap; a number is missing for a reason that is known")
	numbers := r.report.claim("every number has the interval of its scale; device counts are at or above the gate, and their intervals at or above k")
	for _, rel := range r.sorted() {
		where := rel.ID().String()
		reserved.Looked++
		if a := r.book.accounts[rel.ID()]; a != nil && (a.tree != rel.Tree || !reflect.DeepEqual(a.parameters, rel.Parameters)) {
			reserved.fault(where, "its tree or parameters are not those of its reservation")
		}
		checkCalibration(where, rel.Parameters, scales)
		checkRows(where, rel, rows)
		for _, row := range rel.Rows {
			numbers.Looked++
			if err := checkRow(rel.Parameters, row); err != nil {
				numbers.fault(where, "row %q: %v", row.Key, err)
			}
		}
		if w := rel.Parameters.Watermark; w != "" && !slices.Contains(r.report.Watermarks, w) {
			r.report.Watermarks = append(r.report.Watermarks, w)
		}
	}
}

// checkRows checks that the rows of a table are parts of one partition: different leaves are
// disjoint, and a group holds what is under its prefix and has no row of its own.
func checkRows(where string, rel *throng.Release, c *Claim) {
	for i, row := range rel.Rows {
		c.Looked++
		if i > 0 && rel.Rows[i-1].Key >= row.Key {
			c.fault(where, "row %q is out of order or there twice", row.Key)
		}
		if rel.Table == throng.PathTable && (!strings.HasPrefix(row.Key, "/") || throng.LeafKey(row.Key) != row.Key) {
			c.fault(where, "row %q is below the leaves of the tree, so that it may overlap another", row.Key)
		}
	}
}

// checkRow checks the numbers of one row.
func checkRow(p throng.Parameters, row throng.Row) error {
	visits, _ := drawOf(p, throng.DrawVisits)
	devices, _ := drawOf(p, throng.DrawDevices)
	d, shown := row.Devices.Estimate()
	if !shown {
		return errors.New("it is published without a device count, which is the gate's own draw")
	}
	if err := checkPassed(d, p.K, p.Gate, devices.Sigma); err != nil {
		return fmt.Errorf("devices: %w", err)
	}
	v, shown := row.Visits.Estimate()
	if !shown {
		return errors.New("it is published without visits")
	}
	if err := checkInterval(v, visits.Sigma); err != nil {
		return fmt.Errorf("visits: %w", err)
	}
	return checkOptedOut(p, row)
}

func checkOptedOut(p throng.Parameters, row throng.Row) error {
	d, drawn := drawOf(p, throng.DrawOptedOutVisits)
	_, gated := drawOf(p, throng.DrawOptedOutGates)
	e, shown := row.OptedOutVisits.Estimate()
	switch reason := row.OptedOutVisits.Reason(); {
	case shown && !(drawn && gated):
		return errors.New("opted-out visits: they are shown, but the parameters have no draw and no gate for them")
	case shown:
		if err := checkInterval(e, d.Sigma); err != nil {
			return fmt.Errorf("opted-out visits: %w", err)
		}
	case reason != throng.BelowGate && reason != throng.NotDrawn:
		return fmt.Errorf("opted-out visits: the reason %q is not known", reason)
	}
	return nil
}

// readMethod compares the stated method with what the parameters add up to.
func (r *run) readMethod(ctx context.Context) error {
	b, err := r.Files.ReadFile(ctx, throng.MethodName)
	if errors.Is(err, fs.ErrNotExist) {
		r.report.Notes = append(r.report.Notes, "there is no "+throng.MethodName+": the stated method was not compared")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read method: %w", err)
	}
	c := r.report.claim("the stated method is of a form that is known, calibrated, and its composition is what its parameters add up to")
	if r.manifest != nil && digest(b) != r.manifest.Method.SHA256 {
		c.fault(throng.MethodName, "its SHA-256 is not the one in the manifest: fetch both again, then ask the operator")
	}
	var m throng.MethodStatement
	c.Looked++
	if err := decode(b, &m); err != nil || m.Format != throng.MethodFormat {
		c.fault(throng.MethodName, "it is not of the form %s", throng.MethodFormat)
		return nil
	}
	checkCalibration(throng.MethodName, m.Parameters, c)
	for _, stated := range m.Composition {
		c.Looked++
		got := compose(stated.Periods, m.Parameters)
		if off(stated.Rho, got.Rho) || off(stated.Epsilon, got.Epsilon) || off(stated.Delta, got.Delta) {
			c.fault(throng.MethodName, "over %s it states ρ = %.5g, ε = %.4g, δ = %.3g; the parameters give %.5g, %.4g, %.3g", stated.Over,
				stated.Rho, stated.Epsilon, stated.Delta, got.Rho, got.Epsilon, got.Delta)
		}
	}
	r.compareMethod(m)
	return nil
}

func off(stated, got float64) bool { return math.Abs(stated-got) > 1e-6*math.Abs(got) }

// compose is the loss over n periods with the same parameters.
func compose(n int, p throng.Parameters) throng.Composition {
	rho := float64(n) * rho(p)
	return throng.Composition{Periods: n, Rho: rho, Epsilon: zcdp(rho, p.NoiseDelta), Delta: p.NoiseDelta + float64(n)*p.ThresholdDelta}
}

// compareMethod notes where releases were made with other parameters than those that are stated: that
// is no fault, since parameters may change, but a reader should know.
func (r *run) compareMethod(m throng.MethodStatement) {
	other := 0
	for _, rel := range r.releases {
		if rel.Tree != m.Tree || !reflect.DeepEqual(rel.Parameters, m.Parameters) {
			other++
		}
	}
	if other > 0 {
		r.report.Notes = append(r.report.Notes, fmt.Sprintf("%d releases were made with other parameters than the method now states; each was checked with its own", other))
	}
}
