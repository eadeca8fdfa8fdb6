package peers_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// How far an address is cut is each program's own choice: ours is /24 and /48, wider for who opted out. What can be
// compared is which texts are addresses, and whether two cuts are the same once both are cut to the shorter prefix.

// TestAnonip: the tests of the Python program anonip, which masks the addresses in a log.
func TestAnonip(t *testing.T) {
	suite{
		name: "anonip", version: "1.1.0", folder: "anonip-1.1.0",
		read: func(t *testing.T, folder string) (all []expectation) {
			for _, a := range record(t, folder, ".", "anonip", "tests.py") {
				text, ok := a.argument("process_line")
				want, _ := a.Want.(string)
				if !ok || strings.ContainsAny(text, " ;") || strings.ContainsAny(want, " ;") {
					all = append(all, expectation{name: a.name(text, want)}) // how it finds an address in a line
					continue
				}
				all = append(all, networkOf(a.name(text, want), text, want, 32-a.option("ipv4mask", 12), 128-a.option("ipv6mask", 84)))
			}
			return all
		},
		different: []difference{
			{[]string{"]"}, 4, "with a bracket that nothing opened it is no address, and what is none goes nowhere"},
		},
	}.run(t)
}

// option is one of the numbers with which anonip.Anonip was made.
func (a assertion) option(name string, otherwise int) int {
	options, _ := a.Path[2].(map[string]any)
	if n, ok := options[name].(float64); ok {
		return int(n)
	}
	return otherwise
}

// ipAnonymizeCase is a case of its tests: the text, the number of bits kept of IPv4 and of IPv6, the result.
var ipAnonymizeCase = regexp.MustCompile(`assert\.equal\(anonymize\('([^']*)'(?:, (\d+))?(?:, (\d+))?\), '?([^')]*)'?\)`)

// TestIPAnonymize: the tests of the JavaScript library ip-anonymize.
func TestIPAnonymize(t *testing.T) {
	suite{
		name: "ip-anonymize", version: "0.1.0", folder: "ip-anonymize-0.1.0",
		read: func(t *testing.T, folder string) (all []expectation) {
			source, err := os.ReadFile(filepath.Join(folder, "test", "test.js"))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range ipAnonymizeCase.FindAllStringSubmatch(string(source), -1) {
				bits := [2]int{24, 24}
				for i, text := range m[2:4] {
					if n, err := strconv.Atoi(text); err == nil {
						bits[i] = n
					}
				}
				all = append(all, networkOf(m[1]+" | "+m[4], m[1], m[4], bits[0], bits[1]))
			}
			return all
		},
	}.run(t)
}

// networkOf expects that the network of an event from the address text, and cut, the peer's result, are the same
// when both are cut to the shorter prefix; the peer keeps as many bits of IPv4 and of IPv6 as told.
func networkOf(name, text, cut string, bits4, bits6 int) expectation {
	kept, ok := address(cut)
	bits := min(bits4, 24)
	if kept.Is6() {
		bits = min(bits6, 48)
	}
	e := expectation{name: name, want: absent}
	if ok {
		e.want = netip.PrefixFrom(kept, bits).Masked().String()
	}
	e.ask = func(t *testing.T) string {
		own := event(t, map[string]any{"remote_addr": text}, "network")
		if network, err := netip.ParsePrefix(own); err == nil {
			return netip.PrefixFrom(network.Addr(), min(bits, network.Bits())).Masked().String()
		}
		return own
	}
	return e
}

// address reads an address as logs have it: with brackets, a port, both; a mapped one is the IPv4 address.
func address(text string) (netip.Addr, bool) {
	text = strings.TrimRight(text, "]")
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap(), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text, _, _ = strings.Cut(inner, "]")
	}
	a, err := netip.ParseAddr(text)
	return a.Unmap(), err == nil
}

// event is what throng anonymize makes of a request with these fields of the NDJSON, one of its own.
func event(t *testing.T, fields map[string]any, field string, options ...string) string {
	t.Helper()
	return text(ask(t, line(t, fields), append([]string{"anonymize", "--format", "json"}, options...)...)[0], field)
}

// line is a line of the format json.
func line(t *testing.T, fields map[string]any) string {
	t.Helper()
	all := map[string]any{"time": "2026-01-01T00:00:00Z", "remote_addr": "192.0.2.1", "request": "GET / HTTP/1.1", "status": 200}
	for name, v := range fields {
		all[name] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
