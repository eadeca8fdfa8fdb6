package dashboards

// pager leads through the rows, a page at a time.
type pager struct {
	Page, Pages, Rows int
	First, Last       int // numbers of the shown rows, from 1; both 0 where there are none
	Previous, Next    string
	first, last       int
}

// newPager takes a page past the last one as the last one.
func newPager(sel *selection, base string, rows int) pager {
	pages := max(1, (rows+rowsPerPage-1)/rowsPerPage)
	sel.Page = min(sel.Page, pages)
	p := pager{Page: sel.Page, Pages: pages, Rows: rows, first: (sel.Page - 1) * rowsPerPage}
	p.last = min(p.first+rowsPerPage, rows)
	p.First, p.Last = min(p.first+1, rows), p.last
	at := *sel
	if at.Page = sel.Page - 1; at.Page >= 1 {
		p.Previous = at.url(base)
	}
	if at.Page = sel.Page + 1; at.Page <= pages {
		p.Next = at.url(base)
	}
	return p
}
