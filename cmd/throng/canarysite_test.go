package main_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throng/internal/loadgen"
)

// canarySite is a site all of whose raw fields carry the canary word, in a `throng serve` that logs all
// that it can.
type canarySite struct {
	dir, state, config string
	public, admin      string
	lines              uint64
	search             *search
	starts             int
	// spans are what a collector of traces was sent; filled while services run, read when all have stopped.
	spans *collector
}

// collector keeps what it is sent.
type collector struct {
	mu   sync.Mutex
	sent []byte
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, body...)
}

func (c *collector) all() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.sent)
}

const canaryConfig = `dir: %[1]s
sites: [{id: www, title: The canary, hosts: [www.example.org], routes_file: %[2]s, case_sensitive: true, consent: {cookie: consent, value: given, marker: C}}]
optout: {cookie: uid}
sources:
  - {name: web, site: www, path: %[3]s/web.log, format: combined_signals}
  - {name: api, site: www, path: %[3]s/api.log, format: json}
  - {name: hosts, site: www, path: %[3]s/hosts.log, format: vhost_combined}
broker: {block: {max_rows: 1024, max_age: 1s}}
listen: {public: "%[4]s", admin: "%[5]s"}
log: {level: debug}
telemetry: {traces: {endpoint: "%[6]s/v1/traces"}}
`

// newCanarySite writes the logs of closedDay.
func newCanarySite(t *testing.T) *canarySite {
	t.Helper()
	c := &canarySite{dir: testDir(t), public: freeAddr(t), admin: freeAddr(t), search: newSearch(canaryWord), spans: &collector{}}
	traces := httptest.NewServer(c.spans)
	t.Cleanup(traces.Close)
	c.state, c.config = filepath.Join(c.dir, "state"), filepath.Join(c.dir, "throng.yaml")
	list := pages(3, 7_000)
	routes := filepath.Join(c.dir, "routes.txt")
	writeRoutes(t, routes, append(list, loadgen.Page{Path: "/about"}, loadgen.Page{Path: "/" + quietCorner + "/known"}))
	logs := filepath.Join(c.dir, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, c.config, fmt.Sprintf(canaryConfig, c.state, routes, logs, c.public, c.admin, traces.URL))
	for _, kind := range []string{"account", "cookie"} {
		cmd := exec.Command("throng", "optout", "add", "--kind", kind, "--config", c.config)
		cmd.Stdin = strings.NewReader(fill([]string{canaryListed}, closedDay.Start()))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("optout add: %v\n%s", err, out)
		}
	}

	noon := closedDay.Start().Add(12 * time.Hour)
	log, err := loadgen.New(loadgen.Options{Readership: list, Devices: 60_000, Seed: 1, Start: closedDay.Start(), End: noon, Canary: canaryWord})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := log.Reader().WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	text.WriteString(fill(canaryLines, noon) + overlong(noon) + fill(canaryLines, noon.Add(time.Minute)))
	for name, b := range map[string]string{"web.log": text.String(), "api.log": fill(canaryObjects, noon), "hosts.log": fill(canaryHosts, noon)} {
		c.lines += uint64(strings.Count(b, "\n"))
		c.noteAddresses(t, b)
		writeFile(t, filepath.Join(logs, name), b)
	}
	return c
}

var sixes = regexp.MustCompile(`2001:db8(:[0-9a-f]{1,4}){6}`)

// noteAddresses remembers the IPv6 addresses of a log.
func (c *canarySite) noteAddresses(t *testing.T, text string) {
	t.Helper()
	for _, m := range sixes.FindAllString(text, -1) {
		c.search.addresses[netip.MustParseAddr(m).As16()] = true
	}
}

// serveAt runs `throng serve` from a time on.
func (c *canarySite) serveAt(t *testing.T, now time.Time) *service {
	t.Helper()
	c.starts++
	return startService(t, c.dir, fmt.Sprintf("serve-%d", c.starts), []string{clockAt(now), "GOTRACEBACK=all"}, "serve", "--config", c.config)
}

var loadedRows = regexp.MustCompile(`(?m)^throng_load_rows_total (\S+)$`)

