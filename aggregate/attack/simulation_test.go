package attack_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"throng"
	"throng/aggregate/attack"
	"throng/aggregate/simulation"
)

// A small k makes a small site as rich in gates that barely pass, folds and spans as a large one is at
// 5,000; noise and gates are the real ones.
const smallK = 500

// reading is what one device read on one day.
type reading struct {
	day    throng.Day
	device int
	leaf   string
}

// town is a made-up site of three sections with a long tail, and what everyone read there.
type town struct {
	world    *simulation.World
	random   *rand.Rand
	leaves   []string
	readings []reading
}

func newTown(t *testing.T, seed uint64) *town {
	t.Helper()
	p := &town{random: rand.New(rand.NewPCG(seed, 1))}
	for section := range 3 {
		for page := range 14 {
			p.leaves = append(p.leaves, fmt.Sprintf("/s%d/%c/p%d", section, 'a'+rune(page%3), page))
		}
		p.leaves = append(p.leaves, fmt.Sprintf("/page-%d", section))
	}
	var err error
	p.world, err = simulation.New(simulation.Options{
		Dir: t.TempDir(), Sites: []string{"www"}, K: smallK, Watermark: "test",
		Tables: map[string][]string{"www": {throng.ClientTable, throng.HourTable}}, Routes: map[string][]string{"www": p.leaves},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.world.Close() })
	return p
}

func optsOut(device int) bool { return device%3 == 0 }

// live lets a day pass: popularity falls steeply, and each day has favourites of its own, so that pages
// pass on some days and not on others.
func (p *town) live(t *testing.T, day throng.Day) {
	t.Helper()
	type row struct {
		device int
		cell   throng.CellID
	}
	var rows []row
	cells := []throng.CellKey{}
	for i, leaf := range p.leaves {
		cells = append(cells, throng.CellKey{Cell: throng.CellID(i + 1), Site: "www", Table: throng.PathTable, Key: leaf})
	}
	for i, client := range []string{"firefox", "chrome", "safari", "rare"} {
		cells = append(cells, throng.CellKey{Cell: throng.CellID(1000 + i), Site: "www", Table: throng.ClientTable, Key: client})
	}
	for h := range 24 {
		cells = append(cells, throng.CellKey{Cell: throng.CellID(2000 + h), Site: "www", Table: throng.HourTable, Key: fmt.Sprintf("%02d", h)})
	}
	tail := rand.NewZipf(p.random, 1.15, 3, uint64(len(p.leaves)-1))
	shift := p.random.IntN(len(p.leaves))
	for range 5000 + p.random.IntN(4000) {
		device := p.random.IntN(40_000)
		read := map[int]bool{}
		for range 1 + p.random.IntN(3) {
			at := int(tail.Uint64())
			if p.random.IntN(3) == 0 {
				at = (at + shift) % len(p.leaves)
			}
			read[at] = true
		}
		for at := range read {
			rows = append(rows, row{device, throng.CellID(at + 1)})
			p.readings = append(p.readings, reading{day, device, p.leaves[at]})
		}
		client := min(device%7/2, 3)
		rows = append(rows, row{device, throng.CellID(1000 + client)}, row{device, throng.CellID(2000 + device%24)})
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.cell, b.cell)) })
	var u throng.UnitRows
	for _, r := range rows {
		u.Unit, u.Cell = append(u.Unit, throng.UnitToken(r.device)<<40), append(u.Cell, r.cell)
		u.OptedOut, u.Visits = append(u.OptedOut, optsOut(r.device)), append(u.Visits, 1)
	}
	p.world.Store.Put(day, u, cells)
	p.world.Store.PutBots(day, botsOf(day))
	if err := p.world.EndDay(context.Background(), day); err != nil {
		t.Fatal(err)
	}
}

// botsOf are around as many as the gate, so that they pass on some days and not on others.
func botsOf(day throng.Day) []throng.BotUnit {
	bots := make([]throng.BotUnit, 2*smallK+int(day)%7*200)
	for i := range bots {
		bots[i] = throng.BotUnit{Site: "www", Unit: throng.UnitToken(i) << 40, Network: uint64(i)}
	}
	return bots
}

// devices are the true devices of each atom, by its name.
func (p *town) devices(releases []*throng.Release) map[string]map[int]bool {
	rows := map[throng.Period]map[[2]string]bool{} // key and holder
	for _, r := range releases {
		if r.Table == throng.PathTable {
			rows[r.Period] = map[[2]string]bool{}
			for _, row := range r.Rows {
				rows[r.Period][[2]string{row.Key, row.Holder}] = true
			}
		}
	}
	atoms := map[string]map[int]bool{}
	for _, x := range p.readings {
		name, ok := atomOf(rows, x)
		if !ok {
			continue
		}
		if optsOut(x.device) {
			name += ", opted out"
		} else {
			name += ", others"
		}
		if atoms[name] == nil {
			atoms[name] = map[int]bool{}
		}
		atoms[name][x.device] = true
	}
	return atoms
}

