package capacity_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"throng/internal/capacity"
)

var update = flag.Bool("update", false, "write the tables of docs/capacity.md anew")

const doc = "../../docs/capacity.md"

// figures are the plan for a rate and its simulated days.
type figures struct {
	capacity.Plan
	days map[capacity.Incident]capacity.Day
}

func simulate(t *testing.T, d capacity.Demand) figures {
	t.Helper()
	p, err := d.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return figures{p, days(p)}
}

func days(p capacity.Plan) map[capacity.Incident]capacity.Day {
	all := map[capacity.Incident]capacity.Day{}
	for _, i := range capacity.Incidents() {
		all[i] = p.Simulate(i, all[capacity.Undisturbed].Max)
	}
	return all
}

// TestTables: docs/capacity.md has what the model and the simulation say, which agree. Rates that need more than one shard for the
// number of parts are given with merged parts too, and simulated so.
func TestTables(t *testing.T) {
	var model, days strings.Builder
	for _, rate := range []float64{1e3, 1e4, 1e5, 3e5, 1e6} {
		created, err := capacity.Demand{LinesPerSecond: rate}.Plan()
		if err != nil {
			t.Fatal(err)
		}
		f := simulate(t, capacity.Demand{LinesPerSecond: rate, Merge: created.Shards > 1})
		t.Run(fmt.Sprintf("%.0f", rate), func(t *testing.T) { f.agree(t) })
		fmt.Fprintf(&model, "| %s | %s M | %.2f | %d | %d | %d | %d | %d | %.2f | %s | %s | %s | %s | %.1f CPU-h |\n", grouped(rate), grouped(rate*86400/1e6),
			f.ShipCores, f.Ships, f.Partitions, f.Loaders, created.Shards, f.Shards, f.Blocks,
			disk(f.BrokerDay), disk(f.BrokerDisk), disk(f.StoreDay), disk(f.StoreDisk), f.Close.Hours())
		fmt.Fprintf(&days, "| %s |", grouped(rate))
		calm := f.days[capacity.Undisturbed]
		fmt.Fprintf(&days, " %s / %s / %s | %.0f / %.0f / %.1f %% | %s |", short(calm.P50), short(calm.P99), short(calm.Max),
			100*calm.ShipUse, 100*calm.BrokerUse, 100*calm.StoreUse, grouped(float64(calm.Parts)))
		for _, i := range capacity.Incidents()[1:] {
			fmt.Fprintf(&days, " %s, %s |", short(f.days[i].Max), short(f.days[i].CaughtUp))
		}
		days.WriteString("\n")
	}
	keep(t, "model", model.String())
	keep(t, "simulation", days.String())
}

// agree holds the model to the simulation. The tolerances are what the model leaves out: the noise of a minute's rate (15 %; of an hour's,
// 2 %), which shard a block's hash chooses, and that a block waits up to 30 s until it is cut.
func (f figures) agree(t *testing.T) {
	calm := f.days[capacity.Undisturbed]
	for _, v := range []struct {
		what                   string
		model, simulated, room float64
	}{
		{"lines of a day", f.LinesPerSecond * 86400, calm.Lines, .015 * calm.Lines},
		{"blocks of a day", f.Blocks * 86400, float64(calm.Blocks), .03 * float64(calm.Blocks)},
		{"bytes of a day in the broker", f.BrokerDay, calm.BrokerBytes, .015 * f.BrokerDay},
		{"bytes of a day in the store", f.StoreDay, calm.StoreBytes, .015 * f.StoreDay},
		{"parts", f.Parts, float64(calm.Parts), .2*f.Parts + 30}, // ten of a kind may not yet be there, and ten of different sizes may be too large
		{"use of ships", f.ShipCores / float64(2*f.Ships), calm.ShipUse, .08*calm.ShipUse + .001},
		{"use of shards", f.StoreCores / float64(16*f.Shards), calm.StoreUse, .1*calm.StoreUse + .001},
		{"seconds to catch up after the store was away", f.CatchUp().Seconds(), f.days[capacity.StoreAway].CaughtUp.Seconds(), .25*f.CatchUp().Seconds() + 30},
	} {
		if math.Abs(v.model-v.simulated) > v.room {
			t.Errorf("%s: %.4g by the model, %.4g simulated", v.what, v.model, v.simulated)
		}
	}
	for i, d := range f.days {
		if got := d.Loaded + d.Waiting; math.Abs(got-d.Lines) > 1e-6*d.Lines {
			t.Errorf("%s: of %.0f lines %.0f are loaded and %.0f wait", i, d.Lines, d.Loaded, d.Waiting)
		}
		if d.Waiting > 60*f.LinesPerSecond || d.Refused > 0 {
			t.Errorf("%s: %.0f lines wait at the end of the day, %d inserts were refused", i, d.Waiting, d.Refused)
		}
	}
	outage := f.Outage + 60*time.Second
	for i, most := range map[capacity.Incident]time.Duration{
		capacity.Undisturbed: 45 * time.Second, // a block's age, and a queue
		capacity.LoaderLost:  2 * time.Minute,  // until it is missed: 30 s, and 5 s to form the group anew
		capacity.BrokerLost:  2 * time.Minute,  // 10 s, and what queues up at the ships
		capacity.StoreAway:   outage,
	} {
		if f.days[i].Max > most {
			t.Errorf("%s: a line waited for %v, more than %v", i, f.days[i].Max, most)
		}
	}
}

