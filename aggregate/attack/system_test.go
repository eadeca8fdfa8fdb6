package attack_test

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng/aggregate/attack"
)

// leaks runs the attack with known counts and gives what was found, as text.
func leaks(t testing.TB, s *attack.System, counts map[string]float64) []string {
	t.Helper()
	found, err := s.Attack(attack.Judge{K: 5000, Count: func(a attack.Atom) float64 { return counts[s.Name(a)] }})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range found {
		out = append(out, string(f.Kind)+" "+f.Group)
	}
	slices.Sort(out)
	return out
}

// region publishes the sum of atoms.
func region(s *attack.System, counts map[string]float64, name string, atoms ...string) {
	var in []attack.Atom
	sum := 0.0
	for _, a := range atoms {
		in = append(in, s.Atom(a))
		sum += counts[a]
	}
	s.Know(name, sum, 50, in...)
}

func TestPlantedLeaksAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		counts  map[string]float64
		regions map[string]string
		want    string
	}{
		"a parent with one suppressed child": {
			map[string]float64{"a": 9000, "b": 8000, "c": 400},
			map[string]string{"parent": "a b c", "a": "a", "b": "b"}, "determined c",
		},
		"two suppressed children that are few together": {
			map[string]float64{"a": 9000, "c": 400, "d": 900},
			map[string]string{"parent": "a c d", "a": "a"}, "determined c + d",
		},
		"two suppressed children that are many together": {
			map[string]float64{"a": 9000, "c": 4000, "d": 4000},
			map[string]string{"parent": "a c d", "a": "a"}, "",
		},
		"a month less its days": {
			map[string]float64{"d1": 9000, "d2": 8000, "d3": 3000},
			map[string]string{"month": "d1 d2 d3", "1": "d1", "2": "d2"}, "determined d3",
		},
		"a total less one's own count": {
			map[string]float64{"others": 20_000, "opted out": 300},
			map[string]string{"total": "others opted out", "own": "others"}, "determined opted out",
		},
		"two tables that cover different parts": {
			map[string]float64{"x": 9000, "y": 200},
			map[string]string{"pages": "x y", "browsers": "x"}, "determined y",
		},
		"a triangle of overlapping regions": {
			map[string]float64{"a": 3000, "b": 3000, "c": 3000},
			map[string]string{"ab": "a b", "bc": "b c", "ac": "a c"}, "determined a|determined b|determined c",
		},
		"a leaf twice around": {
			map[string]float64{"a": 6000, "b": 6000, "c": 100, "d": 6000},
			map[string]string{"abc": "a b c", "bcd": "b c d", "a": "a", "d": "d", "b": "b"}, "determined c",
		},
		"what two overlapping tables leave of a third": {
			map[string]float64{"xy": 2000, "x": 1000, "y": 1000, "rest": 100},
			map[string]string{"X": "xy x", "Y": "xy y", "all": "xy x y rest"},
			"bounded xy|determined x + rest|determined xy + x|determined y + rest",
		},
		"a crossing that is bounded away from nothing": {
			map[string]float64{"xy": 4000, "x": 3000, "z": 5100, "w": 900, "v": 2500},
			map[string]string{"X": "xy x", "Z": "x z", "W": "z w", "V": "x v"}, "bounded xy|determined v + w|determined w + xy",
		},
		"a partition": {
			map[string]float64{"a": 9000, "b": 8000, "c": 7000},
			map[string]string{"a": "a", "b": "b", "c": "c"}, "",
		},
		"overlaps that cannot be parted": {
			map[string]float64{"a": 4000, "b": 4000, "c": 4000},
			map[string]string{"ab": "a b", "bc": "b c"}, "",
		},
		"nobody is left": {
			map[string]float64{"a": 9000, "b": 8000, "c": 0},
			map[string]string{"parent": "a b c", "a": "a", "b": "b"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s attack.System
			for _, n := range slices.Sorted(keys(tc.regions)) {
				region(&s, tc.counts, n, words(tc.regions[n])...)
			}
			if got := strings.Join(leaks(t, &s, tc.counts), "|"); got != tc.want {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

func keys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// words keeps "opted out" together.
func words(s string) []string {
	var out []string
	for _, w := range strings.Fields(strings.ReplaceAll(s, "opted out", "opted_out")) {
		out = append(out, strings.ReplaceAll(w, "_", " "))
	}
	return out
}

func TestTheRecipeGivesTheGroupsNumber(t *testing.T) {
	var s attack.System
	counts := map[string]float64{"a": 9000, "b": 8000, "c": 400}
	region(&s, counts, "parent", "a", "b", "c")
	region(&s, counts, "A", "a")
	region(&s, counts, "B", "b")
	found, err := s.Attack(attack.Judge{K: 5000, Count: func(a attack.Atom) float64 { return counts[s.Name(a)] }})
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	f := found[0]
	if f.Estimate != 400 || math.Abs(f.Sigma-50*math.Sqrt(3)) > 1e-9 {
		t.Errorf("estimate %g ± %g", f.Estimate, f.Sigma)
	}
	if got := fmt.Sprint(f.Terms); got != "[{1 parent} {-1 A} {-1 B}]" {
		t.Errorf("terms %s", got)
	}
}

// inRowSpace tells by elimination over the rationals whether v is a combination of the rows.
func inRowSpace(rows [][]int, v []int) bool { return rank(append(slices.Clone(rows), v)) == rank(rows) }

func rank(rows [][]int) int {
	m := make([][]*big.Rat, len(rows))
	for i, r := range rows {
		for _, x := range r {
			m[i] = append(m[i], big.NewRat(int64(x), 1))
		}
	}
	rank := 0
	for col := 0; len(m) > 0 && col < len(m[0]) && rank < len(m); col++ {
		pivot := slices.IndexFunc(m[rank:], func(r []*big.Rat) bool { return r[col].Sign() != 0 })
		if pivot < 0 {
			continue
		}
		m[rank], m[rank+pivot] = m[rank+pivot], m[rank]
		for i := range m {
			if i == rank || m[i][col].Sign() == 0 {
				continue
			}
			f := new(big.Rat).Quo(m[i][col], m[rank][col])
			for j := range m[i] {
				m[i][j] = new(big.Rat).Sub(m[i][j], new(big.Rat).Mul(f, m[rank][j]))
			}
		}
		rank++
	}
	return rank
}

// On small systems every region is tried: what the attack finds is there, and where there is a single
// group to find it finds one.
func TestTheAttackAgreesWithTryingEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		atoms := rapid.IntRange(1, 6).Draw(t, "atoms")
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 1), atoms, atoms), 1, 6).Draw(t, "numbers")
		counts := map[string]float64{}
		var s attack.System
		for i := range atoms {
			name := fmt.Sprint(i)
			counts[name] = float64(rapid.IntRange(1, 8).Draw(t, "count")) * 1000
		}
		for i, r := range rows {
			var in []string
			for a, v := range r {
				if v == 1 {
					in = append(in, fmt.Sprint(a))
				}
			}
			if in != nil {
				region(&s, counts, fmt.Sprint("n", i), in...)
			}
		}
		found, err := s.Attack(attack.Judge{K: 5000, Count: func(a attack.Atom) float64 { return counts[s.Name(a)] }})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			v, sum := make([]int, atoms), 0.0
			for _, a := range f.Atoms {
				var i int
				fmt.Sscan(s.Name(a), &i)
				v[i] = 1
				sum += counts[s.Name(a)]
			}
			if f.Kind == attack.Determined && (!inRowSpace(rows, v) || sum >= 5000 || math.Abs(f.Estimate-sum) > 1e-6) {
				t.Fatalf("%+v is no leak: counts sum to %g", f, sum)
			}
			if f.Kind == attack.Bounded && (f.Low > sum+1e-6 || f.High < sum-1e-6) {
				t.Fatalf("%+v does not hold the truth %g", f, sum)
			}
		}
		for i := range atoms {
			v := make([]int, atoms)
			v[i] = 1
			if counts[fmt.Sprint(i)] < 5000 && inRowSpace(rows, v) && !slices.ContainsFunc(found, func(f attack.Finding) bool {
				return f.Kind == attack.Determined && len(f.Atoms) == 1 && s.Name(f.Atoms[0]) == fmt.Sprint(i)
			}) {
				t.Fatalf("atom %d has %g and is determined; found %+v", i, counts[fmt.Sprint(i)], found)
			}
		}
	})
}