// atomOf finds the finest published region in which a reading is.
func atomOf(rows map[throng.Period]map[[2]string]bool, x reading) (name string, ok bool) {
	day, span := x.day.Period(), throng.SpanOf(x.day).Period()
	holder, inDay := nearest(rows[day], x.leaf, "")
	taken, inSpan := "", false
	if holder != x.leaf { // what has a row of its own is not folded
		taken, inSpan = nearest(rows[span], x.leaf, holder)
	}
	switch {
	case inDay && inSpan && taken != holder:
		return fmt.Sprintf("www/path/%s %s, %s", day, holder, taken), true
	case inDay:
		return fmt.Sprintf("www/path/%s %s", day, holder), true
	case inSpan:
		return fmt.Sprintf("www/path/%s %s", span, taken), true
	}
	return "", false
}

func nearest(rows map[[2]string]bool, key, holder string) (string, bool) {
	for ok := true; ok && key != holder; key, ok = throng.GroupOf(key) {
		if rows[[2]string{key, holder}] {
			return key, true
		}
	}
	return "", false
}

// days is how many days are simulated: 90 where THRONG_ATTACK_DAYS says so, as the method has it; a span
// and a day in an ordinary run.
func days(t *testing.T) int {
	if s := os.Getenv("THRONG_ATTACK_DAYS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 9 {
			t.Fatalf("THRONG_ATTACK_DAYS=%s: want a number from 9", s)
		}
		return n
	}
	return 9
}

// Nobody under k, with the counts known to the judge: whatever combination of the history gives a number
// of its own to a group, the group has k devices or none.
func TestNothingUnderKInTheHistoryOfASite(t *testing.T) {
	p := newTown(t, 7)
	const first throng.Day = 20_485 // the first of a month
	for i := range days(t) {
		p.live(t, first+throng.Day(i))
	}
	releases, err := p.world.Releases()
	if err != nil {
		t.Fatal(err)
	}
	var paths []*throng.Release
	held, free := 0, 0
	for _, r := range releases {
		if r.Table == throng.PathTable {
			paths = append(paths, r)
			for _, row := range r.Rows {
				switch {
				case row.Holder != "":
					held++
				case r.Period.Kind() == throng.SpanPeriod:
					free++
				}
			}
		}
	}
	s, err := attack.FromReleases(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d releases, %d numbers, %d atoms; %d rows of spans out of groups, %d others", len(paths), s.Numbers(), s.Atoms(), held, free)
	if held == 0 || s.Numbers() < 50 {
		t.Fatal("the simulation has too little to attack")
	}
	truth := p.devices(paths)
	count := func(group []attack.Atom) float64 {
		all := map[int]bool{}
		for _, a := range group {
			for d := range truth[s.Name(a)] {
				all[d] = true
			}
		}
		return float64(len(all))
	}
	found, err := s.Attack(attack.Judge{
		K:     smallK,
		Count: func(a attack.Atom) float64 { return count([]attack.Atom{a}) },
		Small: func(group []attack.Atom, _, _ float64) bool { n := count(group); return n > 0 && n < smallK },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Errorf("%s: %s: %g devices (%g to %g), by %v", f.Kind, f.Group, count(f.Atoms), f.Low, f.High, f.Terms)
	}
	// Who has nothing but the files finds nothing, either.
	if found, err = s.Attack(s.Published(smallK)); err != nil || len(found) > 0 {
		t.Errorf("%+v, %v", found, err)
	}
	shares := slices.DeleteFunc(slices.Clone(releases), func(r *throng.Release) bool { return r.BotPercent.Reason() != "" })
	if len(shares) == 0 {
		t.Fatal("the simulation has no share of bots to attack")
	}
	for _, f := range append(attack.Crossings(releases), attack.Shares(releases, nil)...) {
		t.Errorf("%s: %g to %g", f.Group, f.Low, f.High)
	}
	plantedIsFound(t, p, paths, truth)
}

// plantedIsFound publishes one row more: the sum of a section with what its gates held back.
func plantedIsFound(t *testing.T, p *town, paths []*throng.Release, truth map[string]map[int]bool) {
	t.Helper()
	s, err := attack.FromReleases(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	day := paths[slices.IndexFunc(paths, func(r *throng.Release) bool { return r.Period.Kind() == throng.DayPeriod && len(r.Rows) > 0 })]
	var atoms []attack.Atom
	for i := range attack.Atom(s.Atoms()) {
		if strings.HasPrefix(s.Name(i), "www/path/"+day.Period.String()+" ") {
			atoms = append(atoms, i)
		}
	}
	hidden := s.Atom("what is not published of the day")
	s.Know("all of the day", 0, 100, append(atoms, hidden)...)
	found, err := s.Attack(attack.Judge{K: smallK, Count: func(a attack.Atom) float64 {
		if a == hidden {
			return 100
		}
		return float64(len(truth[s.Name(a)]))
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found, func(f attack.Finding) bool { return f.Group == "what is not published of the day" }) {
		t.Errorf("the planted leak was not found among %d", len(found))
	}
}