// Other demands: a narrow peak, many ships with small blocks, a long outage.
func TestDemands(t *testing.T) {
	for _, d := range []capacity.Demand{
		{LinesPerSecond: 2e4, Peak: 3, Ships: 7},
		{LinesPerSecond: 3e3, Peak: 5, Ships: 40, Seed: 3},
		{LinesPerSecond: 2e5, Peak: 1, Merge: true, Outage: 2 * time.Hour},
	} {
		t.Run(fmt.Sprintf("%.0f", d.LinesPerSecond), func(t *testing.T) { simulate(t, d).agree(t) })
	}
}

// TestTooFew: the simulation finds out by itself what too few of something do.
func TestTooFew(t *testing.T) {
	for name, c := range map[string]struct {
		demand capacity.Demand
		spoil  func(*capacity.Plan)
		bad    func(capacity.Day) bool
	}{
		"shards for the parts of 100,000 lines a second": {capacity.Demand{LinesPerSecond: 1e5}, func(p *capacity.Plan) { p.Shards = 1 },
			func(d capacity.Day) bool { return d.Refused > 0 && d.Parts >= 10_000 && d.Waiting > .3*d.Lines }},
		"loaders for a million lines a second": {capacity.Demand{LinesPerSecond: 1e6, Merge: true}, func(p *capacity.Plan) { p.Loaders = 1 },
			func(d capacity.Day) bool { return d.Max > 30*time.Minute }},
		"ships for a million lines a second": {capacity.Demand{LinesPerSecond: 1e6, Peak: 2, Merge: true}, func(p *capacity.Plan) { p.Ships = 1 },
			func(d capacity.Day) bool { return d.Max > 30*time.Minute }},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := c.demand.Plan()
			if err != nil {
				t.Fatal(err)
			}
			c.spoil(&p)
			if d := p.Simulate(capacity.Undisturbed, 0); !c.bad(d) {
				t.Errorf("the simulation does not mind: %+v", d)
			}
		})
	}
}

// The same demand and seed give the same day; another seed another.
func TestSeeds(t *testing.T) {
	day := func(seed uint64) string {
		p, err := capacity.Demand{LinesPerSecond: 2e4, Peak: 3, Ships: 7, Seed: seed}.Plan()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%+v", p.Simulate(capacity.LoaderLost, time.Minute))
	}
	if a, b := day(1), day(1); a != b {
		t.Errorf("the same seed gives\n%s\nand\n%s", a, b)
	}
	if day(1) == day(2) {
		t.Error("two seeds give the same day")
	}
}

func TestDemandIsChecked(t *testing.T) {
	for _, d := range []capacity.Demand{{}, {LinesPerSecond: math.NaN()}, {LinesPerSecond: 2e7}, {LinesPerSecond: 1, Peak: .5}, {LinesPerSecond: 1, Peak: 6},
		{LinesPerSecond: 1, Outage: time.Second}, {LinesPerSecond: 1, Ships: -1}} {
		if _, err := d.Plan(); err == nil {
			t.Errorf("%+v is taken", d)
		}
	}
}

// TestMeasured: the figures are those that docs/performance.md has.
func TestMeasured(t *testing.T) {
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"| ship | 1.4 | 1.25 |", "| 2.5–3.0 | 1,010 |", "| 50,000,000 | 10,000,000 | 100,000 | 26–30 |"} {
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/performance.md no longer has %q: bring measured.go up to date", row)
		}
	}
}

func TestReport(t *testing.T) {
	var b bytes.Buffer
	f := simulate(t, capacity.Demand{LinesPerSecond: 1e5})
	if err := f.Report(&b, f.days); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"100,000 lines a second in the mean of a day, 160,000 in the busiest hour", "the store away", "with --merge there are 1", "was not measured"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
}

// keep compares what stands between the marks of a table, or writes it.
func keep(t *testing.T, name, rows string) {
	t.Helper()
	text, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end of "+name+" -->"
	before, rest, found := strings.Cut(string(text), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("docs/capacity.md has no %q and %q", begin, end)
	}
	head := strings.SplitAfterN(table, "\n", 3)
	want := head[0] + head[1] + rows
	if *update {
		if err := os.WriteFile(doc, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("docs/capacity.md has another table of the %s: go test ./internal/capacity -update. Want\n%s", name, want)
	}
}

func grouped(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func disk(bytes float64) string {
	if bytes >= 1e12 {
		return fmt.Sprintf("%.1f TB", bytes/1e12)
	}
	return fmt.Sprintf("%.1f GB", bytes/1e9)
}

func short(d time.Duration) string {
	if d < 2*time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}
