package dashboards

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"throng"
)

// rowsPerPage keeps a page of the longest paths under 150 kB.
const rowsPerPage = 100

// selection is which rows of a table are asked for, in which order. All of it is in the address, so
// that a link is the view.
type selection struct {
	Query      string // a substring of the path, in any case
	In         string // a prefix, ending in a slash
	Only       string // onlyPages, onlyGroups, or "" for both
	Tree       bool   // by prefix, and not row by row
	Sort       string // a column
	Descending bool
	Routes     bool // also the pages of the route list that are not published
	Page       int  // from 1
}

// columns are the keys that rows are sorted by. The zero value of a blank is never used.
var columns = map[string]func(throng.Row) throng.Measure{
	"visits":  func(r throng.Row) throng.Measure { return r.Visits },
	"devices": func(r throng.Row) throng.Measure { return r.Devices },
}

const (
	byPath      = "path"
	defaultSort = "visits"

	onlyPages  = "pages"
	onlyGroups = "groups"
)

// parseSelection takes what it does not know as not said. A search text longer than any path is
// refused, because it is written into every link of the page.
func parseSelection(form url.Values) (selection, error) {
	s := selection{Query: strings.TrimSpace(strings.ToValidUTF8(form.Get("q"), "\uFFFD")), Routes: form.Get("show") == "routes"}
	if only := form.Get("only"); only == onlyPages || only == onlyGroups {
		s.Only = only
	}
	s.Tree, s.In = form.Get("view") == "tree", strings.ToValidUTF8(form.Get("in"), "\uFFFD")
	if s.In != "" && !strings.HasSuffix(s.In, "/") {
		s.In += "/"
	}
	if max(len(s.Query), len(s.In)) > throng.MaxPathBytes {
		return s, &refusal{http.StatusBadRequest, fmt.Sprintf("The search text is longer than any path: at most %d bytes.", throng.MaxPathBytes)}
	}
	s.Sort, s.Descending = strings.CutPrefix(form.Get("sort"), "-")
	if s.Sort != byPath && columns[s.Sort] == nil {
		s.Sort, s.Descending = defaultSort, true
	}
	s.Page, _ = strconv.Atoi(form.Get("page")) // 0 where it is no number
	s.Page = max(s.Page, 1)
	return s, nil
}

// order is the value of the parameter sort.
func (s selection) order() string {
	if s.Descending {
		return "-" + s.Sort
	}
	return s.Sort
}

// url is the address of the selection under base, defaults left out.
func (s selection) url(base string) string {
	form := url.Values{}
	if s.Query != "" {
		form.Set("q", s.Query)
	}
	if s.In != "" {
		form.Set("in", s.In)
	}
	if s.Only != "" {
		form.Set("only", s.Only)
	}
	if s.Tree {
		form.Set("view", "tree")
	}
	if s.order() != "-"+defaultSort {
		form.Set("sort", s.order())
	}
	if s.Routes {
		form.Set("show", "routes")
	}
	if s.Page > 1 {
		form.Set("page", strconv.Itoa(s.Page))
	}
	if len(form) == 0 {
		return base
	}
	return base + "?" + form.Encode()
}

// sortedBy is the selection after a click on the head of a column: its natural order first, the
// other one on the next click.
func (s selection) sortedBy(column string) selection {
	if s.Sort == column {
		s.Descending = !s.Descending
	} else {
		s.Sort, s.Descending = column, column != byPath
	}
	s.Page = 1
	return s
}

// found is the rows of a selection, in order.
type found struct {
	rows  []throng.Row
	order []int32 // numbers of rows; nil where rows are in order
}

func (f found) len() int {
	if f.order != nil {
		return len(f.order)
	}
	return len(f.rows)
}

func (f found) slice(from, to int) []throng.Row {
	if f.order == nil {
		return f.rows[from:to]
	}
	var rows []throng.Row
	for _, i := range f.order[from:to] {
		rows = append(rows, f.rows[i])
	}
	return rows
}

