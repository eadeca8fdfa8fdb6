package aggregate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

	// Sites are the configured sites: they get a release for every day that is closed, if only an
	// empty one. Sites that appear in the day's cells are added.
	Sites []string
	// Feeds are the configured feeds, which every day waits for; feeds with blocks of the day or the
	// day before are added.
	Feeds []string

	// K defaults to [throng.MinDevices] and goes below it only with a Watermark.
	K int64
	// Epsilon and Delta default to the ceilings [throng.MaxEpsilon] and [throng.MaxDelta].
	Epsilon float64
	Delta   float64
	// Watermark marks the releases of a demonstration. Defaults to none.
	Watermark string

	// Settle is how long after its end a day stays open at least, and how far past that end every feed
	// has to be. Defaults to 10 min.
	Settle time.Duration
	// Lateness is how long after its end a day waits for feeds at most. Defaults to 36 h; the ceiling
	// is 48 h.
	Lateness time.Duration
	// Poll is how often Run looks for days that are due. Defaults to 10 s.
	Poll time.Duration
	// Workers is how many ranges of units are read at a time. Defaults to the number of processors.
	Workers int
}

// maxLateness is the time after which unit tokens may not exist (method section 3).
const maxLateness = 48 * time.Hour

// Closer closes days. It is not safe for concurrent use.
type Closer struct {
	Options
	parameters throng.Parameters
	mechanism  func(throng.Parameters) (draws, error)
	// marked are the partitions to which this process has produced a day's closing marker.
	marked map[throng.Day]map[int]bool
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
	p, err := Calibrate(o.K, o.Epsilon, o.Delta, o.Watermark)
	if err != nil {
		return nil, fmt.Errorf("close: %w", err)
	}
	c := &Closer{Options: o.withDefaults(), parameters: p, mechanism: newMechanism, marked: map[throng.Day]map[int]bool{}}
	return c, c.check()
}

// Calibrate gives the parameters of releases under a gate and a budget; zero values are the defaults of
// [Options].
func Calibrate(k int64, epsilon, delta float64, watermark string) (throng.Parameters, error) {
	return dp.Calibrate(dp.Budget{K: k, Epsilon: epsilon, Delta: delta, Watermark: watermark}, throng.DayPeriod, throng.PathTable, throng.PathTable)
}

func (o Options) withDefaults() Options {
	if o.Settle == 0 {
		o.Settle = 10 * time.Minute
	}
	if o.Lateness == 0 {
		o.Lateness = 36 * time.Hour
	}
	if o.Poll == 0 {
		o.Poll = 10 * time.Second
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

func newMechanism(p throng.Parameters) (draws, error) {
	return dp.New(throng.DayPeriod, throng.PathTable, p)
}

// Parameters are those of the releases that are reserved from now on.
func (c *Closer) Parameters() throng.Parameters { return c.parameters }

// CloseDay publishes the release of each site and drops the day's unit tokens. It does not wait for
// feeds or loaders; Tick does. Called again, or after a crash, it finishes what is unfinished and
// otherwise returns the same ids: nothing that left the process is drawn a second time.
func (c *Closer) CloseDay(ctx context.Context, day throng.Day) ([]throng.ReleaseID, error) {
	ids, err := c.closeDay(ctx, day)
	if err != nil {
		return nil, fmt.Errorf("close %s: %w", day, err)
	}
	c.Logger.LogAttrs(ctx, slog.LevelInfo, "day closed", slog.String("day", day.String()), slog.Int("releases", len(ids)))
	return ids, nil
}

func (c *Closer) closeDay(ctx context.Context, day throng.Day) ([]throng.ReleaseID, error) {
	if c.Clock.Now().Before(day.End()) {
		return nil, errors.New("the day is not over")
	}
	cells, err := c.Store.Cells(ctx, day)
	if err != nil {
		return nil, err
	}
	ids, err := c.releases(day, cells)
	if err != nil {
		return nil, err
	}
	var undrawn []throng.ReleaseID
	for _, id := range ids {
		release, ok, err := c.stored(id)
		if err == nil && ok {
			err = c.publish(ctx, id, release)
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			undrawn = append(undrawn, id)
		}
	}
	if err := c.draw(ctx, day, undrawn, cells); err != nil {
		return nil, err
	}
	return ids, c.Store.DropUnits(ctx, day)
}

// releases are the ids of the day's releases, in order.
func (c *Closer) releases(day throng.Day, cells []throng.CellKey) ([]throng.ReleaseID, error) {
	sites := slices.Clone(c.Sites)
	for i, cell := range cells {
		if i == 0 || cell.Site != cells[i-1].Site {
			sites = append(sites, cell.Site)
		}
	}
	slices.Sort(sites)
	var ids []throng.ReleaseID
	for _, s := range slices.Compact(sites) {
		if err := checkSite(s); err != nil {
			return nil, err
		}
		ids = append(ids, throng.ReleaseID{Site: s, Table: throng.PathTable, Period: day.Period()})
	}
	return ids, nil
}

// checkSite refuses a site id that cannot be the name of a directory.
func checkSite(s string) error {
	if s == "" || strings.HasPrefix(s, ".") || strings.ContainsAny(s, `/\`) || !filepath.IsLocal(s) {
		return fmt.Errorf("site id %q cannot be the name of a directory", s)
	}
	return nil
}

// draw reserves, draws, stages and publishes what has not been drawn.
func (c *Closer) draw(ctx context.Context, day throng.Day, ids []throng.ReleaseID, cells []throng.CellKey) error {
	if len(ids) == 0 {
		return nil
	}
	complete, err := c.completeness(ctx, day)
	if err != nil {
		return err
	}
	drafts := make([]*draft, len(ids))
	sites := make([]string, len(ids))
	keys := make([][ledger.KeyBytes]byte, len(ids))
	for i, id := range ids {
		if drafts[i], err = c.reserve(id); err != nil {
			return err
		}
		sites[i], keys[i] = id.Site, drafts[i].key
	}
	tree, err := newTree(sites, keys, cells)
	if err != nil {
		return err
	}
	n := &census{store: c.Store, day: day, tree: tree, workers: c.Workers}
	if err := n.partition(ctx, drafts); err != nil {
		return err
	}
	for _, d := range drafts {
		release, err := d.encode(complete)
		if err == nil {
			err = c.Ledger.Stage(d.id, release)
		}
		if err == nil {
			err = c.publish(ctx, d.id, release)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reserve makes a draft under the release's open reservation, or under a new one.
func (c *Closer) reserve(id throng.ReleaseID) (*draft, error) {
	a, ok := c.Ledger.Reservation(id)
	if !ok {
		if err := c.Ledger.Reserve(id, TreeVersion, c.parameters); err != nil {
			return nil, err
		}
		a, _ = c.Ledger.Reservation(id)
	}
	if a.Tree != TreeVersion {
		return nil, fmt.Errorf("%s was reserved for version %d of the tree, this program has %d: close it with the version that reserved it", id, a.Tree, TreeVersion)
	}
	d := &draft{id: id, account: a, rows: []throng.Row{}}
	var err error
	if d.key, err = c.Ledger.SamplingKey(id); err != nil {
		return nil, err
	}
	if d.draws, err = c.mechanism(a.Parameters); err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return d, nil
}

// path is the file of a release.
func (c *Closer) path(id throng.ReleaseID) string {
	return filepath.Join(c.Releases, filepath.FromSlash(id.String())+".json")
}

// makeDir makes the directory of a release's file.
func (c *Closer) makeDir(id throng.ReleaseID) error {
	return durable.MkdirAll(filepath.Dir(c.path(id)))
}
