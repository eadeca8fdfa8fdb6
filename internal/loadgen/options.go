package loadgen

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Bounds that keep a (device, page) pair in 44 bits and a device's address in its range.
const (
	maxPages         = 1 << 17
	maxDevices       = 1 << 27
	maxCanaryDevices = 250_000
	maxLines         = 1 << 40
)

// Options of a log.
type Options struct {
	// Readership says which pages are read and how much. Required; at most 131,072 pages.
	Readership []Page
	// Lines is the number of lines. Defaults to what Readership and Mix make. Otherwise each page's
	// visits and devices are scaled by one factor (a page's devices to the number of all devices at most).
	Lines uint64
	// Start and End are the time that the log covers, half-open, in whole seconds. Required. Traffic
	// follows the hour: it is lowest at 04:00 UTC and four times as high at 16:00.
	Start, End time.Time
	// Seed chooses one of many logs. Defaults to 0.
	Seed uint64
	// Devices is the number of devices from which every page draws its own. Defaults to 4 million; at
	// most 134,217,728. Two devices share an address, a computer and a phone. One device in a hundred is a
	// regular, which reads about five times as many pages as the others.
	Devices uint64
	// UserAgents is the number of distinct user agents of people. Defaults to 600; at most 20,000.
	UserAgents int
	// Mix says what else is in the log. Defaults to [DefaultMix].
	Mix *Mix
	// Key tells which paths count as one in the truth: those with the same key, such as the path after
	// generalization. Defaults to the path itself.
	Key func(path string) string
	// Canary is a word of letters, digits and dashes that every request of a person or bot carries in its
	// user name, query, referrer and user agent; client addresses are then of the reserved 198.18.0.0/15 and
	// 2001:db8::/32, and Devices is at most 250,000. Defaults to none.
	Canary string
}

// Mix is the composition of a log.
type Mix struct {
	// Assets, Errors, Bots and Junk are numbers of lines for each visit: requests for style sheets,
	// images and the like; requests of people that are no page view (errors, redirects, forms); declared
	// crawlers and tools; lines that are no request.
	Assets, Errors, Bots, Junk float64
	// DNT and GPC are the shares of devices that send each signal, independently.
	DNT, GPC float64
	// IPv6 is the share of addresses that are IPv6.
	IPv6 float64
}

// DefaultMix is that of an ordinary site.
func DefaultMix() Mix {
	return Mix{Assets: 0.2, Errors: 0.06, Bots: 0.08, Junk: 0.005, DNT: 0.12, GPC: 0.08, IPv6: 0.10}
}

func (m Mix) validate() error {
	for _, v := range []float64{m.Assets, m.Errors, m.Bots, m.Junk} {
		if !(v >= 0 && v <= 1000) {
			return errors.New("mix: lines for each visit must be 0 to 1000")
		}
	}
	for _, v := range []float64{m.DNT, m.GPC, m.IPv6} {
		if !(v >= 0 && v <= 1) {
			return errors.New("mix: a share must be 0 to 1")
		}
	}
	return nil
}

// withDefaults fills in what may be left out and refuses what cannot be.
func (o Options) withDefaults() (Options, error) {
	if o.Devices == 0 {
		o.Devices = min(4_000_000, o.deviceLimit())
	}
	if o.UserAgents == 0 {
		o.UserAgents = 600
	}
	if o.Mix == nil {
		mix := DefaultMix()
		o.Mix = &mix
	}
	if o.Key == nil {
		o.Key = func(path string) string { return path }
	}
	return o, o.validate()
}

func (o Options) deviceLimit() uint64 {
	if o.Canary != "" {
		return maxCanaryDevices
	}
	return maxDevices
}

func (o Options) validate() error {
	switch {
	case len(o.Readership) == 0 || len(o.Readership) > maxPages:
		return fmt.Errorf("readership: want 1 to %d pages", maxPages)
	case !o.End.After(o.Start) || o.Start.Nanosecond() != 0 || o.End.Nanosecond() != 0:
		return errors.New("start and end: want whole seconds, end after start")
	case o.Devices < 100 || o.Devices > o.deviceLimit():
		return fmt.Errorf("devices: want 100 to %d", o.deviceLimit())
	case o.UserAgents < 2 || o.UserAgents > 20_000:
		return errors.New("user agents: want 2 to 20000")
	case o.Lines > maxLines:
		return fmt.Errorf("lines: want at most %d", uint64(maxLines))
	case !isWord(o.Canary):
		return errors.New("canary: want letters, digits and dashes")
	}
	if err := o.validatePages(); err != nil {
		return err
	}
	return o.Mix.validate()
}

func (o Options) validatePages() error {
	for i, p := range o.Readership {
		switch {
		case !isTarget(p.Path):
			return fmt.Errorf("page %d: want a path that begins with / and needs no escape", i)
		case p.Visits == 0 || p.Visits > math.MaxUint32:
			return fmt.Errorf("page %d: want 1 to %d visits", i, uint64(math.MaxUint32))
		case p.Devices == 0 || p.Devices > p.Visits:
			return fmt.Errorf("page %d: want 1 device to as many as visits", i)
		case o.Lines == 0 && p.Devices > o.Devices:
			return fmt.Errorf("page %d: has more devices than there are", i)
		}
	}
	return nil
}

func isTarget(s string) bool {
	if s == "" || s[0] != '/' || len(s) > maxPath {
		return false
	}
	for i := range len(s) {
		if !plain(s[i]) {
			return false
		}
	}
	return true
}

func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return len(s) <= 64
}
