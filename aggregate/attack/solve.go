package attack

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Kind says how a group was found.
type Kind string

// The kinds of finding.
const (
	// Determined: a combination of published numbers gives the group's own number.
	Determined Kind = "determined"
	// Bounded: nonnegativity puts the group's count above zero and below k.
	Bounded Kind = "bounded"
)

// Term is a number with its coefficient in a combination.
type Term struct {
	Factor float64 `json:"factor"`
	Number string  `json:"number"`
}

// Finding is a group that nothing shows to be one of at least k devices, and of which the published
// numbers tell something of its own.
type Finding struct {
	Kind Kind `json:"kind"`
	// Group names the group's atoms.
	Group string `json:"group"`
	Atoms []Atom `json:"-"`
	// Terms are the combination that gives the group's number; empty for Bounded.
	Terms []Term `json:"terms,omitempty"`
	// Estimate is the number of visits that the combination gives, Sigma its standard deviation.
	Estimate float64 `json:"estimate"`
	Sigma    float64 `json:"sigma"`
	// Low and High bound the visits, for Bounded.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
}

// Judge decides about groups. Where the truth is known, as in a simulation, it is asked for it.
type Judge struct {
	// K is the number of devices that a group has to have. Required.
	K float64
	// Count is the number of devices of an atom, or what is known instead. Required: it only steers the
	// search, so that it looks for small groups first, unless Small is left out.
	Count func(Atom) float64
	// Small tells whether a group that is determined by the terms, whose number is estimate ± sigma, is one
	// of fewer than K devices other than nobody. Defaults to the sum of Count.
	Small func(group []Atom, estimate, sigma float64) bool
}

func (j Judge) withDefaults() (Judge, error) {
	if j.K <= 0 || j.Count == nil {
		return j, errors.New("attack: a judge needs k and counts")
	}
	if j.Small == nil {
		j.Small = func(group []Atom, _, _ float64) bool {
			sum := 0.0
			for _, a := range group {
				sum += j.Count(a)
			}
			return sum > 0 && sum < j.K
		}
	}
	return j, nil
}

// Attack finds the groups under k that the numbers give away, smallest systems first. The error says
// that a part could not be solved; then nothing is known of it.
func (s *System) Attack(j Judge) ([]Finding, error) {
	j, err := j.withDefaults()
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, p := range s.parts() {
		f, err := s.attackPart(p, j)
		if err != nil {
			return nil, fmt.Errorf("attack the part of %s: %w", s.numbers[p.numbers[0]].name, err)
		}
		found = append(found, f...)
	}
	return found, nil
}

func (s *System) attackPart(p part, j Judge) ([]Finding, error) {
	counts := make([]float64, len(p.classes))
	scale := 0.0
	for c, atoms := range p.classes {
		for _, a := range atoms {
			counts[c] += max(j.Count(a), 0)
		}
		scale = max(scale, counts[c])
	}
	if scale == 0 {
		scale = 1
	}
	start := make([]float64, len(counts))
	for c := range counts {
		// Counts of zero would let the program call a group empty that the attacker cannot know to be.
		start[c] = max(counts[c], j.K/1000) / scale
	}
	lp, err := newProgram(p.matrix, start)
	if err != nil {
		return nil, err
	}
	a := &assault{s, p, j, lp, scale, map[string]bool{}, nil}
	alone := determined(p.matrix)
	for class := range p.classes {
		if err := a.class(class, alone[class]); err != nil {
			return nil, err
		}
	}
	return a.found, nil
}

// Published is the judge who knows nothing but what was published: a group is taken to be small unless
// it holds a whole region that passed the gate.
func (s *System) Published(k float64) Judge {
	share := make([]float64, len(s.names))
	for _, n := range s.numbers {
		for _, a := range n.atoms {
			if v := max(n.value, 1) / float64(len(n.atoms)); share[a] == 0 || v < share[a] {
				share[a] = v
			}
		}
	}
	return Judge{
		K:     k,
		Count: func(a Atom) float64 { return share[a] },
		Small: func(group []Atom, _, _ float64) bool { return !s.holdsGated(group) },
	}
}

