package throng_test

import (
	"testing"

	"throng"
)

func TestTree(t *testing.T) {
	for _, c := range []struct{ path, leaf, group string }{
		{"/", "/", "/*other*"},
		{"/about", "/about", "/*other*"},
		{"/about/", "/about/", "/about/*other*"},
		{"/a/b", "/a/b", "/a/*other*"},
		{"/a/b/c", "/a/b/c", "/a/*other*"},
		{"/a/b/c/", "/a/b/c", "/a/*other*"},
		{"/a/b/c/d/e", "/a/b/c", "/a/*other*"},
		{"/a/b/*other*", "/a/b/*other*", "/a/*other*"},
		{"/a/*other*", "/a/*other*", "/*other*"},
		{"/*other*", "/*other*", ""},
	} {
		if got := throng.LeafKey(c.path); got != c.leaf {
			t.Errorf("leaf of %s is %s, want %s", c.path, got, c.leaf)
		}
		if got, ok := throng.GroupOf(c.leaf); got != c.group || ok != (c.group != "") {
			t.Errorf("group of %s is %s, %t; want %s", c.leaf, got, ok, c.group)
		}
	}
}
