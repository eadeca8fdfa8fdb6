package aggregate_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throng"
	"throng/aggregate"
	"throng/aggregate/dp"
)

// draw is what passed the interface to the noise: a kind and a true count.
type draw struct {
	kind  throng.Draw
	count int64
}

// tape records every draw. What a gate decides comes from a list, so that two runs can be made to differ
// in their inputs alone: the loss of what was published is then that of the counts.
type tape struct {
	draws     []draw
	decisions []bool
}

func (r *tape) Gate(kind throng.Draw, devices int64) (throng.Measure, error) {
	pass := r.decisions[len(r.draws)%len(r.decisions)]
	r.draws = append(r.draws, draw{kind, devices})
	if !pass {
		return throng.Blank(throng.BelowGate), nil
	}
	return throng.Published(throng.Estimate{}), nil
}

func (r *tape) Visits(kind throng.Draw, bounded int64) (throng.Estimate, error) {
	r.draws = append(r.draws, draw{kind, bounded})
	return throng.Estimate{}, nil
}

// crowdOf fills a day, or the folded visits of its span.
type crowdOf func(m *memory, with bool)

const stranger = 99_999 // the device that neighbours differ by

func dayOf(m *memory, with bool) {
	page := func(p int) string { return fmt.Sprintf("/s%d/t%d/p%d", p%3, p%6, p) }
	for device := range 8 {
		for p := 0; p < 30; p += device%4 + 1 {
			m.visitFrom(today, "www", device, page(p), 1+p%4, device%2 == 0, 0)
		}
	}
	for device := range 5 {
		m.bot(today, "www", device+4, 0) // also of devices with visits
	}
	if with {
		for p := range 30 {
			m.visitFrom(today, "www", stranger, page(p), 20, true, 0)
			m.bot(today, "www", stranger, uint64(p))
		}
	}
	m.sort()
}

func spanOf(m *memory, with bool) {
	holders := []string{"", "/*other*", "/s1/*other*"}
	var cells []throng.CellKey
	var rows throng.UnitRows
	for p := range 30 {
		key, holder := fmt.Sprintf("/s1/t%d/p%d", p%6, p), holders[p%3]
		cells = append(cells, throng.CellKey{Cell: cellOf("www", key+holder), Site: "www", Table: throng.PathTable, Key: key, Holder: holder})
	}
	add := func(device int, cell throng.CellKey, visits uint32) {
		rows.Unit, rows.Cell = append(rows.Unit, unitOf(device)), append(rows.Cell, cell.Cell)
		rows.OptedOut, rows.Visits, rows.Network = append(rows.OptedOut, false), append(rows.Visits, visits), append(rows.Network, 0)
	}
	for device := range 8 {
		for p := 0; p < 30; p += device%4 + 1 {
			add(device, cells[p], 1+uint32(p%4))
		}
	}
	if with {
		for _, c := range cells {
			add(stranger, c, 20)
		}
	}
	err := m.Fold(context.Background(), throng.SpanOf(today).First(), cells, func(put func(throng.UnitRows) error) error { return put(rows) })
	if err != nil {
		panic(err)
	}
	m.sort()
}

