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

// GroupOf is the group into which a key is folded when it cannot be published by itself: that of its
// section, /SEGMENT/*other*, for what is below one; the site's, /*other*, for sections and for pages
// right below the site. The site's group has none.
func GroupOf(key string) (group string, ok bool) {
	const site = "/" + Other
	if key == site {
		return "", false
	}
	segment, below, found := strings.Cut(strings.TrimPrefix(key, "/"), "/")
	if !found || below == Other {
		return site, true
	}
	return "/" + segment + site, true
}
