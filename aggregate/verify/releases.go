package verify

import (
	"cmp"
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
	scales := r.report.claim("noise scales, gates and shares of δ follow from ε, δ, k and the bounds")
	rows := r.report.claim("rows are in order and do not overlap; a number is missing for a reason that is known")
	numbers := r.report.claim("every number has the interval of its scale; device counts are at or above the gate, and their intervals at or above k")
	for _, rel := range r.sorted() {
		where := rel.ID().String()
		if w := rel.Parameters.Watermark; w != "" && !slices.Contains(r.report.Watermarks, w) {
			r.report.Watermarks = append(r.report.Watermarks, w)
		}
		checkRows(where, rel, rows)
		if rel.Period.Kind() == throng.MonthPeriod {
			continue // nothing is drawn for it; see checkMonth
		}
		reserved.Looked++
		if a := r.book.accounts[rel.ID()]; a != nil && (a.tree != rel.Tree || !reflect.DeepEqual(a.parameters, rel.Parameters)) {
			reserved.fault(where, "its tree or parameters are not those of its reservation")
		}
		checkCalibration(where, rel.Parameters, scales)
		checkNumbers(where, rel, numbers)
	}
}

// checkRows checks that the rows of a table are parts of one partition: different leaves are
// disjoint, and a group holds what is under its prefix and has no row of its own.
func checkRows(where string, rel *throng.Release, c *Claim) {
	if rel.Withheld != "" && (rel.Withheld != throng.Crossing || len(rel.Rows) > 0) {
		c.fault(where, "it is withheld for a reason that is not known, or has rows all the same")
	}
	c.Looked++
	for i, row := range rel.Rows {
		c.Looked++
		if i > 0 && cmp.Or(cmp.Compare(rel.Rows[i-1].Key, row.Key), cmp.Compare(rel.Rows[i-1].Holder, row.Holder)) >= 0 {
			c.fault(where, "row %q is out of order or there twice", row.Key)
		}
		if row.Holder != "" && rel.Period.Kind() != throng.SpanPeriod {
			c.fault(where, "row %q is held by another, which only a span's can be", row.Key)
		}
		if err := checkKey(rel.Table, row.Key); err != nil {
			c.fault(where, "row %q: %v", row.Key, err)
		}
	}
	for i, g := range rel.OptedOut {
		c.Looked++
		if i > 0 && rel.OptedOut[i-1].Group >= g.Group || g.Group != throng.SiteGroup && !isSection(g.Group) {
			c.fault(where, "opted-out group %q is no section, out of order or there twice", g.Group)
		}
	}
}

// checkKey refuses keys that may overlap others.
func checkKey(table, key string) error {
	switch {
	case table != throng.PathTable && key == "":
		return errors.New("it has no key")
	case table != throng.PathTable:
		return nil
	case !strings.HasPrefix(key, "/") || throng.LeafKey(key) != key:
		return errors.New("it is below the leaves of the tree, so that it may overlap another")
	case strings.HasSuffix(key, "/*"):
		return errors.New("it is a total of others, so that what is missing among them can be worked out")
	}
	return nil
}

func isSection(group string) bool {
	name, ok := throng.SectionOf(strings.TrimSuffix(group, "*") + throng.Other)
	return ok && name == group
}

// checkNumbers checks every number of a release that was drawn.
func checkNumbers(where string, rel *throng.Release, c *Claim) {
	for _, row := range rel.Rows {
		c.Looked++
		if err := checkRow(rel.Parameters, row); err != nil {
			c.fault(where, "row %q: %v", row.Key, err)
		}
	}
	for _, g := range rel.OptedOut {
		c.Looked++
		if err := checkOptedOut(rel, g); err != nil {
			c.fault(where, "opted-out group %q: %v", g.Group, err)
		}
	}
	c.Looked++
	if err := checkShare(rel.Parameters, throng.DrawClipped, rel.ClippedPercent); err != nil {
		c.fault(where, "clipped devices: %v", err)
	}
	if rel.Format == throng.ReleaseFormat3 {
		return // it has no share of bots
	}
	c.Looked++
	if err := checkShare(rel.Parameters, throng.DrawBots, rel.BotPercent); err != nil {
		c.fault(where, "bots: %v", err)
	}
}

// checkRow checks the numbers of one row.
func checkRow(p throng.Parameters, row throng.Row) error {
	devices, _ := p.Draw(throng.DrawDevices)
	visits, _ := p.Draw(throng.DrawVisits)
	d, shown := row.Devices.Estimate()
	if !shown {
		return errors.New("it is published without a device count, which is the gate's own draw")
	}
	if err := checkPassed(d, p.K, devices.Gate, devices.Sigma); err != nil {
		return fmt.Errorf("devices: %w", err)
	}
	v, shown := row.Visits.Estimate()
	if !shown {
		return errors.New("it is published without visits")
	}
	if err := checkInterval(v, visits.Sigma); err != nil {
		return fmt.Errorf("visits: %w", err)
	}
	return nil
}

