package throng

// ReleaseFormat names the form of the files that hold releases.
const ReleaseFormat = "throng/release/1"

// PathTable is the table that every site has: visits by path.
const PathTable = "path"

// Release is a published table: one site, one table, one period. It is written once, as JSON in
// releases/SITE/TABLE/PERIOD.json, and never drawn again.
type Release struct {
	Format string `json:"format"` // always [ReleaseFormat]
	Site   string `json:"site"`
	Table  string `json:"table"`
	Period Period `json:"period"`
	// Tree is the version of the rules that make the partition.
	Tree       int          `json:"tree"`
	Parameters Parameters   `json:"parameters"`
	Complete   Completeness `json:"completeness"`
	// Rows are the published leaves of the partition, sorted by key: disjoint, and only their visits
	// add up.
	Rows []Row `json:"rows"`
}

// Row is one published leaf: a path, or a group (prefix/*other*).
type Row struct {
	Key string `json:"key"`
	// Devices is the noisy number of distinct devices. It is never summed.
	Devices Measure `json:"devices"`
	// Visits is the noisy number of bounded visits.
	Visits Measure `json:"visits"`
	// OptedOutVisits are those of Visits that came from devices that opted out.
	OptedOutVisits Measure `json:"opted_out_visits"`
}

// Completeness says how much of the period's log a release holds, as coarsely as it may be said.
type Completeness struct {
	// MissingSources are the configured names of sources that had not reported past the period when
	// the lateness limit ran out.
	MissingSources []string `json:"missing_sources"`
	// Late and Rejected are shares of the period's lines: those that came after the period was
	// closed so far, and those that could not be read.
	Late     Share `json:"late"`
	Rejected Share `json:"rejected"`
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

// ID names the release.
func (r *Release) ID() ReleaseID { return ReleaseID{r.Site, r.Table, r.Period} }

// String is SITE/TABLE/PERIOD, which is also the release's file name without .json.
func (id ReleaseID) String() string { return id.Site + "/" + id.Table + "/" + id.Period.String() }
