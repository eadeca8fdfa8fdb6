package anonymize

import (
	"bytes"
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// A route template is a route with wildcards: "{name}" stands for a part of one segment that is not empty,
// at most once a segment ("/users/{id}/edit", "/news/{id}.html"), and "{name...}" as the last segment for
// one segment or more. The name says something to readers only. What matches a template becomes the
// template, as it is written: no byte of the request is kept.
//
// templates is a tree of segments. A path has one segment a level, so that each node is looked at once at
// most, whatever a visitor sends.
type templates struct {
	literal map[string]*templates
	wild    []wildcard // the one that says the most first
	route   string     // of a template that ends here
	rest    string     // of a template with {name...} here
}

// wildcard is a segment with "{name}", and what follows it.
type wildcard struct {
	prefix, suffix string
	below          *templates
}

// stands tells whether a wildcard stands for a segment.
func (w *wildcard) stands(segment []byte) bool {
	end := len(segment) - len(w.suffix)
	return end > len(w.prefix) && string(segment[:len(w.prefix)]) == w.prefix && string(segment[end:]) == w.suffix
}

// isTemplate tells a template from a plain route.
func isTemplate(route string) bool { return strings.ContainsAny(route, "{}") }

var (
	wildSegment = regexp.MustCompile(`^([^{}]*)\{[A-Za-z0-9_-]{1,32}\}([^{}]*)$`)
	restSegment = regexp.MustCompile(`^\{[A-Za-z0-9_-]{1,32}\.\.\.\}$`)
	errBraces   = errors.New("a template's wildcard is {name}, once a segment, or {name...}, as the last segment; write a brace of the path as %7B or %7D")
)

func checkTemplate(route string) error {
	segments := strings.Split(route, "/")
	for i, s := range segments {
		last := i == len(segments)-1
		if isTemplate(s) && !wildSegment.MatchString(s) && !(last && restSegment.MatchString(s)) {
			return errBraces
		}
	}
	return nil
}

// add takes up a template whose literal parts n spells as it spells paths. Of two that match the same
// paths the first one stays.
func (t *templates) add(route string, n *normalizer) {
	for segment := range strings.SplitSeq(strings.Trim(route, "/"), "/") {
		if restSegment.MatchString(segment) {
			t.rest = cmp.Or(t.rest, route)
			return
		}
		if m := wildSegment.FindStringSubmatch(segment); m != nil {
			t = t.wildcard(n.spell(m[1]), n.spell(m[2]))
			continue
		}
		segment = n.spell(segment)
		if t.literal[segment] == nil {
			if t.literal == nil {
				t.literal = map[string]*templates{}
			}
			t.literal[segment] = &templates{}
		}
		t = t.literal[segment]
	}
	t.route = cmp.Or(t.route, route)
}

func (t *templates) wildcard(prefix, suffix string) *templates {
	for _, w := range t.wild {
		if w.prefix == prefix && w.suffix == suffix {
			return w.below
		}
	}
	w := wildcard{prefix, suffix, &templates{}}
	t.wild = append(t.wild, w)
	slices.SortStableFunc(t.wild, func(a, b wildcard) int {
		return cmp.Or(cmp.Compare(len(b.prefix)+len(b.suffix), len(a.prefix)+len(a.suffix)), cmp.Compare(b.prefix, a.prefix))
	})
	return w.below
}

// match finds the template of a path as normalizer spells it, "" where there is none. Further left, a
// literal segment goes before a wildcard, a wildcard with more text around it before one with less, and
// each before {name...}.
func (t *templates) match(spelled []byte) string {
	if len(spelled) <= 1 {
		return t.route
	}
	segment, below := spelled[1:], []byte(nil)
	if i := bytes.IndexByte(segment, '/'); i >= 0 {
		segment, below = segment[:i], segment[i:]
	}
	if next := t.literal[string(segment)]; next != nil {
		if route := next.match(below); route != "" {
			return route
		}
	}
	for _, w := range t.wild {
		if w.stands(segment) {
			if route := w.below.match(below); route != "" {
				return route
			}
		}
	}
	return t.rest
}
