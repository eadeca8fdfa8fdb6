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
		{"/a/b/c", "/a/b/c", "/a/b/*other*"},
		{"/a/b/c/", "/a/b/c", "/a/b/*other*"},
		{"/a/b/c/d/e", "/a/b/c", "/a/b/*other*"},
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

func TestSections(t *testing.T) {
	for key, want := range map[string]string{
		"/": "", "/about": "", "/*other*": "", "/about/": "/about/*", "/a/b": "/a/*", "/a/b/c": "/a/*", "/a/*other*": "/a/*", "/a/b/*other*": "/a/*", "//b": "//*",
	} {
		if got, ok := throng.SectionOf(key); got != want || ok != (want != "") {
			t.Errorf("section of %s is %s, %t; want %s", key, got, ok, want)
		}
	}
}

func TestTablesThatMayNotBeTogether(t *testing.T) {
	for _, c := range []struct {
		tables []string
		ok     bool
	}{
		{nil, true}, {[]string{"client"}, true}, {[]string{"hour", "os", "referrer", "status", "country"}, true},
		{[]string{"client", "os"}, false}, {[]string{"path"}, false}, {[]string{"hour", "hour"}, false}, {[]string{"city"}, false},
	} {
		if err := throng.CheckTables(c.tables); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.tables, err)
		}
	}
}