// awaitLoaded waits until all lines are shipped and, in this process or an earlier one, loaded.
func (c *canarySite) awaitLoaded(t *testing.T) {
	t.Helper()
	waitFor(t, drainTime, "ship", func() (bool, string) {
		tally, whole := shipped(t, c.state)
		return tally.Lines >= c.lines && whole, fmt.Sprintf("%d of %d lines acknowledged", tally.Lines, c.lines)
	})
	waitFor(t, drainTime, "load", func() (bool, string) {
		addr, err := os.ReadFile(filepath.Join(c.state, "broker", "addr"))
		if err != nil {
			return false, err.Error()
		}
		n, err := unloaded(t.Context(), string(addr))
		return err == nil && n == 0, fmt.Sprintf("%d messages to commit (%v)", n, err)
	})
}

// checkServed searches all pages, the metrics and the health pages.
func (c *canarySite) checkServed(t *testing.T) (pages map[string][]byte) {
	t.Helper()
	pages = crawl(t, "http://"+c.public)
	for path, page := range pages {
		c.search.check(t, "the page "+path, page)
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		page := get(t, "http://"+c.admin+path)
		if path == "/metrics" && !loadedRows.Match(page) {
			t.Errorf("the metrics do not tell what was loaded:\n%s", page)
		}
		c.search.check(t, path, page)
	}
	return pages
}

// checkOutput searches what services wrote, and what they told a collector of traces.
func (c *canarySite) checkOutput(t *testing.T) {
	t.Helper()
	outputs, err := filepath.Glob(filepath.Join(c.dir, "*-*.log"))
	if err != nil || len(outputs) < c.starts {
		t.Fatalf("outputs of %d processes: %q, %v", c.starts, outputs, err)
	}
	for _, path := range outputs {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c.search.check(t, path, b)
	}
	spans := c.spans.all()
	c.search.check(t, "the traces", spans)
	if what := coarse().find(spans); len(what) > 0 {
		t.Errorf("the traces hold %s", what)
	}
	for _, name := range []string{"load block", "close period", closedDay.String()} {
		if !bytes.Contains(spans, []byte(name)) {
			t.Errorf("the traces have no %q", name)
		}
	}
}

// withEngine serves the state directory's engine for a while.
func (c *canarySite) withEngine(t *testing.T, use func(engineAt)) {
	t.Helper()
	c.starts++
	e := engineAt(freeAddr(t))
	s := startService(t, c.dir, fmt.Sprintf("engine-%d", c.starts), nil, "engine", "serve", "--dir", c.state, "--listen", string(e))
	waitFor(t, drainTime, "the engine", func() (bool, string) {
		_, err := e.query(t.Context(), "SELECT 1")
		return err == nil, fmt.Sprint(err)
	})
	use(e)
	s.stop(t)
}

// tables reads all columns of all tables, whatever way they are packed in files.
func tables(t *testing.T, e engineAt) map[string][]byte {
	t.Helper()
	names, err := e.query(t.Context(), "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
	if err != nil || len(names) < 6 {
		t.Fatalf("tables: %q, %v", names, err)
	}
	all := map[string][]byte{}
	for _, row := range names {
		if all[row[0]], err = e.read(t.Context(), "SELECT * FROM "+row[0]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// findIn gives what is found in which table.
func (s *search) findIn(tables map[string][]byte) map[string][]string {
	found := map[string][]string{}
	for name, rows := range tables {
		if what := s.find(rows); len(what) > 0 {
			found[name] = what
		}
	}
	return found
}

// under gives the finds in files below one of the state directory's parts.
func under(found map[string][]string, part string) []string {
	var in []string
	for _, path := range slices.Sorted(maps.Keys(found)) {
		if strings.Contains(path, "/state/"+part+"/") {
			in = append(in, path)
		}
	}
	return in
}

// coarse looks for what is kept of visitors who opted out: the part of the site that only they read, and
// their networks.
func coarse() *search {
	s := newSearch(quietCorner)
	for _, network := range []string{"198.18.0.0", "198.18.32.0", "198.18.64.0"} {
		b := netip.AddrFrom16(netip.MustParseAddr("::ffff:" + network).As16()).As16()
		s.words = append(s.words, needle{"the network of " + network, b[:], false})
	}
	b := netip.MustParseAddr("2001:db8::").As16()
	s.words = append(s.words, needle{"the network of 2001:db8::", b[:], false})
	return s
}
