package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"throng"
	"throng/internal/broker/kafkatest"
)

// proof is a site for some simulated days: a broker, an engine and each stage as a process of its own, all under
// a clock that the test moves, and a search of all that they write.
type proof struct {
	dir, state string
	steering   string // the file that moves the clocks
	first      throng.Day
	now        time.Time
	nudged     time.Time // of the machine's time
	log        string    // of the web server
	lines      uint64
	broker     brokerProcess
	store      *service
	engine     engineAt
	gates      map[string]*gate
	stages     map[string]*service // those that run
	starts     int
	search     *traces
	tables     map[string]string // folders of the engine, by what is in them
	searched   int               // times
	shipDown   bool              // and with it the keeper of the epoch keys
}

// brokerProcess is the embedded broker or Kafka.
type brokerProcess interface {
	addr() string
	freeze(t *testing.T)
	thaw(t *testing.T)
	kill() // it is started again
}

type embeddedBroker struct {
	*service
	at string
}

func (b embeddedBroker) addr() string { return b.at }
func (b embeddedBroker) freeze(t *testing.T) {
	t.Helper()
	if !b.signal(syscall.SIGSTOP, false) {
		t.Fatal("the broker does not run")
	}
}
func (b embeddedBroker) thaw(t *testing.T) {
	t.Helper()
	if !b.signal(syscall.SIGCONT, false) {
		t.Fatal("the broker does not run")
	}
}

type kafkaBroker struct {
	*kafkatest.Broker
	t *testing.T
}

func (b kafkaBroker) addr() string { return b.Addr() }
func (b kafkaBroker) freeze(t *testing.T) {
	t.Helper()
	if err := b.Freeze(); err != nil {
		t.Fatal(err)
	}
}
func (b kafkaBroker) thaw(t *testing.T) {
	t.Helper()
	if err := b.Thaw(); err != nil {
		t.Fatal(err)
	}
}
func (b kafkaBroker) kill() {
	b.Kill()
	if err := b.Restart(context.Background()); err != nil {
		b.t.Error(err)
	}
}

// A sweep every 50 minutes, which is one in every hour to which the clocks are moved, and deletes what is due before the next.
const proofConfig = `dir: %[1]s
sites: [{id: www, title: The proof, hosts: [www.example.org], routes_file: %[2]s, case_sensitive: true}]
sources: [{name: web, site: www, path: %[3]s, format: combined_signals}]
broker: {addrs: ["%[4]s"], partitions: 2, replication: 1, block: {max_rows: 1024, max_age: 1s}}
store: {addr: "%[5]s", database: default}
listen: {admin: "%[6]s"}
retention: {check_every: 50m}
log: {level: debug}
`

// newProof starts everything two hours before a day.
func newProof(t *testing.T, first throng.Day) *proof {
	t.Helper()
	p := &proof{dir: testDir(t), first: first, now: first.Start().Add(-2 * time.Hour), gates: map[string]*gate{}, stages: map[string]*service{}, tables: map[string]string{}}
	p.state, p.steering, p.log = filepath.Join(p.dir, "state"), filepath.Join(p.dir, "clock"), filepath.Join(p.dir, "logs", "web.log")
	p.search = newTraces(p.dir, first)
	p.move(t, p.now)
	for _, dir := range []string{p.state, filepath.Dir(p.log)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, p.log, "")
	var routes strings.Builder
	for d := first; d < first+20; d++ {
		fmt.Fprintf(&routes, "%s\n%s\n", routeOf(d), commonOf(d))
	}
	writeFile(t, filepath.Join(p.dir, "routes.txt"), routes.String())

	if kafkatest.Wanted() {
		dir := filepath.Join(p.dir, "kafka")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		p.broker = kafkaBroker{kafkatest.Start(t, dir, 1).Broker(0), t}
	} else {
		addr := freeAddr(t)
		p.broker = embeddedBroker{startService(t, p.dir, "broker", p.env(), "broker", "serve", "--dir", p.state, "--listen", addr), addr}
	}
	p.engine = engineAt(freeAddr(t))
	p.store = startService(t, p.dir, "engine", p.env(), "engine", "serve", "--dir", p.state, "--listen", string(p.engine))
	for _, name := range []string{"ship", "load", "close", "retention"} {
		p.gates[name] = newGate(t, string(p.engine))
		writeFile(t, filepath.Join(p.dir, name+".yaml"), fmt.Sprintf(proofConfig, p.state, filepath.Join(p.dir, "routes.txt"), p.log, p.broker.addr(), p.gates[name].addr, freeAddr(t)))
	}
	output(t, p.env(), "keys", "init", "--dir", p.state)
	p.start(t, "retention", "ship", "load", "close")
	return p
}