// run plays a period onto a tape.
func run(t *testing.T, of throng.Period, crowd crowdOf, with bool, decisions []bool) *tape {
	t.Helper()
	m, r := newMemory(), &tape{decisions: decisions}
	crowd(m, with)
	if _, err := aggregate.Partition(m, of, "www", [16]byte{1, 2}, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// exceeds says in what the difference of two tapes is more than the noise was scaled for: for each kind, the
// squares of the differences may sum to L0 · draws · Linf², and no device count may differ by more than 1.
func exceeds(p throng.Parameters, a, b []draw) string {
	if len(a) != len(b) {
		return fmt.Sprintf("%d draws became %d", len(a), len(b))
	}
	squares := map[throng.Draw]int64{}
	for i := range a {
		if a[i].kind != b[i].kind {
			return fmt.Sprintf("draw %d of %s became one of %s", i, a[i].kind, b[i].kind)
		}
		difference := abs(a[i].count - b[i].count)
		d, ok := p.Draw(a[i].kind)
		switch {
		case !ok:
			return fmt.Sprintf("a draw of %s, which nothing is reserved for", a[i].kind)
		case d.Gate != 0 && difference > 1:
			return fmt.Sprintf("one device counts %d times in a draw of %s", difference, a[i].kind)
		}
		squares[a[i].kind] += difference * difference
	}
	for _, d := range p.Draws {
		if most := d.L0 * d.Draws * d.Linf * d.Linf; squares[d.Draw] > most {
			return fmt.Sprintf("draws of %s differ by %d in squares, the noise hides %d", d.Draw, squares[d.Draw], most)
		}
	}
	return ""
}

func parametersOf(t *testing.T, kind throng.PeriodKind) throng.Parameters {
	t.Helper()
	p, err := dp.Calibrate(dp.Budget{}, kind, throng.PathTable, throng.PathTable)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func coins(seed uint64, share float64) []bool {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]bool, 997)
	for i := range out {
		out[i] = r.Float64() < share
	}
	return out
}

var periods = map[string]struct {
	of    throng.Period
	crowd crowdOf
}{"day": {today.Period(), dayOf}, "span": {throng.SpanOf(today).Period(), spanOf}}

// Whatever the gates decide, one device changes what passes to the noise by no more than it is scaled for.
func TestTheGreyBoxStaysInTheBudget(t *testing.T) {
	for name, period := range periods {
		p := parametersOf(t, period.of.Kind())
		kinds := map[throng.Draw]bool{}
		for seed := range uint64(60) {
			decisions := coins(seed, float64(seed%5)/4)
			a, b := run(t, period.of, period.crowd, false, decisions), run(t, period.of, period.crowd, true, decisions)
			if why := exceeds(p, a.draws, b.draws); why != "" {
				t.Fatalf("%s, decisions %d: %s", name, seed, why)
			}
			for _, d := range a.draws {
				kinds[d.kind] = true
			}
		}
		for _, d := range p.Draws {
			if !kinds[d.Draw] {
				t.Errorf("%s: no draw of %s was recorded", name, d.Draw)
			}
		}
	}
}

// Each mutant does what a mistake in the code would: the recorder has to say so.
func TestTheGreyBoxCatchesMutants(t *testing.T) {
	period := periods["day"]
	p := parametersOf(t, throng.DayPeriod)
	passing := coins(1, 1)
	a, b := run(t, period.of, period.crowd, false, passing).draws, run(t, period.of, period.crowd, true, passing).draws
	if why := exceeds(p, a, b); why != "" {
		t.Fatalf("without a mutant: %s", why)
	}
	for name, mutate := range map[string]func() (a, b []draw){
		"Linf off by one": func() (_, mutant []draw) { // a fourth visit of the stranger comes through
			for i, d := range b {
				if d.kind == throng.DrawVisits && d.count-a[i].count == throng.MaxVisitsPerCell {
					d.count++
				}
				mutant = append(mutant, d)
			}
			return a, mutant
		},
		"bounds enforced per shard": func() (_, mutant []draw) { // the stranger is bounded twice
			m, r := newMemory(), &tape{decisions: passing}
			dayOf(m, true)
			for p := range 30 {
				m.visitFrom(today, "www", stranger+1, fmt.Sprintf("/s%d/t%d/p%d", p%3, p%6, p), 20, true, 0)
			}
			m.sort()
			if _, err := aggregate.Partition(m, period.of, "www", [16]byte{1, 2}, r); err != nil {
				t.Fatal(err)
			}
			return a, r.draws
		},
		"a bot counts in each of its networks": func() (_, mutant []draw) {
			for i, d := range b {
				if d.kind == throng.DrawBots && d.count > a[i].count {
					d.count++
				}
				mutant = append(mutant, d)
			}
			return a, mutant
		},
		"budget reset": func() (_, _ []draw) { // the ledger forgets, and the period is drawn again
			return append(a, a...), append(b, b...)
		},
		"a gate on the exact count": func() (_, mutant []draw) { // cells that fail are not drawn
			exact := func(draws []draw) (drawn []draw) {
				for _, d := range draws {
					if d.kind != throng.DrawDevices || d.count >= 3 {
						drawn = append(drawn, d)
					}
				}
				return drawn
			}
			return exact(a), exact(b)
		},
		"a draw that nothing was reserved for": func() (_, _ []draw) {
			more := draw{"referrers", 1}
			return append(a, more), append(b, more)
		},
	} {
		x, y := mutate()
		if why := exceeds(p, x, y); why == "" {
			t.Errorf("%s was not caught", name)
		}
	}
}

// A period whose ledger entry exists is not drawn again: what the mutant "budget reset" does cannot be had
// from the closer by closing twice.
func TestClosingTwiceDrawsOnce(t *testing.T) {
	h := newHouse(t)
	h.crowd("www", 0, 8000, "/news/today")
	r := &tape{decisions: []bool{true}}
	h.SetMechanism(func(throng.ReleaseID, throng.Parameters) (aggregate.Draws, error) { return r, nil })
	h.close()
	once := len(r.draws)
	h.crowd("www", 0, 8000, "/news/today")
	h.close()
	if once == 0 || len(r.draws) != once {
		t.Errorf("%d draws, then %d", once, len(r.draws))
	}
}

// floats are the places in a file where noise would be made or added in floating point, or come from
// another source than the library: sums of floats betray their terms in their last bits (Mironov 2012).
func floats(t *testing.T, name string, source any) (found []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		if strings.Contains(i.Path.Value, "rand") {
			found = append(found, "imports "+i.Path.Value)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && (strings.Contains(s.Sel.Name, "Float64") && s.Sel.Name != "Float64" || s.Sel.Name == "Laplace" || s.Sel.Name == "Rand") {
			found = append(found, "uses "+s.Sel.Name)
		}
		return true
	})
	return found
}

func TestNoiseIsMadeOfIntegers(t *testing.T) {
	files, err := filepath.Glob("dp/*.go")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	sources := ""
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sources += string(b)
		if found := floats(t, f, b); len(found) > 0 {
			t.Errorf("%s: %v", f, found)
		}
	}
	if !strings.Contains(sources, "noise.Gaussian().AddNoiseInt64(") || !strings.Contains(sources, "PreThresholdedResult(") {
		t.Error("the draws that this test is about are made elsewhere now")
	}
	mutant := strings.Replace(`package dp
func f(n int64) int64 { v, _ := noise.Gaussian().AddNoiseInt64(n, 1, 1, 1, 1e-9); return v }`, "AddNoiseInt64(n", "AddNoiseFloat64(float64(n)", 1)
	if len(floats(t, "mutant.go", mutant)) == 0 {
		t.Error("float noise was not caught")
	}
	if len(floats(t, "mutant.go", "package dp\nimport \"math/rand/v2\"\nvar x = rand.NormFloat64()")) == 0 {
		t.Error("noise of one's own was not caught")
	}
}
