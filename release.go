package throng

import (
	"fmt"
	"slices"
)

// ReleaseFormat names the form of the files that hold releases (docs/release-format.md).
const ReleaseFormat = "throng/release/4"

// ReleaseFormat3 is the form before it, which has no BotPercent. Releases are written once, so that those of
// this form stay.
const ReleaseFormat3 = "throng/release/3"

// Release is a published table: one site, one table, one period. It is written once, as JSON in
// releases/SITE/TABLE/PERIOD.json, and never drawn again.
//
// A day's rows are drawn from its visits. A span's rows are drawn from those visits of its days that
// the days could not publish by themselves. A month's rows are sums of published numbers.
type Release struct {
	Format string `json:"format"` // [ReleaseFormat], or [ReleaseFormat3]
	Site   string `json:"site"`
	Table  string `json:"table"`
	Period Period `json:"period"`
	// Tree is the version of the rules that make the partition.
	Tree       int          `json:"tree"`
	Parameters Parameters   `json:"parameters"`
	Complete   Completeness `json:"completeness"`
	// Withheld is why a release has no rows though it was drawn; only [Crossing], or "".
	Withheld Reason `json:"withheld,omitempty"`
	// Rows are the published leaves of the partition, sorted by key and holder: disjoint, and only their
	// visits add up. Those of a span lie within the days' groups that hold them.
	Rows []Row `json:"rows"`
	// OptedOut is the opted-out column, by section and site, sorted by group; empty where it is not drawn.
	OptedOut []OptedOut `json:"opted_out"`
	// ClippedPercent is the share of the table's devices whose visits were cut by L0 or Linf, in whole percent.
	// Both these devices and all others have passed a gate; neither number is published, since with a total of
	// devices those of a row could be subtracted from it.
	ClippedPercent Measure `json:"clipped_percent"`
	// BotPercent is the share of bots among a site's bots and readers of the day, in devices and in whole
	// percent, made and shown in the same way. Bots are in no row. Only days have it, in their path table;
	// it is the zero value in releases of [ReleaseFormat3].
	BotPercent Measure `json:"bot_percent,omitzero"`
	// Sources are the releases that a month was summed from, sorted; empty for others.
	Sources []Source `json:"sources,omitempty"`
}

// Row is one published leaf: a path, or a group (prefix/*other*).
type Row struct {
	Key string `json:"key"`
	// Holder, in a span, is the group in whose published visits of the span's days this row's visits are
	// contained; "" where they were in no published row. Days and months have none.
	Holder string `json:"holder,omitempty"`
	// Devices is the noisy number of distinct devices. It is never summed.
	Devices Measure `json:"devices"`
	// Visits is the noisy number of bounded visits.
	Visits Measure `json:"visits"`
}

// OptedOut is the number of visits by devices that opted out, among those of the published rows of a
// section or of the site.
type OptedOut struct {
	// Group is /SEGMENT/* for a section with a row in it, and /* for the rows that lie in no section, and
	// those of the sections whose own number is missing. /* is always there.
	Group string `json:"group"`
	// OfVisits is the sum of the published visits of the rows in the group; nothing is drawn for it.
	OfVisits Estimate `json:"of_visits"`
	// OptedOutVisits are those of OfVisits that came from devices that opted out.
	OptedOutVisits Measure `json:"opted_out_visits"`
}

// Source is a release from which a month was summed, with the SHA-256 of its file in hexadecimal.
type Source struct {
	Period Period `json:"period"`
	SHA256 string `json:"sha256"`
}

// Completeness says how much of the period's log a release holds, as coarsely as it may be said.
type Completeness struct {
	// MissingSources are the configured names of sources that had not reported past the period when
	// the lateness limit ran out.
	MissingSources []string `json:"missing_sources"`
	// MissingDays are the days of a span or month that have no release.
	MissingDays []Day `json:"missing_days,omitempty"`
	// Late and Rejected are shares of the period's lines: those that came after the period was
	// closed so far, and those that could not be read.
	Late     Share `json:"late"`
	Rejected Share `json:"rejected"`
}

// Add takes over what is missing of d, the worse of each.
func (c *Completeness) Add(d Completeness) {
	c.MissingSources = append(c.MissingSources, d.MissingSources...)
	slices.Sort(c.MissingSources)
	c.MissingSources = slices.Compact(c.MissingSources)
	c.Late, c.Rejected = worse(c.Late, d.Late), worse(c.Rejected, d.Rejected)
}

func worse(a, b Share) Share {
	steps := []Share{ShareNone, ShareSome, ShareAbove1Pc}
	return steps[max(slices.Index(steps, a), slices.Index(steps, b), 0)]
}

// Share is a share of lines in three steps; a finer one could be subtracted from a published total.
type Share string

// The steps of [Share].
const (
	ShareNone     Share = "none"
	ShareSome     Share = "some"
	ShareAbove1Pc Share = "above_1_percent"
)

// ShareOf is the step for part of whole.
func ShareOf(part, whole uint64) Share {
	switch {
	case part == 0:
		return ShareNone
	case part*100 <= whole:
		return ShareSome
	}
	return ShareAbove1Pc
}

// ReleaseID names a release in the ledger and on disk.
type ReleaseID struct {
	Site   string `json:"site"`
	Table  string `json:"table"`
	Period Period `json:"period"`
}

// CheckFormat refuses a release whose form is not known, or that has not what its form has.
func (r *Release) CheckFormat() error {
	switch has := r.BotPercent != (Measure{}); {
	case r.Format != ReleaseFormat && r.Format != ReleaseFormat3:
		return fmt.Errorf("its form is %q, want %q or %q", r.Format, ReleaseFormat, ReleaseFormat3)
	case has && r.Format == ReleaseFormat3:
		return fmt.Errorf("its form is %q, which has no share of bots, and it has one", r.Format)
	case !has && r.Format == ReleaseFormat:
		return fmt.Errorf("its form is %q, which has a share of bots or why there is none, and it has neither", r.Format)
	}
	return nil
}

// ID names the release.
func (r *Release) ID() ReleaseID { return ReleaseID{r.Site, r.Table, r.Period} }

// String is SITE/TABLE/PERIOD, which is also the release's file name without .json.
func (id ReleaseID) String() string { return id.Site + "/" + id.Table + "/" + id.Period.String() }