func (p *proof) env() []string { return []string{"THRONG_TEST_CLOCK_FILE=" + p.steering} }

// start runs stages.
func (p *proof) start(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		args := []string{name, "--config", filepath.Join(p.dir, name+".yaml")}
		if name == "retention" {
			args = append([]string{name, "apply", "--loop"}, args[1:]...)
		}
		p.starts++
		p.stages[name] = startService(t, p.dir, fmt.Sprintf("%s-%d", name, p.starts), p.env(), args...)
	}
}

// stop ends stages in good order.
func (p *proof) stop(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		p.stages[name].stop(t)
		delete(p.stages, name)
	}
}

// move sets all clocks, never back.
func (p *proof) move(t *testing.T, to time.Time) {
	t.Helper()
	if to.Before(p.now) {
		return
	}
	p.now = to
	writeFile(t, p.steering+".new", time.Until(to).String())
	if err := os.Rename(p.steering+".new", p.steering); err != nil {
		t.Fatal(err)
	}
}

// nudge moves the clocks by a little, so that nobody has to wait for a poll, a few times a second at most: each
// move makes work for all.
func (p *proof) nudge(t *testing.T, by time.Duration) (moved bool) {
	t.Helper()
	if time.Since(p.nudged) < 300*time.Millisecond {
		return false
	}
	p.nudged = time.Now()
	p.move(t, p.now.Add(by))
	return true
}

// sweep moves the clocks to a time and waits until retention has swept after that, and again where a sweep failed.
// A keeper that was between its failure and its timer when the clocks moved has not noticed: they move again.
func (p *proof) sweep(t *testing.T, to time.Time) {
	t.Helper()
	const silence = 5 * time.Second
	done, failed := p.sweeps()
	p.move(t, to)
	p.nudged = time.Now()
	waitQuietly(t, patience, "a sweep", func() (bool, string) {
		d, f := p.sweeps()
		if d == done && (f > failed || time.Since(p.nudged) > silence) && p.nudge(t, 7*time.Minute) {
			failed = f
		}
		return d > done, string(tail(p.stages["retention"].logPath))
	})
}

// sweeps counts what the running keeper says.
func (p *proof) sweeps() (done, failed int) {
	b, err := os.ReadFile(p.stages["retention"].logPath)
	if err != nil {
		return 0, 0
	}
	return bytes.Count(b, []byte("retention sweep done")), bytes.Count(b, []byte("retention sweep failed"))
}

// patience bounds each wait.
const patience = 3 * time.Minute

