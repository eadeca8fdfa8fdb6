package dashboards

import (
	"cmp"
	"slices"
	"strings"

	"throng"
)

// node is a line of the tree: a published row, or a prefix with all published rows below it.
type node struct {
	Name     string
	Key      string // of a row; "" of a prefix
	Prefix   string // of a prefix, ending in a slash; of a group, what is before *other*
	Rows     int    // published below a prefix
	Depth    int    // 0 is the top of the page
	Open     bool   // the prefix whose children follow, or one above it
	URL      string
	Visits   throng.Estimate
	Shown    cell
	Devices  cell
	OptedOut cell
	Share    float64
	Bar      string
}

// Group tells a group from a page.
func (n *node) Group() bool { return throng.IsOther(n.Key) }

// notAdded is why a prefix has no devices: those of several rows do not add up.
const notAdded throng.Reason = "not_added"

// bySection is why a row has no opted-out visits: its section has them.
const bySection throng.Reason = "by_section"

// children are the lines right below a prefix, which is "/" at the top.
func (s *sheet) children(prefix string) []node {
	i, to := s.bounds(prefix, 0)
	var nodes []node
	for i < to {
		rest := s.Rows[i].Key[len(prefix):]
		name, _, deeper := strings.Cut(rest, "/")
		if !deeper {
			nodes = append(nodes, rowNode(s.Rows[i], rest))
			i++
			continue
		}
		child := prefixNode{s, prefix + name + "/", name + "/"}
		nodes = append(nodes, child.node(i))
		_, i = s.bounds(child.prefix, i)
	}
	return nodes
}

// prefixNode is a prefix with rows below it.
type prefixNode struct {
	of           *sheet
	prefix, name string
}

// node sums the rows; none of them is before least.
func (p prefixNode) node(least int) node {
	from, to := p.of.bounds(p.prefix, least)
	n := node{Name: p.name, Prefix: p.prefix, Rows: to - from, Visits: p.of.sum(from, to), Devices: cell{Reason: notAdded}}
	n.Shown = cellOf(throng.Published(n.Visits))
	return n
}

func rowNode(r throng.Row, name string) node {
	n := node{Name: name, Key: r.Key, Shown: cellOf(r.Visits), Devices: cellOf(r.Devices)}
	n.Visits, _ = r.Visits.Estimate()
	if n.Group() {
		n.Prefix = strings.TrimSuffix(r.Key, throng.Other)
	}
	return n
}

// optedOutAt finds the opted-out visits of a line: those of a section are at its prefix.
func (s *sheet) optedOutAt(n *node) cell {
	for _, o := range s.OptedOut {
		if n.Key == "" && o.Group == n.Prefix+"*" {
			return cellOf(o.OptedOutVisits)
		}
	}
	return cell{Reason: bySection}
}

// openTree puts the lines of a tree on the page: the prefixes that lead to the open one, then its children.
func (v *tableView) openTree(sel selection) {
	prefix := or(sel.In, "/")
	children := v.Release.children(prefix)
	slices.SortStableFunc(children, func(a, b node) int {
		if sel.Sort == byPath {
			return sel.directed(cmp.Compare(a.Name, b.Name))
		}
		return cmp.Or(sel.directed(cmp.Compare(a.Visits.Value, b.Visits.Value)), cmp.Compare(a.Name, b.Name))
	})
	v.Pager = newPager(&sel, v.URL, len(children))
	v.Tree = v.above(sel, prefix)
	depth := len(v.Tree)
	for _, n := range children[v.Pager.first:v.Pager.last] {
		n.Depth = depth
		v.Tree = append(v.Tree, n)
	}
	for i := range v.Tree {
		v.finish(&v.Tree[i], sel)
	}
}

// above are the prefixes from the top down to the open one, without the top itself.
func (v *tableView) above(sel selection, prefix string) []node {
	var open []node
	for end := 1; end < len(prefix); {
		next := end + strings.IndexByte(prefix[end:], '/') + 1
		n := prefixNode{v.Release, prefix[:next], prefix[end:next]}.node(0)
		n.Depth, n.Open = len(open), true
		up := sel
		up.In, up.Page = prefix[:end], 1
		if up.In == "/" {
			up.In = ""
		}
		n.URL = up.url(v.URL)
		open, end = append(open, n), next
	}
	return open
}

func (v *tableView) finish(n *node, sel selection) {
	n.OptedOut = v.Release.optedOutAt(n)
	if v.Figures.Visits.Value > 0 {
		n.Share = float64(n.Visits.Value) / float64(v.Figures.Visits.Value)
		n.Bar = barWidth(n.Visits.Value, v.Figures.Visits.Value)
	}
	switch {
	case n.Key != "":
		n.URL = historyURL(v.Site.ID, v.Release.Table, n.Key)
	case !n.Open:
		down := sel
		down.In, down.Page = n.Prefix, 1
		n.URL = down.url(v.URL)
	}
}
