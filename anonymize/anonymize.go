// Package anonymize turns records into events: opt-out signals first, then generalization at first
// touch (method sections 1 to 3).
//
// It guarantees: an [throng.Event] holds nothing of a record but what its fields are documented to
// hold, copied in by name; the opt-out is decided before anything else is derived; the outcome
// depends on the record, the options and the span's keys alone, and on what the opt-out list and the
// countries say at that moment, so that a block that is made again after a crash is the same unless one of
// these has changed (docs/signals.md says what then); generalizing what was generalized changes nothing; memory is bounded,
// whatever visitors send. In steady state nothing is allocated.
//
// It does not guarantee that a path which a site's own pages put a secret into is free of it: only
// whole segments that look like identifiers are replaced. A route list is the remedy. What a
// client says about itself is believed.
//
// The package does no input or output. Its caches are raw zone: they live in memory only and are
// cleared when a key is erased. Nothing here logs, and no error has content of a record.
package anonymize

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"net/netip"
	"strings"

	"throng"
	"throng/anonymize/keys"
)

// Options say how records are anonymized.
type Options struct {
	// Site is the site of lines that name no host, and of all lines when Hosts is empty. Without it,
	// lines that name no host are refused.
	Site string
	// Hosts maps host names, in lower case and without port, to sites. Defaults to none: then every
	// line is of Site.
	Hosts map[string]string
	// Routes are the public pages of each site. A listed path is kept as it is written here; it has
	// at most [throng.MaxPathBytes] bytes, begins with "/" and has no query. A route can be a template
	// ("/users/{id}/edit", "/files/{path...}"), which then stands for what matches it. Defaults to none:
	// then all paths of those who opted out are "/*other*".
	Routes map[string][]string
	// CaseSensitive names the sites whose paths differ by case. Defaults to none: paths outside of
	// the route list are written in lower case.
	CaseSensitive map[string]bool
	// AssetSuffixes are the suffixes of paths that are no page views, in lower case with the dot. A
	// listed route is a page whatever its suffix. Defaults to [AssetSuffixes].
	AssetSuffixes []string
	// V4Bits and V6Bits are the lengths of network buckets, at most 24 and 48. Default to these.
	V4Bits, V6Bits int
	// OptedOutV4Bits and OptedOutV6Bits are the same for those who opted out, at most 19 and 32, so that
	// a bucket holds at least [throng.MinDevices] addresses, and wide enough for K. Default to the longest
	// that are.
	OptedOutV4Bits, OptedOutV6Bits int
	// K is how many addresses a bucket of those who opted out must hold at least, from
	// [throng.MinDevices] on. Defaults to that.
	K int64
	// Countries tells the country of an address. Defaults to none: then events have no country.
	Countries Countries
	// OptOut is the opt-out list, asked for the account of a record without signal. Defaults to none.
	OptOut OptOutList
	// OptOutCookie is the name of the cookie for which OptOut is asked, too. Defaults to none.
	OptOutCookie string
	// Consent says by site which marker overrides DNT there. Defaults to none.
	Consent map[string]Consent
	// Keys is the ratchet. Required.
	Keys *keys.Ratchet
	// AgentCache, PathCache and ReferrerCache are how many entries are remembered, rounded up to powers
	// of two. Default to 32,768, 262,144 and 8,192, which hold 10,000 user agents and 100,000 paths with
	// few in each other's way: some 15 MiB, and the text of the paths.
	AgentCache, PathCache, ReferrerCache int
}

// Countries tells countries; the zero value is unknown.
type Countries interface {
	Of(addr netip.Addr) throng.Country
	// OfNetwork is the country of a network all of whose addresses are in one.
	OfNetwork(network netip.Prefix) throng.Country
}

// Anonymizer makes events of records. It belongs to one goroutine: it has caches of its own and takes
// no lock.
type Anonymizer struct {
	options   Options
	site      *site            // of lines without host; may be nil
	hosts     map[string]*site // nil: every line is of site
	own       ownHosts
	assets    suffixes
	agents    *cache[Agent]
	paths     *cache[page]
	referrers *cache[string]

	epochs     [2]epoch
	generation uint64 // of the ratchet, when epochs and caches were last known to be valid

	counts  Counts
	scratch []byte // of hashes
	lower   []byte // of hosts
	// lastHost is the one before, which mostly repeats.
	lastHost []byte
	lastSite *site
	batch    batch
}

// site is a site and what its paths are compared with.
type site struct {
	id         string
	index      uint64
	routes     *routeSet
	normalizer normalizer
	consent    Consent
}

// page is what is kept of a path.
type page struct {
	path  string
	cell  throng.CellID
	asset bool
}

// New checks the options and makes an anonymizer.
func New(o Options) (*Anonymizer, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("configure anonymizer: %w", err)
	}
	a := &Anonymizer{
		options: o, own: newOwnHosts(o.Hosts), assets: suffixes{},
		agents: newCache[Agent](o.AgentCache), paths: newCache[page](o.PathCache), referrers: newCache[string](o.ReferrerCache),
	}
	for _, s := range o.AssetSuffixes {
		a.assets[s] = true
	}
	if err := a.addSites(); err != nil {
		return nil, fmt.Errorf("configure anonymizer: %w", err)
	}
	a.forget()
	return a, nil
}

