package loadgen_test

import (
	"bufio"
	"bytes"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"throng/internal/loadgen"
)

// A reader of access logs that shares nothing with the generator.
var (
	lineForm = regexp.MustCompile(
		`^(\S+) - (\S+) \[([^\]]+)\] "([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)" "([^"]*)" "([^"]*)"$`)
	assetForm = regexp.MustCompile(`\.(css|js|svg|jpg|png|woff2|ico)$`)
	botForm   = regexp.MustCompile(`(?i)bot|curl/|python-|Go-http|Wget/|Scrapy`)
	osForm    = regexp.MustCompile(`iPhone|Android|Windows|Macintosh|X11; Linux|CrOS`)
)

// unit is a device as a log sees it under the coarsest generalization.
type unit struct {
	address netip.Prefix
	os      string
}

type counted struct {
	loadgen.Truth
	times  []time.Time
	agents map[string]bool
	bots   map[string]bool // addresses
	visits map[string]map[unit]uint64
	out    map[unit]bool
}

func count(t *testing.T, log []byte, key func(string) string) *counted {
	t.Helper()
	c := &counted{agents: map[string]bool{}, bots: map[string]bool{}, visits: map[string]map[unit]uint64{}, out: map[unit]bool{}}
	lines := bufio.NewScanner(bytes.NewReader(log))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		c.Lines++
		c.line(t, lines.Text(), key)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	c.sum()
	return c
}

func (c *counted) line(t *testing.T, line string, key func(string) string) {
	t.Helper()
	if len(line) > 1<<20 {
		c.TooLong++
		c.Rejected++
		return
	}
	f := lineForm.FindStringSubmatch(line)
	switch {
	case f == nil && strings.Contains(line, `"GET `):
		c.Truncated++
		c.Rejected++
		return
	case f == nil:
		c.ErrorLog++
		c.Rejected++
		return
	}
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", f[3])
	if err != nil {
		t.Fatal(err)
	}
	c.times = append(c.times, at)
	request := strings.Fields(f[4])
	switch {
	case len(request) != 3:
		c.Garbled++
		return
	case botForm.MatchString(f[8]):
		c.Bots++
		c.bots[f[1]] = true
		c.BotDevices = uint64(len(c.bots))
		return
	}
	c.agents[f[8]] = true
	c.person(t, f, request[0], key)
}

func (c *counted) person(t *testing.T, f []string, method string, key func(string) string) {
	t.Helper()
	dnt, gpc := f[9] == "1", f[10] == "1"
	switch {
	case dnt && gpc:
		c.Signals.Both++
	case dnt:
		c.Signals.DNT++
	case gpc:
		c.Signals.GPC++
	}
	path, _, _ := strings.Cut(strings.Fields(f[4])[1], "?")
	switch {
	case assetForm.MatchString(path):
		c.Assets++
		return
	case method != "GET" || f[5] != "200" && f[5] != "206" && f[5] != "304":
		c.Failures++
		return
	}
	u := unit{netip.PrefixFrom(netip.MustParseAddr(f[1]), 32), osForm.FindString(f[8])}
	if u.address.Addr().Is6() {
		u.address = netip.PrefixFrom(u.address.Addr(), 64).Masked()
	}
	path = key(path)
	if c.visits[path] == nil {
		c.visits[path] = map[unit]uint64{}
	}
	c.visits[path][u]++
	if out, seen := c.out[u]; seen && out != (dnt || gpc) {
		t.Fatal("a device changes its mind, or two devices are one")
	}
	c.out[u] = dnt || gpc
}

func (c *counted) sum() {
	for _, out := range c.out {
		c.Devices++
		if out {
			c.OptedOutDevices++
		}
	}
	for path, units := range c.visits {
		p := loadgen.PathTruth{Key: path, Devices: uint64(len(units))}
		for u, n := range units {
			p.Visits += n
			if c.out[u] {
				p.OptedOutVisits += n
				p.OptedOutDevices++
			}
		}
		c.Visits += p.Visits
		c.OptedOutVisits += p.OptedOutVisits
		c.Paths = append(c.Paths, p)
	}
	slices.SortFunc(c.Paths, func(a, b loadgen.PathTruth) int { return strings.Compare(a.Key, b.Key) })
}
