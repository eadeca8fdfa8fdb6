package dashboards

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"throng"
)

//go:embed templates
var templates embed.FS

// pages are the parsed templates by name; each is the layout with one page in it.
type pages map[string]*template.Template

func parsePages() (pages, error) {
	layout, err := template.New("layout.html").Funcs(words).ParseFS(templates, "templates/layout.html", "templates/parts.html", "templates/audit.html")
	if err != nil {
		return nil, err
	}
	p := pages{}
	for _, name := range []string{"overview", "site", "history", "compare", "data", "table", "pending", "method", "error", "transparency", "changes", "ledger", "files", "dictionary", "signal"} {
		t, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if p[name], err = t.ParseFS(templates, "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// frame is what the layout needs of every page.
type frame struct {
	Title string
	// Watermark is shown across the top where the page holds numbers that are not safe to publish.
	Watermark   string
	Style, Icon string
	// Script gives charts a cursor; Library and LibraryStyle are what it loads for that.
	Script, Library, LibraryStyle string
	Version                       string
	// Bundle says that the page is one of a bundle's files: there is no server that could answer a request.
	Bundle bool
	root   string // of a bundle, from the page's folder
	number int    // of the page in a long list, from 1
}

// static is the address of a static file; it changes with the file.
func (h *Handler) static(name string) string {
	return "/static/" + name + "?v=" + h.assets[name].version
}

func (h *Handler) frame(title string) frame {
	return frame{
		Title:  title,
		Style:  h.static("style.css"),
		Icon:   h.static("icon.svg"),
		Script: h.static("charts.js"), Library: h.static("uplot.js"), LibraryStyle: h.static("uplot.css"),
		Version: h.method.Version,
		number:  1,
	}
}

// page renders into memory first, so that a fault never leaves half a page.
func (h *Handler) page(name string, view any) (*response, error) {
	var b bytes.Buffer
	if err := h.pages[name].Execute(&b, view); err != nil {
		return nil, fmt.Errorf("render page %s: %w", name, err)
	}
	return &response{body: b.Bytes()}, nil
}

func newSite(s Site) *site {
	s.Title = or(s.Title, s.ID)
	routes := slices.Clone(s.Routes)
	slices.Sort(routes)
	listed := slices.Compact(routes)
	made := &site{Site: s, Listed: len(listed)}
	made.Routes = nil
	for _, path := range listed {
		made.routes = append(made.routes, throng.LeafKey(path))
	}
	slices.Sort(made.routes)
	made.routes = slices.Compact(made.routes)
	return made
}

func (h *Handler) site(id string) (*site, error) {
	for _, s := range h.sites {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, errNothing
}

// link is a place to go, with its name; the zero value is none.
type link struct{ Name, URL string }

// words are the functions of the templates.
var words = template.FuncMap{
	"count":   count,
	"percent": percent,
	"period":  periodTitle,
	"hours":   duration,
	"decimal": decimal,
	"between": between,
	"nouns": func(n int, one, many string) string {
		if n == 1 {
			return "1 " + one
		}
		return count(int64(n)) + " " + many
	},
	"addresses": func(ipv4Bits int) string { return count(1 << (32 - ipv4Bits)) },
	"instant":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"moment":    func(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") },
	"plural":    func(n int, noun string) string { return plural(int64(n), noun) },
	"join":      func(s []string) string { return strings.Join(s, ", ") },
	"half":      func(e throng.Estimate) string { return count((e.High - e.Low) / 2) },
	"number":    func(n int) string { return count(int64(n)) },
	"reason":    reason,
	"plus1":     func(i int) int { return i + 1 },
	"text":      throng.Period.String,
	"date":      func(d throng.Day) string { return d.Start().Format("2 January 2006") },
	// shortPeriod is for tables of periods, where the year is in the heading.
	"shortPeriod": namedPeriod,
	"step":        majorStep,
}

// reason says in a few words why a cell is blank. The first is one reason on purpose: which of the two
// it is would tell how many readers a page had.
func reason(r throng.Reason) string {
	switch r {
	case throng.BelowGate:
		return "too few, or too close to tell"
	case throng.NotDrawn:
		return "not part of this table"
	case throng.NotSummed:
		return "devices of several days do not add up"
	case notAveraged:
		return "shares of several days do not add up"
	case notAdded:
		return "devices of several rows do not add up"
	case damaged:
		return "the file is damaged, or is not the one that was published"
	case bySection:
		return "counted by section"
	case throng.Crossing:
		return "with another table, it would tell about too small a group"
	}
	return string(r)
}

func majorStep(n int) string {
	if n == 1 {
		return "by its first number only"
	}
	return "rounded down to a multiple of " + strconv.Itoa(n)
}
