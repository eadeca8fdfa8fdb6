package aggregate_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"throng"
)

var (
	logTime = regexp.MustCompile(`time=\S+ `)
	number  = regexp.MustCompile(`-?\d+`)
)

// shape is all that a close shows but the numbers that were drawn: the files and the sizes of those that hold
// no drawn number, the log, what it asked of the store, its progress, and the rows of the release.
func (h *house) shape() string {
	h.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		size := info.Size()
		if strings.HasSuffix(path, ".json") {
			size = 0 // its digits are those of the numbers in it, and it has nothing else: see below
		}
		fmt.Fprintln(&b, strings.TrimPrefix(path, h.dir), size)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	r := h.release("www")
	var rows []string
	for _, row := range r.Rows {
		rows = append(rows, row.Key)
	}
	text, err := json.Marshal(r)
	if err != nil {
		h.t.Fatal(err)
	}
	indented, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		h.t.Fatal(err)
	}
	if string(h.file("www")) != string(indented)+"\n" {
		h.t.Error("the file has something beside its fields")
	}
	fmt.Fprintln(&b, rows, string(number.ReplaceAll(text, []byte("0"))))
	fmt.Fprintln(&b, logTime.ReplaceAllString(h.log.String(), ""))
	p := h.Progress()
	delete(h.store.calls, "put") // batches of folded rows, which are the tokens themselves and no output
	fmt.Fprintln(&b, h.store.calls, p.Rounds, p.Failed, p.Overdue, p.Lost)
	return b.String()
}

// Neighbouring inputs, one device more or less, also one that brings a page to k, leave the same shape: what
// differs is in the numbers that were drawn, and nowhere else. Counts are far enough from the gates that no
// draw decides otherwise.
func TestNeighboursLeaveTheSameShape(t *testing.T) {
	const extra = 900_000
	for name, c := range map[string]struct {
		crowd   int // devices of a page that is not published
		pages   []string
		times   int
		optsOut bool
		bots    int // of the site beside the one that is a device more
	}{
		"nobody's page":                {0, []string{"/secret"}, 1, false, 0},
		"far below k":                  {100, []string{"/a/x"}, 1, false, 0},
		"at k":                         {throng.MinDevices - 1, []string{"/a/x"}, 1, false, 0},
		"a page that is published":     {100, []string{"/home"}, 1, false, 0},
		"who opted out":                {throng.MinDevices - 1, []string{"/a/x", "/home"}, 2, true, 0},
		"a million visits":             {100, []string{"/home", "/a/x"}, 1_000, false, 0},
		"more pages than count":        {100, strings.Fields("/1 /2 /3 /4 /5 /6 /7 /8 /9 /10 /11 /12"), 1, false, 0},
		"the first bot":                {100, nil, 0, false, 0},
		"a bot that brings them to k":  {100, nil, 0, false, throng.MinDevices - 1},
		"a bot of many":                {100, nil, 0, false, 9000},
		"sections that nobody else is": {100, strings.Fields("/s1/a /s2/b/c /s3/d/e/f"), 1, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			shape := func(with bool) string {
				h := newHouse(t)
				h.options.Memory = 1 // so that each pass is seen at the store
				h.open()
				h.crowd("www", 0, 8000, "/home")
				h.crowd("www", 0, c.crowd, "/a/x")
				for bot := range c.bots {
					h.store.bot(today, "www", 500_000+bot, uint64(bot))
				}
				if with && len(c.pages) == 0 {
					h.store.bot(today, "www", extra, extra)
				}
				for _, page := range c.pages {
					if with {
						h.store.visitFrom(today, "www", extra, page, c.times, c.optsOut, extra)
					}
				}
				h.store.sort()
				h.expectClosed(today)
				return h.shape()
			}
			if without, with := shape(false), shape(true); without != with {
				t.Errorf("without:\n%s\nwith:\n%s", without, with)
			}
		})
	}
}

// The shape is not blind: what may not differ and does is seen.
func TestTheShapeSeesARowMore(t *testing.T) {
	shape := func(devices int) string {
		h := newHouse(t)
		h.crowd("www", 0, devices, "/home")
		h.expectClosed(today)
		return h.shape()
	}
	if shape(4000) == shape(8000) {
		t.Error("a table with a row has the shape of one without")
	}
}
