package peers_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// expectation is what a peer's test says, in our terms.
type expectation struct {
	// name finds it: the peer's test, the format or options, the line, the field.
	name string
	// ask gives what throng says; nil where there is nothing of ours to ask.
	ask func(t *testing.T) string
	// want is the same as the peer's test has it.
	want string
}

// difference is one on purpose.
type difference struct {
	parts []string // each fits names of expectations that it is part of
	cases int      // how many
	why   string
}

// suite is the test suite of a peer.
type suite struct {
	name, version string
	// folder is where scripts/peers.sh puts it, in THRONG_TEST_PEERS.
	folder string
	read   func(t *testing.T, folder string) []expectation
	// different are the differences on purpose. An expectation belongs to the first that it fits.
	different []difference
}

// absent and refused are what a field that is not there and a line that is refused are called.
const (
	absent  = "(absent)"
	refused = "(refused)"
)

func (s suite) run(t *testing.T) {
	root := os.Getenv("THRONG_TEST_PEERS")
	if root == "" {
		t.Skip("skipped: THRONG_TEST_PEERS is not set; .ci/peers sets it")
	}
	folder := filepath.Join(root, s.folder)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("skipped: THE SUITE OF %s %s WAS NOT FETCHED", s.name, s.version)
	}
	var cases, passed, differing, beside int
	found := make([]int, len(s.different))
	for _, e := range s.read(t, folder) {
		cases++
		if e.ask == nil {
			beside++
			continue
		}
		got := e.ask(t)
		if got == e.want {
			passed++
			continue
		}
		if i := s.onPurpose(e.name); i >= 0 {
			found[i]++
			differing++
			continue
		}
		t.Errorf("%s\ngot  %s\nwant %s", e.name, got, e.want)
	}
	for i, d := range s.different {
		if found[i] != d.cases {
			t.Errorf("%d cases of %q differ, want %d (%s)", found[i], d.parts, d.cases, d.why)
		}
	}
	s.isDocumented(t, fmt.Sprintf("| %s %s | %d | %d | %d | %d |", s.name, s.version, cases, passed, differing, beside))
}

func (s suite) onPurpose(name string) int {
	for i, d := range s.different {
		if slices.ContainsFunc(d.parts, func(part string) bool { return strings.Contains(name, part) }) {
			return i
		}
	}
	return -1
}

// isDocumented holds docs/peers.md to the figures and to the reasons.
func (s suite) isDocumented(t *testing.T, row string) {
	t.Log(row)
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "peers.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range append([]string{row}, s.reasons()...) {
		if !strings.Contains(string(docs), line) {
			t.Errorf("docs/peers.md does not say\n%s", line)
		}
	}
}

func (s suite) reasons() (lines []string) {
	for _, d := range s.different {
		lines = append(lines, fmt.Sprintf("| %s | %d | %s |", s.name, d.cases, d.why))
	}
	return lines
}