// waitQuietly is waitFor, which says how long each wait took, for waits of every hour.
func waitQuietly(t *testing.T, deadline time.Duration, what string, condition func() (bool, string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	for {
		ok, state := condition()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited %s for %s: %s", deadline, what, state)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

const (
	optedOutVisitors = 12 // of each visit to write
	otherVisitors    = 20
)

// write is a piece of the web server's log: visitors with identifiers in every field.
func (p *proof) write(t *testing.T) {
	t.Helper()
	at, d := p.now.Add(-time.Minute), throng.DayOf(p.now.Add(-time.Minute))
	const line = `%s - {W} [{T}] "GET %s?{W}#{W} HTTP/1.1" 200 512 "https://{W}.%s/{W}?{W}" "Mozilla/5.0 (X11; Linux x86_64; rv:140.0; {W}) Gecko/20100101 Firefox/140.0" "%s" "-"`
	lines := append([]string(nil), canaryLines...)
	net := p.search.networkOf(d).As4()
	for i := range byte(optedOutVisitors) {
		addr := fmt.Sprintf("198.%d.%d.%d", net[1], net[2]+1+i, 100+i)
		lines = append(lines, fmt.Sprintf(line, addr, routeOf(d), friendOf(d), "1"))
	}
	for i := range otherVisitors {
		addr := fmt.Sprintf("198.18.%d.%d", 1+i, 100+int(d-p.first)) // others on each day
		lines = append(lines, fmt.Sprintf(line, addr, commonOf(d), "example.com", "-"))
	}
	f, err := os.OpenFile(p.log, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := fill(lines, at)
	p.lines += uint64(strings.Count(text, "\n"))
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// awaitShipped waits until the broker has acknowledged all lines, and awaitLoaded until the store has them.
func (p *proof) awaitShipped(t *testing.T) {
	t.Helper()
	waitQuietly(t, patience, "ship", func() (bool, string) {
		p.nudge(t, 2*time.Second)
		tally, whole := shipped(t, p.state)
		return tally.Lines >= p.lines && whole, fmt.Sprintf("%d of %d lines acknowledged", tally.Lines, p.lines)
	})
}

func (p *proof) awaitLoaded(t *testing.T) {
	t.Helper()
	waitQuietly(t, patience, "load", func() (bool, string) {
		n, err := unloaded(t.Context(), p.broker.addr())
		return err == nil && n == 0, fmt.Sprintf("%d messages to commit (%v)", n, err)
	})
}

// visit writes a piece of the log, lets it go all the way and notes the tokens that it made.
func (p *proof) visit(t *testing.T) {
	t.Helper()
	p.write(t)
	p.awaitShipped(t)
	p.awaitLoaded(t)
	p.noteTokens(t)
}

func (p *proof) noteTokens(t *testing.T) {
	t.Helper()
	waitQuietly(t, patience, "the engine", func() (bool, string) {
		rows, err := p.engine.query(t.Context(), "SELECT DISTINCT toUInt32(day), unit FROM open_units")
		for _, row := range rows {
			day, errDay := strconv.Atoi(row[0])
			unit, errUnit := strconv.ParseUint(row[1], 10, 64)
			if errDay != nil || errUnit != nil {
				t.Fatalf("read units: %q", row)
			}
			p.search.addToken(unit, throng.Day(day))
		}
		return err == nil && len(rows) > 0, fmt.Sprint(err)
	})
}

// noteKeys remembers the keys that are in force.
func (p *proof) noteKeys(t *testing.T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(p.state, "keys", "epoch"))
	if err != nil {
		t.Fatal(err)
	}
	p.search.addKeys(b)
}

// noteTables remembers which folder of the engine's is of which table.
func (p *proof) noteTables(t *testing.T) {
	t.Helper()
	rows, err := p.engine.query(t.Context(), "SELECT name, arrayJoin(data_paths) FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
	if err != nil || len(rows) < 6 {
		t.Fatalf("tables: %q, %v", rows, err)
	}
	for _, row := range rows {
		name, err := filepath.Rel(p.dir, row[1])
		if err != nil {
			t.Fatal(err)
		}
		p.tables[name] = row[0]
	}
}

// stopMerges leaves parts as they were inserted, as a store that is busy or broken does. The embedded engine
// takes no SYSTEM STOP MERGES.
func (p *proof) stopMerges(t *testing.T, stop bool) {
	t.Helper()
	for _, table := range p.tables {
		statement := "ALTER TABLE " + table + " RESET SETTING max_bytes_to_merge_at_max_space_in_pool"
		if stop {
			statement = "ALTER TABLE " + table + " MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1"
		}
		if _, err := p.engine.read(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// released tells whether a period's release is there.
func (p *proof) released(of throng.Period) bool {
	id := throng.ReleaseID{Site: "www", Table: throng.PathTable, Period: of}
	_, err := os.Stat(filepath.Join(p.state, "releases", id.String()+".json"))
	return err == nil
}
