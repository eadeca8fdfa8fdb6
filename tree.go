package throng

import "strings"

// LeafSegments is the number of path segments that a leaf keeps: the fourth level of the tree, since
// the site is the first.
const LeafSegments = 3

// LeafKey is the key at which visits of a path begin: the path, cut to [LeafSegments] segments.
func LeafKey(path string) string {
	slashes := 0
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		if slashes++; slashes > LeafSegments {
			return path[:i]
		}
	}
	return path
}

// GroupOf is the group into which a key of the path table is folded when it cannot be published by
// itself: that of its own level, prefix/*other* with its last segment replaced, or for a group the one
// above. The site's group, /*other*, has none.
func GroupOf(key string) (group string, ok bool) {
	prefix := parentOf(key)
	if IsOther(key) {
		if prefix == "" {
			return "", false
		}
		prefix = parentOf(prefix)
	}
	return prefix + "/" + Other, true
}

// parentOf is all of a key before its last slash.
func parentOf(key string) string { return key[:max(0, strings.LastIndexByte(key, '/'))] }

// SiteGroup is the group of the opted-out column that holds what no section with a number holds.
const SiteGroup = "/*"

// SectionOf is the section of a row of the path table in the opted-out column, /SEGMENT/*; ok is false
// for pages right below the site and for the site's group.
func SectionOf(key string) (section string, ok bool) {
	segment, _, found := strings.Cut(strings.TrimPrefix(key, "/"), "/")
	if !found {
		return "", false
	}
	return "/" + segment + "/*", true
}
