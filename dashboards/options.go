package dashboards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"throng"
	"throng/dashboards/wellknown"
)

// Options configure a [Handler].
type Options struct {
	// Releases gives the published tables. Required.
	Releases Releases
	// Sites are shown in this order; a release of any other site is not. Required, at least one.
	Sites []Site
	// Method is what the method page tells. Required.
	Method Method
	// Ledger reads the privacy ledger as it is published. Defaults to none: then neither ledger nor
	// manifest is served, and nobody can verify the releases from outside.
	Ledger func(context.Context) ([]byte, error)
	// Transparency is what the auditor's pages tell beyond that. Defaults to nothing: the pages say so.
	Transparency Transparency
	// WellKnown answers what lies below /.well-known/. Defaults to none.
	WellKnown *wellknown.Handler
	// Logger gets one line a request (pattern, status, duration) and errors. Required.
	Logger *slog.Logger
	// Clock measures the duration of requests. Required.
	Clock throng.Clock
}

// Site is a configured site.
type Site struct {
	// ID names the site in addresses and on disk: letters, digits, '.', '_', '-'; at most 64. Required.
	ID string
	// Title is what people call it. Defaults to ID.
	Title string
	// Hosts are its host names.
	Hosts []string
	// Routes is its public route list, as keys of the path table. A listed page that is not
	// published is shown as a blank row with the reason; there may be many thousands.
	Routes []string
	// Signals says that the site's log has the fields DNT and Sec-GPC. Without them the pages say
	// that nobody can be seen to opt out by signal.
	Signals bool
	// Parameters are those of its path table. Defaults to those of the method.
	Parameters throng.Parameters
	// Marks are dates to know about, such as a redesign or an outage; charts and tables show them. Defaults
	// to none.
	Marks []Mark
}

// Mark is something that happened on a day and may explain its numbers.
type Mark struct {
	Day  throng.Day
	Text string
}

// Method holds the parameters that run. Every number of the method page comes from here.
type Method struct {
	// Version of the program. Required.
	Version string
	// Tree is the version of the rules that make the partition. Required.
	Tree int
	// Parameters of the mechanism. Required.
	Parameters throng.Parameters
	// Assets are the path suffixes whose requests are no page views, such as ".css".
	Assets []string
	// Everyone and OptedOut say how records are generalized at first touch. Required.
	Everyone, OptedOut Generalization
	// Unit defines the privacy unit. Required.
	Unit Unit
	// Lateness is the time after the end of a day at which it is closed at the latest. Required.
	Lateness time.Duration
	// Retention are the retention classes with their limits. Required, at least one.
	Retention []RetentionClass
}

// Generalization says how coarse a record is made.
type Generalization struct {
	// IPv4Bits and IPv6Bits are the prefix lengths of the network bucket.
	IPv4Bits, IPv6Bits int
	// Time is the step to which times are cut.
	Time time.Duration
	// MajorStep: browser versions are rounded down to its multiples; 1 keeps the major version.
	MajorStep int
}

// Unit says what one device is and how many of them one network may add to a gate.
type Unit struct {
	// IPv6Bits is the length of the IPv6 prefix that counts as one address; IPv4 is taken whole.
	IPv6Bits int
	// PerNetwork is the largest number of units of one network, site and day that help a cell
	// reach k, 0 where there is no such limit; NetworkIPv4Bits and NetworkIPv6Bits say what a network is.
	PerNetwork, NetworkIPv4Bits, NetworkIPv6Bits int
}

// RetentionClass is a kind of data and the longest time for which it is kept.
type RetentionClass struct {
	Class throng.Class
	// Keep is the longest age of an event in the class.
	Keep time.Duration
}

var siteID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (o *Options) validate() error {
	switch {
	case o.Releases == nil:
		return errors.New("check dashboard options: Releases is required")
	case o.Logger == nil:
		return errors.New("check dashboard options: Logger is required")
	case o.Clock == nil:
		return errors.New("check dashboard options: Clock is required")
	case len(o.Sites) == 0:
		return errors.New("check dashboard options: at least one site is required")
	}
	seen := map[string]bool{}
	for _, s := range o.Sites {
		if !siteID.MatchString(s.ID) || seen[s.ID] {
			return fmt.Errorf("check dashboard options: site id %q is not valid or not unique", s.ID)
		}
		seen[s.ID] = true
	}
	if err := o.Method.validate(); err != nil {
		return fmt.Errorf("check dashboard options: %w", err)
	}
	return nil
}

// validate refuses what would make the method page say nothing or nonsense. It does not judge
// whether the parameters are safe: that is the mechanism's part.
func (m *Method) validate() error {
	p := m.Parameters
	switch {
	case m.Version == "":
		return errors.New("method has no version")
	case p.K <= 0 || p.Epsilon <= 0 || p.Delta <= 0 || p.Gate() < p.K:
		return errors.New("method has no k, epsilon, delta or gate")
	case len(p.Draws) == 0:
		return errors.New("method has no draws")
	case m.Everyone.incomplete() || m.OptedOut.incomplete():
		return errors.New("method has an incomplete generalization")
	case m.Unit.IPv6Bits <= 0 || m.Unit.PerNetwork > 0 && (m.Unit.NetworkIPv4Bits <= 0 || m.Unit.NetworkIPv6Bits <= 0):
		return errors.New("method has an incomplete unit")
	case m.Lateness <= 0:
		return errors.New("method has no lateness")
	case len(m.Retention) == 0:
		return errors.New("method has no retention classes")
	}
	for _, d := range p.Draws {
		if d.Sigma <= 0 || d.Linf <= 0 || d.L0 <= 0 || d.Draws <= 0 {
			return fmt.Errorf("method has an incomplete draw %q", d.Draw)
		}
	}
	return nil
}

func (g Generalization) incomplete() bool {
	return g.IPv4Bits <= 0 || g.IPv6Bits <= 0 || g.Time <= 0 || g.MajorStep <= 0
}
