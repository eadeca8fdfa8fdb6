package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The table in docs/operations.md names every metric, and no other: dashboards and alerts of others rest on the names.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(throng_[a-z_]+)`").FindAllStringSubmatch(string(text), -1) {
		if documented[m[1]] {
			t.Errorf("%s is documented twice", m[1])
		}
		documented[m[1]] = true
	}
	there := map[string]bool{}
	for name := range exported(t) {
		if strings.HasPrefix(name, "throng_") {
			there[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if !documented[name] {
			t.Errorf("%s has no row in docs/operations.md", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(documented)) {
		if !there[name] {
			t.Errorf("docs/operations.md describes %s, which nothing exports", name)
		}
	}
}
