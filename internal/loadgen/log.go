package loadgen

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// kind is what a line is.
type kind uint8

const (
	visit kind = iota
	asset
	failure // a request of a person that is no page view
	bot
	garbled // a well-formed line whose request is none, such as a TLS greeting
	errorLog
	truncated
	tooLong
	kinds
)

// maxTooLong is the number of over-long lines: each is more than a MiB.
const maxTooLong = 3

// maxPath leaves room for the rest of a line in [spare].
const maxPath = 1000

// Log is a log that can be written any number of times, whole or in sections. It is safe for
// concurrent use: nothing in it changes.
type Log struct {
	lines   uint64
	kindEnd [kinds]uint64 // places of kind k end here; places are line numbers, shuffled
	pages   []page
	starts  []uint64 // first visit of each page, and the number of visits
	nearest []uint32 // page of every 2^step-th visit
	step    uint
	order   permutation
	key     uint64

	regular, other permutation
	devices        devices
	curve          curve
	mix            Mix
	canary         string
	pathKey        func(string) string
	botAgents      []string
	referrers      [256]string
	queries        []string
}

// page is a page and who visits it.
type page struct {
	path              string
	host              int // length of its first segment, slash included
	key               uint64
	visits            uint64
	devices, regulars uint64
}

// New plans a log. It takes memory for the pages, about 120 bytes each, and the user agents.
func New(opts Options) (*Log, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("plan log: %w", err)
	}
	source := rand.New(rand.NewPCG(o.Seed, 0x7468726f6e67))
	l := &Log{key: source.Uint64(), mix: *o.Mix, canary: o.Canary, pathKey: o.Key}
	l.devices = newDevices(o, source.Uint64())
	l.regular = newPermutation(l.devices.regulars)
	l.other = newPermutation(o.Devices - l.devices.regulars)
	visits := l.planKinds(o)
	if visits == 0 {
		return nil, fmt.Errorf("plan log: %d lines leave no visit", o.Lines)
	}
	l.planPages(o, visits)
	l.order = newPermutation(l.lines)
	l.curve = newCurve(o.Start.Unix(), o.End.Unix(), l.lines)
	l.planWords()
	return l, nil
}

// planKinds fixes how many lines of each kind there are and returns the number of visits.
func (l *Log) planKinds(o Options) (visits uint64) {
	m := o.Mix
	total := 0.0
	for _, p := range o.Readership {
		total += float64(p.Visits)
	}
	if o.Lines > 0 {
		total = float64(o.Lines) / (1 + m.Assets + m.Errors + m.Bots + m.Junk)
	}
	share := func(f float64) uint64 { return uint64(math.Round(total * f)) }
	count := [kinds]uint64{asset: share(m.Assets), failure: share(m.Errors), bot: share(m.Bots)}
	junk := share(m.Junk)
	count[tooLong] = min(junk/20, maxTooLong)
	count[garbled] = junk / 5
	count[errorLog] = junk * 2 / 5
	count[truncated] = junk - count[tooLong] - count[garbled] - count[errorLog]
	count[visit] = uint64(total)
	if o.Lines > 0 {
		count[visit] = o.Lines - min(o.Lines, share(m.Assets)+share(m.Errors)+share(m.Bots)+junk)
	}
	for k, n := range count {
		l.lines += n
		l.kindEnd[k] = l.lines
	}
	return count[visit]
}

// planPages gives each page its share of the visits. Shares are rounded along the running sum, so
// that they add up.
func (l *Log) planPages(o Options, visits uint64) {
	all := uint64(0)
	for _, p := range o.Readership {
		all += p.Visits
	}
	scale := float64(visits) / float64(all)
	start, sum := uint64(0), uint64(0)
	for i, p := range o.Readership {
		sum += p.Visits
		end := uint64(math.Round(float64(sum) * scale))
		devices := min(uint64(math.Ceil(float64(p.Devices)*scale)), end-start, o.Devices)
		regulars := min(devices/regularShare, l.regular.n)
		regulars = max(regulars, devices-min(devices, l.other.n))
		l.starts = append(l.starts, start)
		l.pages = append(l.pages, page{
			path: p.Path, host: hostLen(p.Path), key: mix(l.key + uint64(i)),
			visits: end - start, devices: devices, regulars: regulars,
		})
		start = end
	}
	l.starts = append(l.starts, visits)
	l.planNearest(visits)
}

func hostLen(path string) int {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			return i
		}
	}
	return len(path)
}

// planNearest makes the table from which the page of a visit is found in a step or two.
func (l *Log) planNearest(visits uint64) {
	for visits>>l.step > uint64(max(len(l.pages), 1<<12)) {
		l.step++
	}
	l.nearest = make([]uint32, visits>>l.step+1)
	p := 0
	for i := range l.nearest {
		for p+1 < len(l.pages) && l.starts[p+1] <= uint64(i)<<l.step {
			p++
		}
		l.nearest[i] = uint32(p)
	}
}

// Lines is the number of lines.
func (l *Log) Lines() uint64 { return l.lines }

// Routes are the paths of all pages, a site's route list.
func (l *Log) Routes() []string {
	routes := make([]string, 0, len(l.pages))
	for _, p := range l.pages {
		routes = append(routes, p.path)
	}
	return routes
}

// request is what line i says, before it is text.
type request struct {
	kind   kind
	page   *page
	device uint64
	hash   uint64 // for everything that the truth does not depend on
}

// request is the meaning of line i, for i < Lines.
func (l *Log) request(i uint64) request {
	place := l.order.at(i, l.key)
	k := visit
	for place >= l.kindEnd[k] {
		k++
	}
	return l.requestAt(k, place)
}

func (l *Log) requestAt(k kind, place uint64) request {
	r := request{kind: k, hash: mix(place ^ l.key)}
	if k != visit {
		// Other requests are for pages as popular as those of visits, from the same devices.
		place = below(mix(r.hash), l.kindEnd[visit])
	}
	r.page, r.device = l.visitAt(place)
	return r
}

// visitAt finds the page and the device of a visit.
func (l *Log) visitAt(place uint64) (p *page, device uint64) {
	n := l.nearest[place>>l.step]
	for l.starts[n+1] <= place {
		n++
	}
	p = &l.pages[n]
	return p, l.device(p, p.member(place-l.starts[n]))
}

// member is the place, among a page's devices, of the one that made its k-th visit. Each makes one;
// the others are skewed to the low places, which regulars have.
func (p *page) member(k uint64) uint64 {
	if k < p.devices {
		return k
	}
	return skewed(mix(k+p.key), p.devices)
}

// device is the number of a page's m-th device. For one page it is injective.
func (l *Log) device(p *page, m uint64) uint64 {
	if m < p.regulars {
		return l.regular.at(m, p.key)
	}
	return l.regular.n + l.other.at(m-p.regulars, p.key)
}