// rows gives all rows of the selection in order, before paging. Rows of the route list that are not
// published are blank; they are there when asked for, or when something is searched.
func (s selection) rows(of *sheet, routes []string) found {
	order := of.order(s.order())
	if !s.narrows() && !s.Routes {
		return found{of.Rows, order}
	}
	match := s.matcher(of.lower)
	from, to := of.bounds(s.In, 0)
	matches := make([]bool, len(of.Rows))
	for i := from; i < to; i++ { // in the order of the rows, which lie beside each other in memory
		matches[i] = match(of.Rows[i].Key)
	}
	picked := make([]int32, 0, 64) // not nil: found tells by it that there is an order
	for _, i := range order {
		if matches[i] {
			picked = append(picked, i)
		}
	}
	var blank []throng.Row
	if s.Routes || s.Query != "" {
		match := s.matcher(false)
		for _, key := range routes {
			if match(key) && !isPublished(of.Rows, key) {
				blank = append(blank, blankRow(key))
			}
		}
	}
	if blank == nil {
		return found{of.Rows, picked}
	}
	rows := append(found{of.Rows, picked}.slice(0, len(picked)), blank...)
	slices.SortStableFunc(rows, s.compare)
	return found{rows: rows}
}

// narrows tells whether the selection leaves out rows.
func (s selection) narrows() bool { return s.Query != "" || s.In != "" || s.Only != "" }

// matcher tells which keys are of the selection; lower promises that they have no capitals.
func (s selection) matcher(lower bool) func(key string) bool {
	needle := strings.ToLower(s.Query)
	return func(key string) bool {
		if !strings.HasPrefix(key, s.In) || s.Only != "" && throng.IsOther(key) != (s.Only == onlyGroups) {
			return false
		}
		if !lower {
			key = strings.ToLower(key)
		}
		return strings.Contains(key, needle)
	}
}

func blankRow(key string) throng.Row {
	blank := throng.Blank(throng.BelowGate)
	return throng.Row{Key: key, Devices: blank, Visits: blank}
}

// isPublished looks a key up; rows are sorted by key.
func isPublished(rows []throng.Row, key string) bool {
	_, ok := find(rows, key)
	return ok
}

func find(rows []throng.Row, key string) (throng.Row, bool) {
	i, ok := slices.BinarySearchFunc(rows, key, func(r throng.Row, k string) int { return cmp.Compare(r.Key, k) })
	if !ok {
		return throng.Row{}, false
	}
	return rows[i], true
}

// sort gives the numbers of the rows of a release in the order of [selection.compare].
func (s selection) sort(rows []throng.Row) []int32 {
	order := make([]int32, 0, len(rows))
	if s.Sort == byPath {
		for i := range rows {
			order = append(order, int32(i))
		}
		slices.SortStableFunc(order, func(a, b int32) int { return s.compare(rows[a], rows[b]) })
		return order
	}
	// Numbers beside each other in memory sort ten times as fast as rows that have to be looked up; rows that
	// are equal are ordered by path, as they come.
	type numbered struct {
		value int64
		row   int32
	}
	numbers, blank, column := make([]numbered, 0, len(rows)), []int32(nil), columns[s.Sort]
	for i := range rows {
		if e, ok := column(rows[i]).Estimate(); ok {
			numbers = append(numbers, numbered{e.Value, int32(i)})
		} else {
			blank = append(blank, int32(i))
		}
	}
	slices.SortFunc(numbers, func(a, b numbered) int {
		switch {
		case a.value == b.value:
			return int(a.row - b.row)
		case a.value < b.value != s.Descending:
			return -1
		}
		return 1
	})
	for _, n := range numbers {
		order = append(order, n.row)
	}
	return append(order, blank...)
}

// compare puts blanks last in either direction; rows that are equal are ordered by path.
func (s selection) compare(a, b throng.Row) int {
	if s.Sort == byPath {
		return s.directed(cmp.Compare(a.Key, b.Key))
	}
	x, okX := columns[s.Sort](a).Estimate()
	y, okY := columns[s.Sort](b).Estimate()
	switch {
	case okX && okY:
		return cmp.Or(s.directed(cmp.Compare(x.Value, y.Value)), cmp.Compare(a.Key, b.Key))
	case okX:
		return -1
	case okY:
		return 1
	}
	return cmp.Compare(a.Key, b.Key)
}

func (s selection) directed(c int) int {
	if s.Descending {
		return -c
	}
	return c
}
