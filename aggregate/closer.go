package aggregate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"throng"
	"throng/aggregate/dp"
	"throng/aggregate/ledger"
	"throng/internal/durable"
)

// Options configure a [Closer].
type Options struct {
	Store  Store          // Required.
	Broker Broker         // Required.
	Ledger *ledger.Ledger // Required. The closer is its only user until Run has returned.
	Clock  throng.Clock   // Required.
	Logger *slog.Logger   // Required.
	// Releases is the directory of the release files. Required.
	Releases string
	// Group names the consumer group of a topic's loaders. Required.
	Group func(topic string) string
	// ClosingMarker is the message behind which nothing of a day is loaded any more. Required.
	ClosingMarker func(throng.Day) []byte

	// Sites are the configured sites: they get releases for every day that is closed, if only empty
	// ones. Sites that appear in the day's cells are added.
	Sites []string
	// Tables are the further tables of a site, see [throng.CheckTables]. What a site's first release of a
	// month was drawn with stays in force until the month is over. Defaults to none.
	Tables map[string][]string
	// Routes are the listed pages of a site: the only ones on which visitors who opted out are counted by
	// page. All their other visits are in groups. Defaults to none.
	Routes map[string][]string
	// Feeds are the configured feeds, which every day waits for; feeds with blocks of the day or the
	// day before are added.
	Feeds []string

	// K defaults to [throng.MinDevices] and goes below it only with a Watermark.
	K int64
	// Epsilon and Delta default to the ceilings [throng.MaxEpsilon] and [throng.MaxDelta].
	Epsilon float64
	Delta   float64
	// Stricter are the budgets of sites that are stricter. Defaults to none.
	Stricter map[string]Budget
	// Watermark marks the releases of a demonstration. Defaults to none.
	Watermark string

	// Settle is how long after its end a day stays open at least, and how far past that end every feed
	// has to be. Defaults to 10 min.
	Settle time.Duration
	// Lateness is how long after its end a day waits for feeds at most. Defaults to 36 h; the ceiling
	// is 48 h.
	Lateness time.Duration
	// Observe is called before the releases of a day or span are made, and what it gives when that was done or has
	// failed. How long the draws take tells how many there were, so whoever keeps times keeps them coarsely. Defaults
	// to nothing.
	Observe func(ctx context.Context, period throng.Period) (context.Context, func(error))
	// Poll is how often Run looks for days that are due. Defaults to 10 s.
	Poll time.Duration
	// Workers is how many ranges of units are read at a time. Defaults to the number of processors.
	Workers int
	// Memory is how many bytes of bounded visits are kept between two passes; what does not fit is read
	// from the store again. Defaults to 512 MiB, which is enough for some 20 million devices.
	Memory int64
}

// Budget is what a device of a site may cost in a period, and how many devices a row stands for. Zero values
// are those of [Options].
type Budget struct {
	K              int64
	Epsilon, Delta float64
}

// maxLateness is the time after which unit tokens may not exist (method section 3).
const maxLateness = 48 * time.Hour

// Closer closes days, spans and months. It is not safe for concurrent use, except for Progress.
type Closer struct {
	Options
	parameters throng.Parameters
	mechanism  func(throng.ReleaseID, throng.Parameters) (draws, error)
	disk       durable.Disk // tests make it fail
	// marked are the partitions to which this process has produced a day's closing marker.
	marked map[throng.Day]map[int]bool
	// settled are the spans and months that this process has finished.
	settled  map[throng.Period]bool
	progress progress
}

// New makes a closer and checks that releases and ledger agree; see [Closer.check].
func New(o Options) (*Closer, error) {
	if o.Store == nil || o.Broker == nil || o.Ledger == nil || o.Clock == nil || o.Logger == nil ||
		o.Releases == "" || o.Group == nil || o.ClosingMarker == nil {
		return nil, errors.New("close: a required option is missing")
	}
	if o.Lateness > maxLateness {
		return nil, fmt.Errorf("close: lateness of %s is above the ceiling of %s", o.Lateness, maxLateness)
	}
	for _, s := range o.Sites {
		if err := checkSite(s); err != nil {
			return nil, fmt.Errorf("close: %w", err)
		}
	}
	c := &Closer{Options: o.withDefaults(), mechanism: newMechanism, marked: map[throng.Day]map[int]bool{}, settled: map[throng.Period]bool{}}
	for _, s := range slices.Concat(o.Sites, slices.Collect(maps.Keys(o.Tables)), slices.Collect(maps.Keys(o.Stricter))) {
		if b := c.budget(s); b.K < c.K || b.Epsilon > c.Epsilon || b.Delta > c.Delta {
			return nil, fmt.Errorf("close: site %s: its k, ε or δ is laxer than that of all sites", s)
		}
		if _, err := c.calibrate(throng.ReleaseID{Site: s, Table: throng.PathTable, Period: throng.Day(0).Period()}, c.tables(s)); err != nil {
			return nil, fmt.Errorf("close: site %s: %w", s, err)
		}
	}
	var err error
	if c.parameters, err = Calibrate(Budget{c.K, c.Epsilon, c.Delta}, o.Watermark); err != nil {
		return nil, fmt.Errorf("close: %w", err)
	}
	return c, c.check()
}

