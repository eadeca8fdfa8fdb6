package anonymize

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"throng"
)

// routeSet is a site's list of public pages, and the groups into which all other paths fall.
type routeSet struct {
	// exact maps a route, as it is written and as [normalizer] spells it, to how it is written.
	exact map[string]string
	// groups maps each prefix of a route, as normalizer spells it, to the group below it.
	groups    map[string]string
	templates templates
}

// groupDepth is how many segments a group's prefix can have: a table has four levels, of which the site
// is the first and the group itself the last (method section 5).
const groupDepth = 2

// newRoutes reads a list of routes. A route is kept as it is written.
func newRoutes(list []string, n *normalizer) (*routeSet, error) {
	r := &routeSet{exact: make(map[string]string, 2*len(list)), groups: map[string]string{}}
	sorted := slices.Sorted(slices.Values(list)) // so that one order decides between two spellings
	for i, route := range sorted {
		if err := checkRoute(route); err != nil {
			return nil, fmt.Errorf("route %d of the sorted list: %w", i, err)
		}
		r.exact[route] = route // a template too: so it stands for itself
	}
	for _, route := range sorted {
		r.addGroups(route, n)
		if isTemplate(route) {
			r.templates.add(route, n)
			continue
		}
		n.normalize([]byte(route), nil)
		if _, taken := r.exact[string(n.spelled)]; !taken {
			r.exact[string(n.spelled)] = route
		}
	}
	return r, nil
}

func checkRoute(route string) error {
	switch {
	case len(route) == 0 || route[0] != '/':
		return errors.New("must begin with /")
	case !new(normalizer).normalize([]byte(route), nil):
		return errors.New("is no path: control bytes, invalid UTF-8 or endless percent-encoding")
	case len(route) > throng.MaxPathBytes:
		return fmt.Errorf("longer than %d bytes", throng.MaxPathBytes)
	case strings.ContainsAny(route, "?#"):
		return errors.New("must have no query and no fragment")
	}
	return checkTemplate(route)
}

// find is the route of a path as normalizer spells it. A group is nothing that a template stands for.
func (r *routeSet) find(spelled []byte) (route string, ok bool) {
	if route, ok = r.exact[string(spelled)]; ok {
		return route, true
	}
	if bytes.HasSuffix(spelled, otherSuffix) {
		return "", false
	}
	route = r.templates.match(spelled)
	return route, route != ""
}

// addGroups makes a group of each prefix of a route that is not the route itself, up to the first wildcard.
func (r *routeSet) addGroups(route string, n *normalizer) {
	end := 0
	for range groupDepth {
		next := strings.IndexByte(route[end+1:], '/')
		if next < 0 {
			return
		}
		end += 1 + next
		if isTemplate(route[:end]) {
			return
		}
		n.normalize([]byte(route[:end]), nil)
		if _, taken := r.groups[string(n.spelled)]; !taken {
			r.groups[string(n.spelled)] = route[:end] + "/" + throng.Other
		}
	}
}

// group is the group of a path as normalizer spells it: below the longest prefix that the operator's own
// routes have, else of the whole site. No byte of it was chosen by a visitor.
func (r *routeSet) group(spelled []byte) string {
	ends := [groupDepth]int{}
	found := 0
	for i := 1; i < len(spelled) && found < groupDepth; i++ {
		if spelled[i] == '/' {
			ends[found] = i
			found++
		}
	}
	for found > 0 {
		found--
		if g, ok := r.groups[string(spelled[:ends[found]])]; ok {
			return g
		}
	}
	return "/" + throng.Other
}
