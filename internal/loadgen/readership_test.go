package loadgen_test

import (
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"throng/internal/loadgen"
)

func TestReadCSV(t *testing.T) {
	const table = "page,pageviews,visits,active_visitors\n" +
		"www.a.gov/x,10,9,5\nwww.a.gov/y,500,300,200\nwww.a.gov/x?q=1#top,7,7,7\n" +
		"\"www.b.gov/No. 4, of \"\"5\"\"\",3,9,9\nwww.b.gov/,2,2,2\n"
	got, err := loadgen.ReadCSV(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	want := []loadgen.Page{
		{"/www.a.gov/y", 500, 200}, {"/www.a.gov/x", 17, 12},
		{"/www.b.gov/No.%204,%20of%20%225%22", 3, 3}, {"/www.b.gov/", 2, 2},
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadCSVRefuses(t *testing.T) {
	const header = "page,pageviews,visits,active_visitors\n"
	for name, table := range map[string]string{
		"nothing":       "",
		"other columns": "page,hits\n",
		"short row":     header + "a,1\n",
		"words":         header + "a,many,1,1\n",
		"negative":      header + "a,1,1,-1\n",
		"open quote":    header + "\"a,1,1,1\n",
	} {
		if _, err := loadgen.ReadCSV(strings.NewReader(table)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestModelIsLikeARealSite(t *testing.T) {
	checkReadership(t, loadgen.Model(10_000), 10_000)
	paths := map[string]bool{}
	for _, p := range loadgen.Model(100_000) {
		paths[p.Path] = true
	}
	if len(paths) != 100_000 {
		t.Errorf("100,000 pages have %d names", len(paths))
	}
}

func TestRealReadership(t *testing.T) {
	f, err := os.Open("../../../shared/data/readership/archives-30-days.csv")
	if err != nil {
		t.Skipf("no readership table: %v", err)
	}
	defer f.Close()
	pages, err := loadgen.ReadCSV(f)
	if err != nil {
		t.Fatal(err)
	}
	checkReadership(t, pages, 8_900)
	log := plan(t, loadgen.Options{Readership: pages})
	truth := log.Truth()
	if truth.Visits != 16_334_280 {
		t.Errorf("%d visits, the table has 16334280", truth.Visits)
	}
	for i, p := range truth.Paths {
		if i > 0 && p.Key <= truth.Paths[i-1].Key {
			t.Fatal("paths are not sorted")
		}
	}
}

func checkReadership(t *testing.T, pages []loadgen.Page, n int) {
	t.Helper()
	visits, crowds := uint64(0), 0
	for _, p := range pages {
		visits += p.Visits
		if p.Devices >= 5000 {
			crowds++
		}
	}
	if len(pages) < n || visits < 16_000_000 || visits > 17_000_000 || crowds < 270 || crowds > 310 {
		t.Errorf("%d pages, %d visits, %d pages with 5,000 devices", len(pages), visits, crowds)
	}
}