// assault is the attack on one part.
type assault struct {
	*System
	part
	Judge
	lp    *program
	scale float64
	seen  map[string]bool // groups that were judged
	found []Finding
}

// class looks for the smallest region around a class, and for the bounds on it.
func (a *assault) class(class int, alone bool) error {
	cost := make([]float64, a.lp.columns+a.lp.rows)
	cost[class] = 1
	y, err := a.lp.maximize(cost, a.lp.columns)
	if err != nil {
		return err
	}
	high := a.lp.value(class) * a.scale
	region, factors, whole := a.region(y)
	if whole {
		a.judge(region, factors)
	}
	if alone && !(whole && len(region) == 1) {
		// The program preferred another region of the same size, which cannot be smaller.
		return errors.New("rank and linear program do not agree")
	}
	if high >= a.K || whole && a.holdsGated(a.atomsOf(region)) {
		return nil
	}
	cost[class] = -1
	if _, err := a.lp.maximize(cost, a.lp.columns); err != nil {
		return err
	}
	if low := a.lp.value(class) * a.scale; low > a.K*1e-6 && !a.seen[fmt.Sprint([]int{class})] {
		atoms := a.classes[class]
		if !a.holdsGated(atoms) && a.Small(atoms, (low+high)/2, (high-low)/4) {
			a.found = append(a.found, Finding{Kind: Bounded, Group: a.group(atoms), Atoms: atoms, Estimate: (low + high) / 2, Low: low, High: high})
		}
	}
	return nil
}

// denominators are those that combinations of sums of sums come with.
const denominators = 12

// region brings dual values to whole coefficients over one denominator and works out, in whole numbers,
// what the combination is the sum of; whole is false when that is not a region.
func (a *assault) region(y []float64) (classes []int, factors []float64, whole bool) {
	for d := 1; d <= denominators; d++ {
		counters, ok := over(y, d)
		if !ok {
			continue
		}
		classes, whole = a.sumOf(counters, d)
		factors = make([]float64, len(y))
		for i, c := range counters {
			factors[i] = float64(c) / float64(d)
		}
		return classes, factors, whole
	}
	return nil, nil, false
}

// over writes values as whole numbers over a denominator.
func over(y []float64, denominator int) (counters []int, ok bool) {
	counters = make([]int, len(y))
	for i, v := range y {
		n := math.Round(v * float64(denominator))
		if math.Abs(v*float64(denominator)-n) > 1e-6 {
			return nil, false
		}
		counters[i] = int(n)
	}
	return counters, true
}

// sumOf are the classes that the combination holds once; ok is false when it holds any otherwise.
func (a *assault) sumOf(counters []int, denominator int) (classes []int, ok bool) {
	for class := range a.classes {
		sum := 0
		for row, c := range counters {
			sum += c * int(a.matrix[row][class])
		}
		switch sum {
		case 0:
		case denominator:
			classes = append(classes, class)
		default:
			return nil, false
		}
	}
	return classes, len(classes) > 0
}

func (a *assault) atomsOf(classes []int) (atoms []Atom) {
	for _, c := range classes {
		atoms = append(atoms, a.classes[c]...)
	}
	slices.Sort(atoms)
	return atoms
}

// judge takes a region down where it is one of fewer than k.
func (a *assault) judge(classes []int, factors []float64) {
	key := fmt.Sprint(classes)
	if a.seen[key] {
		return
	}
	a.seen[key] = true
	f := Finding{Kind: Determined, Atoms: a.atomsOf(classes)}
	variance, published := 0.0, false
	for row, factor := range factors {
		if factor == 0 {
			continue
		}
		n := a.System.numbers[a.part.numbers[row]]
		f.Terms = append(f.Terms, Term{factor, n.name})
		published = published || !n.own
		f.Estimate += factor * n.value
		variance += factor * factor * n.sigma * n.sigma
	}
	f.Sigma = math.Sqrt(variance)
	if published && a.Small(f.Atoms, f.Estimate, f.Sigma) {
		f.Group = a.group(f.Atoms)
		a.found = append(a.found, f)
	}
}
