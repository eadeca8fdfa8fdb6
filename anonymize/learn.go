package anonymize

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"

	"throng"
	"throng/ingest/accesslog"
)

// LearnOptions say how routes are learned.
type LearnOptions struct {
	// Devices is how many distinct devices must have asked for what is proposed, at least 2. Defaults to
	// [throng.MinDevices].
	Devices int
	// CaseSensitive is that of the site (see [Options]).
	CaseSensitive bool
}

// The bounds of what a learner remembers. Past them nothing new is taken up, so that fewer routes are
// proposed and never one more.
const (
	maxLearnedPaths   = 1 << 20
	maxLearnedDevices = 1 << 24
	maxLearnedPairs   = 1 << 26
)

// maxNetworkDevices is how many devices of one network bucket count for one route (method section 3).
const maxNetworkDevices = 64

// minAlternatives is how many rare segments in one place are taken for values of one kind.
const minAlternatives = 20

// Learner proposes a route list from requests. It counts devices exactly, by address and generalized user
// agent over all days together, and proposes a route only if at least so many distinct ones asked for what
// it stands for, at most [maxNetworkDevices] from one /24 or /48. Segments that a placeholder stands for, but
// numbers, are never proposed as they are, whoever asked for them. Only visits count, and none of those
// who opted out.
//
// A learner belongs to one goroutine. It holds paths and hashes of devices in memory: raw zone.
type Learner struct {
	options    LearnOptions
	seed       maphash.Seed
	normalizer normalizer
	paths      map[string]uint32
	segments   [][]segment // by path
	devices    map[uint64]uint32
	networks   map[netip.Prefix]uint32
	networkOf  []uint32 // by device
	pairs      map[pair]struct{}
	full       bool
	scratch    []byte
}

// pair says that a device asked for a path.
type pair struct{ path, device uint32 }

// segment is a segment of a path and, where it identifies, the name of its kind.
type segment struct{ text, kind string }

// NewLearner makes a learner that has seen nothing.
func NewLearner(o LearnOptions) (*Learner, error) {
	o.Devices = cmp.Or(o.Devices, throng.MinDevices)
	if o.Devices < 2 {
		return nil, fmt.Errorf("configure learner: %d devices: want at least 2", o.Devices)
	}
	return &Learner{
		options: o, seed: maphash.MakeSeed(), normalizer: normalizer{caseSensitive: o.CaseSensitive},
		paths: map[string]uint32{}, devices: map[uint64]uint32{}, networks: map[netip.Prefix]uint32{}, pairs: map[pair]struct{}{},
	}, nil
}

// Add takes up a record and the event that was made of it.
func (l *Learner) Add(rec *accesslog.Record, ev *throng.Event) {
	if !ev.Visit || ev.OptedOut || !ev.Network.IsValid() {
		return
	}
	path, ok := l.path(rec.Path)
	if !ok {
		return
	}
	device, ok := l.device(rec.RemoteAddr.Unmap(), ev)
	if !ok {
		return
	}
	p := pair{path, device}
	if _, known := l.pairs[p]; known {
		return
	}
	if len(l.pairs) == maxLearnedPairs {
		l.full = true
		return
	}
	l.pairs[p] = struct{}{}
}

// Full tells whether there was more than a learner remembers.
func (l *Learner) Full() bool { return l.full }

func (l *Learner) path(text []byte) (index uint32, ok bool) {
	n := &l.normalizer
	if !n.normalize(text, nil) || throng.IsOther(string(n.spelled)) {
		return 0, false
	}
	if index, ok = l.paths[string(n.spelled)]; ok {
		return index, true
	}
	if len(l.segments) == maxLearnedPaths {
		l.full = true
		return 0, false
	}
	index = uint32(len(l.segments))
	l.paths[string(n.spelled)] = index
	l.segments = append(l.segments, segmentsOf(string(n.spelled), string(n.general)))
	return index, true
}

// segmentsOf splits a path. Where the general form differs it is a placeholder, perhaps with an extension.
func segmentsOf(spelled, general string) []segment {
	if spelled == "/" {
		return nil
	}
	kinds := strings.Split(general[1:], "/")
	var segments []segment
	for i, text := range strings.Split(spelled[1:], "/") {
		s := segment{text: text}
		if kinds[i] != text || strings.HasPrefix(text, "*") {
			s.kind, _, _ = strings.Cut(strings.TrimPrefix(kinds[i], "*"), "*")
		}
		segments = append(segments, s)
	}
	return segments
}

