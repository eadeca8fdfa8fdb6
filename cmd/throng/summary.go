package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"text/tabwriter"

	"throng"
	"throng/dashboards"
	"throng/internal/loadgen"
)

// summarizeLines says what became of the lines.
func (d *demo) summarizeLines() error {
	t := &d.total
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\nlines read\t%s\t\n", thousands(t.Lines))
	fmt.Fprintf(w, "page views of people\t%s\t\n", thousands(t.Visits))
	fmt.Fprintf(w, "bots, counted apart\t%s\t  (%.1f %% of all events)\n", thousands(t.Bots), percent(t.Bots, t.Events))
	for _, b := range throng.BotNames()[throng.Crawler:] {
		if n := t.BotClasses[b]; n > 0 {
			fmt.Fprintf(w, "of these, of class %s\t%s\t  (%.1f %%)\n", b, thousands(n), percent(n, t.Events))
		}
	}
	for _, s := range throng.SignalNames()[1:] {
		if n := t.Signals[s]; n > 0 {
			fmt.Fprintf(w, "opted out by %s\t%s\t\n", s, thousands(n))
		}
	}
	if t.InvalidSignals > 0 {
		fmt.Fprintf(w, "signal fields that are no signal\t%s\t\n", thousands(t.InvalidSignals))
	}
	if t.Consented > 0 {
		fmt.Fprintf(w, "DNT overridden by consent\t%s\t\n", thousands(t.Consented))
	}
	if t.Late > 0 {
		fmt.Fprintf(w, "late: out of the order of days\t%s\t\n", thousands(t.Late))
	}
	for _, r := range t.Reasons() {
		fmt.Fprintf(w, "refused: %s\t%s\t\n", r, thousands(t.Rejected[r]))
	}
	return w.Flush()
}

func percent(part, whole uint64) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// published reads every release of the demo.
func (d *demo) published(ctx context.Context) ([]*dashboards.Stored, error) {
	files := d.dir.files()
	ids, err := files.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []*dashboards.Stored
	for _, id := range ids {
		r, err := files.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *dashboards.Stored) int { return int(a.Period.First() - b.Period.First()) })
	return out, nil
}

// count counts a release's pages, groups and visits.
func count(r *throng.Release) (pages, groups int, visits int64) {
	for _, row := range r.Rows {
		if throng.IsOther(row.Key) {
			groups++
		} else {
			pages++
		}
		e, _ := row.Visits.Estimate()
		visits += e.Value
	}
	return pages, groups, visits
}

// summarizeLogs ends a demo on the reader's own logs.
func (d *demo) summarizeLogs() error {
	if err := d.summarizeLines(); err != nil {
		return err
	}
	releases, err := d.published(context.Background())
	if err != nil {
		return err
	}
	cells := 0
	for _, r := range releases {
		cells += len(r.Rows)
	}
	fmt.Fprintf(d.out, "\n%d days published, %d cells in all.\n", len(releases), cells)
	if cells == 0 {
		fmt.Fprintf(d.out, "No page and no group of pages was read by about %s devices on one day, so nothing may be shown: that is the promise, not a fault.\n",
			thousands(uint64(d.closer.Parameters().K)))
	}
	return nil
}

// summarize ends a demo with known truth: what was published of it, and how far it is from the truth.
func (d *demo) summarize(day throng.Day, log *loadgen.Log) error {
	if err := d.summarizeLines(); err != nil {
		return err
	}
	releases, err := d.published(context.Background())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(releases, func(r *dashboards.Stored) bool { return r.Period == day.Period() })
	if i < 0 {
		return fmt.Errorf("summarize: there is no release of %s", day)
	}
	r, truth := releases[i].Release, log.Truth()
	pages, groups, visits := count(r)
	over := 0
	for _, p := range truth.Paths {
		if p.Devices >= uint64(r.Parameters.K) {
			over++
		}
	}
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\ncells published\t%d\t  (%d pages, %d groups)\n", len(r.Rows), pages, groups)
	fmt.Fprintf(w, "pages with %s devices or more\t%d\t  (in truth, before bounding)\n", thousands(uint64(r.Parameters.K)), over)
	fmt.Fprintf(w, "visits published\t%s\t  (%.1f %% of all page views)\n", thousands(uint64(max(visits, 0))), 100*float64(visits)/float64(truth.Visits))
	share := percent(truth.BotDevices, truth.BotDevices+truth.Devices)
	if e, ok := r.BotPercent.Estimate(); ok {
		fmt.Fprintf(w, "bots, of devices, published\t%d %%\t  (%d–%d %%; %.1f %% in truth)\n", e.Value, e.Low, e.High, share)
	} else {
		fmt.Fprintf(w, "bots, of devices\tnot shown\t  (%s of them in truth, %.1f %%: too few)\n", thousands(truth.BotDevices), share)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return d.compare(r, log, truth)
}

// compare prints the largest pages beside the truth, and how many intervals hold it.
func (d *demo) compare(r *throng.Release, log *loadgen.Log, truth loadgen.Truth) error {
	raw := map[string]loadgen.PathTruth{}
	for _, p := range truth.Paths {
		raw[p.Key] = p
	}
	bounded := map[string]loadgen.Bounded{}
	for _, b := range log.Bounded(int(r.Parameters.L0), int(r.Parameters.Linf)) {
		bounded[b.Key] = b
	}
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(row throng.Row) bool { _, ok := raw[row.Key]; return !ok })
	slices.SortFunc(rows, func(a, b throng.Row) int { return int(value(b.Visits) - value(a.Visits)) })
	var errors []float64
	held := 0
	for _, row := range rows {
		e, _ := row.Visits.Estimate()
		want := bounded[row.Key].Visits
		errors = append(errors, math.Abs(float64(e.Value)-want)/want)
		if float64(e.Low) <= want && want <= float64(e.High) {
			held++
		}
	}
	fmt.Fprintf(d.out, "\nThe largest pages beside the truth (visits; bounded: at most %d pages a device, %d visits each, on average):\n", r.Parameters.L0, r.Parameters.Linf)
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "published\t95 % interval\tbounded truth\traw truth\tdevices\tin truth\t  page")
	for _, row := range rows[:min(10, len(rows))] {
		e, _ := row.Visits.Estimate()
		fmt.Fprintf(w, "%s\t%s–%s\t%s\t%s\t%s\t%s\t  %s\n", thousands(uint64(e.Value)), thousands(uint64(e.Low)), thousands(uint64(e.High)),
			thousands(uint64(bounded[row.Key].Visits)), thousands(raw[row.Key].Visits), thousands(uint64(value(row.Devices))), thousands(raw[row.Key].Devices), row.Key)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(errors) > 0 {
		slices.Sort(errors)
		fmt.Fprintf(d.out, "Median error against the bounded truth: %.2f %%; %d of %d intervals hold it (the sampling of pages adds to the noise).\n",
			100*errors[len(errors)/2], held, len(rows))
	}
	return nil
}

func value(m throng.Measure) int64 {
	e, _ := m.Estimate()
	return e.Value
}
