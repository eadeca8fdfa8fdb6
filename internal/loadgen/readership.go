package loadgen

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Page says how much one page is read.
type Page struct {
	// Path is the target that is asked for: it begins with a slash and has no query, fragment, space
	// or quote.
	Path string
	// Visits is the number of page views.
	Visits uint64
	// Devices is the number of distinct devices that made them, at most Visits.
	Devices uint64
}

// Columns of the readership table that analytics.usa.gov publishes.
var columns = []string{"page", "pageviews", "visits", "active_visitors"}

// ReadCSV reads a readership table in the form of analytics.usa.gov (18F): the columns page,
// pageviews, visits and active_visitors. A page named HOST/REST becomes the path /HOST/REST;
// queries and fragments, which are no part of a path, are dropped, blanks and the like are escaped, and pages
// of the same path are summed. Pages come most visited first.
func ReadCSV(r io.Reader) ([]Page, error) {
	table := csv.NewReader(r)
	header, err := table.Read()
	if err != nil {
		return nil, fmt.Errorf("read readership: %w", err)
	}
	if !slices.Equal(header, columns) {
		return nil, fmt.Errorf("read readership: want the columns %s", strings.Join(columns, ","))
	}
	byPath := map[string]Page{}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return sorted(byPath), nil
		}
		if err != nil {
			return nil, fmt.Errorf("read readership: %w", err)
		}
		page, err := parsePage(row)
		if err != nil {
			line, _ := table.FieldPos(0)
			return nil, fmt.Errorf("read readership: line %d: %w", line, err)
		}
		sum := byPath[page.Path]
		byPath[page.Path] = Page{page.Path, sum.Visits + page.Visits, sum.Devices + page.Devices}
	}
}

func parsePage(row []string) (Page, error) {
	views, err := strconv.ParseUint(row[1], 10, 32)
	if err != nil {
		return Page{}, errors.New("pageviews: want a number")
	}
	devices, err := strconv.ParseUint(row[3], 10, 32)
	if err != nil {
		return Page{}, errors.New("active_visitors: want a number")
	}
	return Page{pathOf(row[0]), views, min(devices, views)}, nil
}

// pathOf is the page's path as it stands in a request line.
func pathOf(page string) string {
	if i := strings.IndexAny(page, "?#"); i >= 0 {
		page = page[:i]
	}
	path := []byte{'/'}
	for i := range len(page) {
		if c := page[i]; plain(c) {
			path = append(path, c)
		} else {
			path = fmt.Appendf(path, "%%%02X", c)
		}
	}
	return string(path)
}

// plain tells whether a byte stands for itself in a path and in a log line.
func plain(c byte) bool {
	return ' ' < c && c < 0x7f && c != '"' && c != '\\' && c != '?' && c != '#'
}

func sorted(byPath map[string]Page) []Page {
	pages := make([]Page, 0, len(byPath))
	for _, p := range byPath {
		pages = append(pages, p)
	}
	slices.SortFunc(pages, func(a, b Page) int {
		return cmp.Or(cmp.Compare(b.Visits, a.Visits), strings.Compare(a.Path, b.Path))
	})
	return pages
}

// Shape of the model, fitted to 30 days of a national archive's sites: the visits of the page of
// rank r are modelVisits/(r+modelOffset), a Zipf–Mandelbrot law with exponent 1.
const (
	modelVisits  = 2_180_000
	modelOffset  = 4.7
	modelDevices = 0.66 // devices a visit
)

// Model is the readership of a made-up group of sites: n pages, most visited first. For n = 10,000 it
// has about 16 million visits, and about 280 pages reach 5,000 devices.
func Model(n int) []Page {
	pages := make([]Page, n)
	for i := range pages {
		visits := math.Ceil(modelVisits / (float64(i+1) + modelOffset))
		pages[i] = Page{
			Path:    modelPath(i),
			Visits:  uint64(visits),
			Devices: uint64(math.Ceil(visits * modelDevices)),
		}
	}
	return pages
}

// Words of the model's paths. The numbers of qualities and subjects are coprime, so that stepping
// through both at once meets each pair before it repeats.
var (
	modelHosts = []string{
		"www.harbour-archive.example", "maps.harbour-archive.example", "letters.harbour-archive.example",
		"www.riverstone-library.example", "films.riverstone-library.example", "www.tidewater-museum.example",
		"learn.tidewater-museum.example", "www.lantern-gazette.example", "rules.lantern-gazette.example",
	}
	modelSections = []string{
		"research", "exhibits", "education", "collections", "news", "visit", "records", "founding", "guides",
		"topics", "stories",
	}
	modelQualities = []string{
		"early", "coastal", "northern", "painted", "hidden", "public", "printed", "winter", "travelling", "modern",
		"civic", "rural", "ancient", "broken", "silver", "open", "eastern", "quiet", "lasting", "first", "forgotten",
		"royal", "common", "small", "great", "western", "hand-drawn", "sunken", "borrowed", "summer", "annual",
		"illustrated", "southern", "floating", "wooden", "guarded", "unsigned",
	}
	modelSubjects = []string{
		"maps", "letters", "harbours", "voyages", "treaties", "photographs", "bridges", "gardens", "newspapers",
		"lighthouses", "railways", "markets", "speeches", "elections", "instruments", "schools", "patents", "floods",
		"festivals", "weavers", "census-rolls", "shipyards", "observatories", "canals", "theatres", "libraries",
		"mills", "charters", "migrations", "recipes", "portraits",
	}
)

// modelPath names page i. Sections change fastest after hosts, so that every section holds popular
// pages and rare ones.
func modelPath(i int) string {
	if i < len(modelHosts) {
		return "/" + modelHosts[i] + "/"
	}
	i -= len(modelHosts)
	host := modelHosts[i%len(modelHosts)]
	i /= len(modelHosts)
	section := modelSections[i%len(modelSections)]
	i /= len(modelSections)
	title := modelQualities[i%len(modelQualities)] + "-" + modelSubjects[i%len(modelSubjects)]
	if more := i / (len(modelQualities) * len(modelSubjects)); more > 0 {
		title += "-volume-" + strconv.Itoa(more+1)
	}
	return "/" + host + "/" + section + "/" + title
}