// Parameters are those of a day's path table, where it is the only one, from now on.
func (c *Closer) Parameters() throng.Parameters { return c.parameters }

// Calibrate gives the parameters of a day's path table beside further tables; zero values of the budget are
// the defaults of [Options].
func Calibrate(b Budget, watermark string, further ...string) (throng.Parameters, error) {
	tables := append([]string{throng.PathTable}, further...)
	slices.Sort(tables)
	return dp.Calibrate(dp.Budget{K: b.K, Epsilon: b.Epsilon, Delta: b.Delta, Watermark: watermark}, throng.DayPeriod, throng.PathTable, tables...)
}

func (c *Closer) calibrate(id throng.ReleaseID, tables []string) (throng.Parameters, error) {
	b := c.termsOf(id, tables)
	return dp.Calibrate(dp.Budget{K: b.K, Epsilon: b.Epsilon, Delta: b.Delta, Watermark: c.Watermark}, id.Period.Kind(), id.Table, tables...)
}

// budget is that of a site.
func (c *Closer) budget(site string) Budget {
	b := c.Stricter[site]
	return Budget{cmp.Or(b.K, c.K), cmp.Or(b.Epsilon, c.Epsilon), cmp.Or(b.Delta, c.Delta)}
}

// termsOf is the budget of a release: that of the tables with which it shares it and which were reserved
// already, by a process that may have been configured otherwise, or else the site's.
func (c *Closer) termsOf(id throng.ReleaseID, tables []string) Budget {
	for _, table := range tables {
		if a, ok := c.Ledger.Reservation(throng.ReleaseID{Site: id.Site, Table: table, Period: id.Period}); ok {
			return Budget{a.Parameters.K, a.Parameters.Epsilon, a.Parameters.Delta}
		}
	}
	return c.budget(id.Site)
}

func (o Options) withDefaults() Options {
	o.K = cmp.Or(o.K, throng.MinDevices)
	o.Epsilon = cmp.Or(o.Epsilon, throng.MaxEpsilon)
	o.Delta = cmp.Or(o.Delta, throng.MaxDelta)
	o.Settle = cmp.Or(o.Settle, 10*time.Minute)
	o.Lateness = cmp.Or(o.Lateness, 36*time.Hour)
	if o.Observe == nil {
		o.Observe = func(ctx context.Context, _ throng.Period) (context.Context, func(error)) { return ctx, func(error) {} }
	}
	o.Poll = cmp.Or(o.Poll, 10*time.Second)
	o.Workers = cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	o.Memory = cmp.Or(o.Memory, 512<<20)
	return o
}

func newMechanism(id throng.ReleaseID, p throng.Parameters) (draws, error) {
	return dp.New(id.Period.Kind(), id.Table, p)
}

// tables are the configured tables of a site, sorted.
func (c *Closer) tables(site string) []string {
	all := append([]string{throng.PathTable}, c.Tables[site]...)
	slices.Sort(all)
	return all
}

// tablesOf are the tables of a site's day: those with which the site's first day of the month was
// reserved, or else the configured ones.
func (c *Closer) tablesOf(site string, day throng.Day) []string {
	month := throng.MonthOf(day)
	for d := month.First(); d <= month.Last(); d++ {
		if a, ok := c.Ledger.Reservation(throng.ReleaseID{Site: site, Table: throng.PathTable, Period: d.Period()}); ok {
			return a.Parameters.Tables
		}
	}
	return c.tables(site)
}

// checkSite refuses a site id that cannot be the name of a directory.
func checkSite(s string) error {
	if s == "" || strings.HasPrefix(s, ".") || strings.ContainsAny(s, `/\`) || !filepath.IsLocal(s) {
		return fmt.Errorf("site id %q cannot be the name of a directory", s)
	}
	return nil
}