// checkShare checks a share of devices that is made of two gates. Its interval is that of the smallest table in
// which it is shown, so that it does not tell how many devices there were.
func checkShare(p throng.Parameters, kind throng.Draw, m throng.Measure) error {
	d, drawn := p.Draw(kind)
	e, shown := m.Estimate()
	switch {
	case shown && !drawn:
		return errors.New("their share is shown, but the parameters have no draw for it")
	case shown:
		margin := math.Ceil(0.5 + 100*half*d.Sigma/(2*math.Sqrt2*float64(p.K)))
		if low, high := max(float64(e.Value)-margin, 0), min(float64(e.Value)+margin, 100); e.Value < 0 || e.Value > 100 || float64(e.Low) != low || float64(e.High) != high {
			return fmt.Errorf("%d %% in [%d, %d] is no share with the interval [%.0f, %.0f] that its scale gives", e.Value, e.Low, e.High, low, high)
		}
	case m.Reason() != throng.NotDrawn && (m.Reason() != throng.BelowGate || !drawn):
		return fmt.Errorf("the reason %q is not right for their share", m.Reason())
	}
	return nil
}

// checkOptedOut checks a group of the opted-out column, and the sum of what it covers.
func checkOptedOut(rel *throng.Release, g throng.OptedOut) error {
	d, drawn := rel.Parameters.Draw(throng.DrawOptedOutVisits)
	_, gated := rel.Parameters.Draw(throng.DrawOptedOutGates)
	e, shown := g.OptedOutVisits.Estimate()
	switch {
	case !drawn || !gated:
		return errors.New("the parameters have no draw and no gate for it")
	case shown:
		if err := checkInterval(e, d.Sigma); err != nil {
			return err
		}
	case g.OptedOutVisits.Reason() != throng.BelowGate:
		return fmt.Errorf("the reason %q is not known", g.OptedOutVisits.Reason())
	}
	var covered total
	for _, row := range rel.Rows {
		if covers(rel, g.Group, row.Key) {
			e, _ := row.Visits.Estimate()
			covered.add(e, 1)
		}
	}
	return covered.check(g.OfVisits)
}

// covers tells whether a group of the opted-out column covers a row: a section those of its first segment,
// the site's all that lie in no section with a number.
func covers(rel *throng.Release, group, key string) bool {
	section, ok := throng.SectionOf(key)
	if group != throng.SiteGroup {
		return ok && section == group
	}
	return !slices.ContainsFunc(rel.OptedOut, func(g throng.OptedOut) bool {
		_, shown := g.OptedOutVisits.Estimate()
		return ok && shown && g.Group == section
	})
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
	for _, s := range m.Sites {
		checkCalibration(throng.MethodName+" site "+s.Site, s.Parameters, c)
		if p := s.Parameters; p.K < m.Parameters.K || p.Epsilon > m.Parameters.Epsilon || p.Delta > m.Parameters.Delta {
			c.fault(throng.MethodName, "site %s is stated to be laxer than all sites are", s.Site)
		}
	}
	for _, stated := range m.Composition {
		c.Looked++
		got := compose(stated.Periods, m.Parameters)
		if off(stated.Rho, got.Rho) || off(stated.Epsilon, got.Epsilon) || off(stated.Delta, got.Delta) {
			c.fault(throng.MethodName, "over %s it states ρ = %.5g, ε = %.4g, δ = %.3g; the parameters give %.5g, %.4g, %.3g", stated.Over,
				stated.Rho, stated.Epsilon, stated.Delta, got.Rho, got.Epsilon, got.Delta)
		}
	}
	r.compareMethod(m)
	r.compareVersion(m)
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
	stated := func(site string) throng.Parameters {
		if i := slices.IndexFunc(m.Sites, func(s throng.SiteParameters) bool { return s.Site == site }); i >= 0 {
			return m.Sites[i].Parameters
		}
		return m.Parameters
	}
	for _, rel := range r.releases {
		day := rel.Table == throng.PathTable && rel.Period.Kind() == throng.DayPeriod // as the method states them
		if day && (rel.Tree != m.Tree || !reflect.DeepEqual(rel.Parameters, stated(rel.Site))) {
			other++
		}
	}
	if other > 0 {
		r.report.Notes = append(r.report.Notes, fmt.Sprintf("%d days were published with other parameters than the method now states; each was checked with its own", other))
	}
}