func (l *Learner) device(addr netip.Addr, ev *throng.Event) (index uint32, ok bool) {
	a := addr.As16()
	b := append(l.scratch[:0], a[:]...)
	if addr.Is6() {
		b = b[:8] // the /64 (method section 3)
	}
	b = append(b, byte(ev.Client), byte(ev.OS))
	l.scratch = binary.BigEndian.AppendUint16(b, ev.ClientMajor)
	hash := maphash.Bytes(l.seed, l.scratch)
	if index, ok = l.devices[hash]; ok {
		return index, true
	}
	if len(l.networkOf) == maxLearnedDevices {
		l.full = true
		return 0, false
	}
	network, ok := l.networks[ev.Network]
	if !ok {
		network = uint32(len(l.networks))
		l.networks[ev.Network] = network
	}
	index = uint32(len(l.networkOf))
	l.devices[hash] = index
	l.networkOf = append(l.networkOf, network)
	return index, true
}

// Routes proposes routes and templates, in order.
func (l *Learner) Routes() []string {
	p := proposal{Learner: l, seen: make([]uint32, len(l.networkOf)), perNetwork: make([]networkCount, len(l.networks))}
	pairs := make([]pair, 0, len(l.pairs))
	for pair := range l.pairs {
		pairs = append(pairs, pair)
	}
	p.below("", pairs, 0)
	slices.Sort(p.routes)
	return slices.Compact(p.routes)
}

// proposal is one pass over what was learned.
type proposal struct {
	*Learner
	routes []string
	// round is that of the count in progress; what seen and perNetwork hold of another round is nothing.
	round      uint32
	seen       []uint32 // by device
	perNetwork []networkCount
}

type networkCount struct{ round, devices uint32 }

// below proposes what is below a prefix of so many segments, of the pairs whose paths have it.
func (p *proposal) below(prefix string, pairs []pair, depth int) {
	ended := func(x pair) bool { return len(p.segments[x.path]) == depth }
	slices.SortFunc(pairs, func(a, b pair) int { return p.compare(a, b, depth) })
	n := 0
	for n < len(pairs) && ended(pairs[n]) {
		n++
	}
	if p.enough(pairs[:n]) {
		p.routes = append(p.routes, cmp.Or(prefix, "/"))
	}
	var rare []pair
	kinds, alternatives := map[string]bool{}, 0
	for pairs = pairs[n:]; len(pairs) > 0; pairs = pairs[n:] {
		s := p.segments[pairs[0].path][depth]
		for n = 1; n < len(pairs) && p.segments[pairs[n].path][depth].text == s.text; {
			n++
		}
		if group := pairs[:n:n]; (s.kind == "" || s.kind == "number") && p.enough(group) {
			p.below(prefix+"/"+s.text, group, depth+1)
			continue
		}
		rare = append(rare, pairs[:n]...)
		kinds[s.kind] = true
		alternatives++
	}
	// A wildcard for the first segment would make one route of the whole site.
	if depth > 0 && (alternatives >= minAlternatives || !kinds[""]) && p.enough(rare) {
		p.below(prefix+"/{"+wildcardName(kinds)+"}", rare, depth+1)
	}
}

// compare brings paths that end at depth to the front, and equal segments together.
func (p *proposal) compare(a, b pair, depth int) int {
	s, t := p.segments[a.path], p.segments[b.path]
	if len(s) == depth || len(t) == depth {
		return cmp.Compare(len(s), len(t))
	}
	return cmp.Compare(s[depth].text, t[depth].text)
}

// wildcardName is the kind of all segments that a wildcard stands for, or one for any.
func wildcardName(kinds map[string]bool) string {
	if len(kinds) == 1 {
		for kind := range kinds {
			return cmp.Or(kind, "name")
		}
	}
	return "name"
}

// enough tells whether enough distinct devices are in the pairs.
func (p *proposal) enough(pairs []pair) bool {
	if len(pairs) < p.options.Devices {
		return false
	}
	p.round++
	devices := 0
	for _, x := range pairs {
		if p.seen[x.device] == p.round {
			continue
		}
		p.seen[x.device] = p.round
		network := &p.perNetwork[p.networkOf[x.device]]
		if network.round != p.round {
			*network = networkCount{round: p.round}
		}
		if network.devices++; network.devices > maxNetworkDevices {
			continue
		}
		if devices++; devices == p.options.Devices {
			return true
		}
	}
	return false
}
