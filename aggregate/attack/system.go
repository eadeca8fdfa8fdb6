package attack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Atom is a finest group of visits: one that no published region cuts. Atoms are numbered from 0.
type Atom int

// System is what an attacker knows: numbers, each the sum of the counts of some atoms. The zero value
// knows nothing.
type System struct {
	names   []string
	index   map[string]Atom
	numbers []number
	gated   [][]Atom
}

type number struct {
	name         string
	value, sigma float64
	atoms        []Atom
	own          bool // the attacker's, from elsewhere
}

// Atom is the atom of that name; it is added where it is new.
func (s *System) Atom(name string) Atom {
	if a, ok := s.index[name]; ok {
		return a
	}
	if s.index == nil {
		s.index = map[string]Atom{}
	}
	a := Atom(len(s.names))
	s.index[name] = a
	s.names = append(s.names, name)
	return a
}

// Know adds a number that the attacker has: value estimates the sum of the atoms' counts with standard
// deviation sigma, which is 0 for what is known exactly.
func (s *System) Know(name string, value, sigma float64, atoms ...Atom) {
	atoms = slices.Clone(atoms)
	slices.Sort(atoms)
	s.numbers = append(s.numbers, number{name: name, value: value, sigma: sigma, atoms: slices.Compact(atoms)})
}

// Gated says that the devices of these atoms together passed the gate: every group that holds them all
// is one of at least k.
func (s *System) Gated(atoms ...Atom) {
	atoms = slices.Clone(atoms)
	slices.Sort(atoms)
	s.gated = append(s.gated, slices.Compact(atoms))
}

// Atoms is the number of atoms.
func (s *System) Atoms() int { return len(s.names) }

// Numbers is the number of numbers.
func (s *System) Numbers() int { return len(s.numbers) }

// Name is the name of an atom.
func (s *System) Name(a Atom) string { return s.names[a] }

// holdsGated tells whether the group holds all atoms of a region that passed the gate.
func (s *System) holdsGated(group []Atom) bool {
	in := map[Atom]bool{}
	for _, a := range group {
		in[a] = true
	}
	return slices.ContainsFunc(s.gated, func(region []Atom) bool {
		return !slices.ContainsFunc(region, func(a Atom) bool { return !in[a] })
	})
}

// part is a set of numbers that share no atom with any other: the attack on it stands by itself.
type part struct {
	numbers []int // indices into System.numbers
	// classes are the atoms that every number of the part has or lacks together: nothing can part them.
	classes [][]Atom
	// matrix has a row for each number and a column for each class: 1 where the number has it.
	matrix [][]int8
}

// parts divides the system.
func (s *System) parts() []part {
	root := make([]int, len(s.names))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for _, n := range s.numbers {
		for _, a := range n.atoms {
			root[find(int(a))] = find(int(n.atoms[0]))
		}
	}
	members := map[int][]int{}
	for i, n := range s.numbers {
		if len(n.atoms) > 0 {
			r := find(int(n.atoms[0]))
			members[r] = append(members[r], i)
		}
	}
	var parts []part
	for _, numbers := range members {
		parts = append(parts, s.part(numbers))
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.numbers[0], b.numbers[0]) })
	return parts
}

func (s *System) part(numbers []int) part {
	in := map[Atom][]int{} // the numbers that have an atom
	for row, i := range numbers {
		for _, a := range s.numbers[i].atoms {
			in[a] = append(in[a], row)
		}
	}
	byRows := map[string]int{}
	p := part{numbers: numbers, matrix: make([][]int8, len(numbers))}
	atoms := make([]Atom, 0, len(in))
	for a := range in {
		atoms = append(atoms, a)
	}
	slices.Sort(atoms)
	for _, a := range atoms {
		key := fmt.Sprint(in[a])
		class, ok := byRows[key]
		if !ok {
			class = len(p.classes)
			byRows[key] = class
			p.classes = append(p.classes, nil)
		}
		p.classes[class] = append(p.classes[class], a)
	}
	for row := range p.matrix {
		p.matrix[row] = make([]int8, len(p.classes))
	}
	for class, atoms := range p.classes {
		for _, row := range in[atoms[0]] {
			p.matrix[row][class] = 1
		}
	}
	return p
}

// group names a set of atoms.
func (s *System) group(atoms []Atom) string {
	const most = 6
	names := make([]string, 0, most)
	for _, a := range atoms[:min(len(atoms), most)] {
		names = append(names, s.names[a])
	}
	text := strings.Join(names, " + ")
	if more := len(atoms) - most; more > 0 {
		text += fmt.Sprintf(" + %d more", more)
	}
	return text
}