// complete fills in the defaults and refuses what is out of range.
func (o *Options) complete() error {
	if o.Keys == nil {
		return errors.New("keys are required")
	}
	if o.Site == "" && len(o.Hosts) == 0 {
		return errors.New("a site or hosts are required")
	}
	if o.K == 0 {
		o.K = throng.MinDevices
	}
	if o.K < throng.MinDevices || o.K > math.MaxUint32 {
		return fmt.Errorf("k: %d is not in %d–%d", o.K, throng.MinDevices, uint32(math.MaxUint32))
	}
	widest := 32 - bits.Len64(uint64(o.K-1)) // the longest IPv4 prefix of at least K addresses
	for _, n := range []struct {
		name       string
		value      *int
		max, usual int
	}{
		{"IPv4 prefix", &o.V4Bits, 24, 24}, {"IPv6 prefix", &o.V6Bits, 48, 48},
		{"IPv4 prefix for those who opted out", &o.OptedOutV4Bits, min(19, widest), min(19, widest)},
		{"IPv6 prefix for those who opted out", &o.OptedOutV6Bits, 32, 32},
		{"agent cache", &o.AgentCache, 1 << 24, 1 << 15}, {"path cache", &o.PathCache, 1 << 24, 1 << 18},
		{"referrer cache", &o.ReferrerCache, 1 << 24, 1 << 13},
	} {
		if *n.value == 0 {
			*n.value = n.usual
		}
		if *n.value < 1 || *n.value > n.max {
			return fmt.Errorf("%s: %d is not in 1–%d", n.name, *n.value, n.max)
		}
	}
	if o.AssetSuffixes == nil {
		o.AssetSuffixes = AssetSuffixes()
	}
	for _, s := range o.AssetSuffixes {
		if !strings.HasPrefix(s, ".") || len(s) > maxSuffix || s != strings.ToLower(s) {
			return fmt.Errorf("asset suffix %q: want a dot and up to %d characters in lower case", s, maxSuffix-1)
		}
	}
	return nil
}

func (a *Anonymizer) addSites() error {
	o, sites := &a.options, map[string]*site{}
	add := func(id string) (*site, error) {
		if s, ok := sites[id]; ok {
			return s, nil
		}
		s := &site{id: id, index: uint64(len(sites)), consent: o.Consent[id], normalizer: normalizer{caseSensitive: o.CaseSensitive[id]}}
		routes, err := newRoutes(o.Routes[id], &s.normalizer)
		if err != nil {
			return nil, fmt.Errorf("site %s: %w", id, err)
		}
		s.routes, sites[id] = routes, s
		return s, nil
	}
	var err error
	if o.Site != "" {
		if a.site, err = add(o.Site); err != nil {
			return err
		}
	}
	if len(o.Hosts) > 0 {
		a.hosts = make(map[string]*site, len(o.Hosts))
	}
	for host, id := range o.Hosts {
		if host != strings.ToLower(host) {
			return fmt.Errorf("host %q: want lower case", host)
		}
		if a.hosts[host], err = add(id); err != nil {
			return err
		}
	}
	for id := range o.Routes {
		if sites[id] == nil {
			return fmt.Errorf("routes for the unknown site %q", id)
		}
	}
	for id, c := range o.Consent {
		if (c.Cookie == "") != (c.Value == "") {
			return fmt.Errorf("consent at site %q: a cookie needs a name and a value", id)
		}
	}
	return nil
}

// Counts is what the anonymizer did so far.
func (a *Anonymizer) Counts() Counts { return a.counts }

// siteOf finds the site of a host, nil where there is none.
func (a *Anonymizer) siteOf(host []byte) *site {
	if a.hosts == nil || len(host) == 0 {
		return a.site
	}
	if string(host) == string(a.lastHost) {
		return a.lastSite
	}
	a.lower = a.lower[:0]
	for _, c := range host {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		a.lower = append(a.lower, c)
	}
	s := a.hosts[string(bytes.TrimSuffix(a.lower, []byte{'.'}))]
	a.lastHost, a.lastSite = append(a.lastHost[:0], host...), s
	return s
}

// page looks a path up in the route list, as it is and as it is spelled, and generalizes what is not
// in it. Nothing that an opted-out visitor chose comes through: a route or a group of routes.
func (s *site) page(path []byte, optedOut bool, assets suffixes) page {
	if route, ok := s.routes.exact[string(path)]; ok {
		return page{path: route}
	}
	n := &s.normalizer
	ok := n.normalize(path, assets)
	if !ok {
		return page{path: s.routes.group(n.spelled), asset: n.asset}
	}
	if route, listed := s.routes.find(n.spelled); listed {
		return page{path: route}
	}
	if optedOut {
		return page{path: s.routes.group(n.spelled), asset: n.asset}
	}
	if route, listed := s.routes.find(n.general); listed { // or what comes out would not be a fixed point
		return page{path: route}
	}
	return page{path: string(n.general), asset: n.asset}
}
