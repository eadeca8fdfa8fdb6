package aggregate_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/aggregate"
)

func TestTree(t *testing.T) {
	for _, tc := range []struct {
		path, leaf string
		level      int8
		group      string // of the leaf
	}{
		{"/", "/", 0, "/*other*"},
		{"/about", "/about", 0, "/*other*"},
		{"/blog/", "/blog/", 0, "/blog/*other*"},
		{"/blog/post", "/blog/post", 0, "/blog/*other*"},
		{"/blog/2026/post", "/blog/2026/post", 0, "/blog/2026/*other*"},
		{"/blog/2026/11/post", "/blog/2026/11", 0, "/blog/2026/*other*"},
		{"/blog/2026/11/", "/blog/2026/11", 0, "/blog/2026/*other*"},
		{"/blog/2026/*other*", "/blog/2026/*other*", 1, "/blog/*other*"},
		{"/blog/2026/11/*other*", "/blog/2026/11", 0, "/blog/2026/*other*"},
		{"/blog/*other*", "/blog/*other*", 2, "/*other*"},
		{"/*other*", "/*other*", 3, ""},
		{"/blog*other*", "/blog*other*", 0, "/*other*"},
		{"//double", "//double", 0, "//*other*"},
		{"no-slash", "no-slash", 0, "/*other*"},
		{"", "", 0, "/*other*"},
	} {
		leaf := throng.LeafKey(tc.path)
		group, _ := throng.GroupOf(leaf)
		if leaf != tc.leaf || aggregate.LevelOf(leaf) != tc.level || group != tc.group {
			t.Errorf("%q: leaf %q at level %d in %q, want %+v", tc.path, leaf, aggregate.LevelOf(leaf), group, tc)
		}
	}
}

// Whatever a visitor asks for, folding goes up and ends at the site.
func TestFoldingEndsAtTheSite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.SampledFrom([]string{"", "a", "b", throng.Other, "é", "*"})
		key := throng.LeafKey("/" + strings.Join(rapid.SliceOfN(segment, 0, 7).Draw(t, "segments"), "/"))
		if throng.LeafKey(key) != key {
			t.Fatalf("%q is cut again", key)
		}
		for level := int8(-1); ; {
			if l := aggregate.LevelOf(key); l <= level {
				t.Fatalf("%q is at level %d, above one of level %d", key, l, level)
			} else {
				level = l
			}
			group, ok := throng.GroupOf(key)
			if !ok {
				break
			}
			if !throng.IsOther(group) {
				t.Fatalf("%q folds into %q", key, group)
			}
			key = group
		}
		if key != "/"+throng.Other {
			t.Fatalf("ends at %q", key)
		}
	})
}
