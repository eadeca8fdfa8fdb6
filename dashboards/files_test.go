package dashboards_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"throng"
	"throng/dashboards"
)

func recordOf(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFilesAreDecodedStrictly(t *testing.T) {
	good := string(archive(t)["archives/path/2026-11-20.json"].Data)
	id := throng.ReleaseID{Site: "archives", Table: "path", Period: day(t, "2026-11-20")}
	for name, change := range map[string][2]string{
		"as it is":               {"", ""},
		"unknown field":          {`"tree":1`, `"tree":1,"exact":7`},
		"another format":         {"throng/release/4", "throng/release/1"},
		"a form without bots":    {"throng/release/4", "throng/release/3"},
		"another site":           {`"site":"archives"`, `"site":"library"`},
		"another period":         {`"period":"2026-11-20"`, `"period":"2026-11-19"`},
		"number without bounds":  {`"value":380000,"low":379796,"high":380204`, `"value":380000`},
		"interval beside number": {`"low":379796`, `"low":380001`},
		"absent measure":         {`,"clipped_percent":{"reason":"not_drawn"}`, ``},
		"no share of bots":       {`,"bot_percent":{"reason":"not_drawn"}`, ``},
		"something follows":      {`}]}`, `}]}{}`},
		"row twice":              {`"rows":[`, `"rows":[` + between(good, `"rows":[`, `]}`) + `,`},
		"not JSON":               {`{"format"`, `format`},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(good, change[0], change[1], 1)
			if name != "as it is" && body == good {
				t.Fatal("the case changes nothing")
			}
			files := dashboards.NewFiles(fstest.MapFS{id.String() + ".json": {Data: []byte(body)}}, nil)
			stored, err := files.Get(t.Context(), id)
			if name == "as it is" {
				if err != nil || string(stored.Body) != good || stored.Rows[0].Key != "/www.ecfr.gov/search" {
					t.Errorf("refused or changed: %v", err)
				}
			} else if err == nil {
				t.Error("accepted")
			}
		})
	}
}

func between(s, start, end string) string {
	_, s, _ = strings.Cut(s, start)
	s, _, _ = strings.Cut(s, end)
	return s
}

func TestFilesCompareWithTheLedger(t *testing.T) {
	id := throng.ReleaseID{Site: "archives", Table: "path", Period: day(t, "2026-11-20")}
	stored, err := dashboards.NewFiles(archive(t), nil).Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dashboards.NewFiles(archive(t), ledger{id: stored.SHA256}).Get(t.Context(), id); err != nil {
		t.Errorf("the file that the ledger knows: %v", err)
	}
	if _, err := dashboards.NewFiles(archive(t), ledger{id: strings.Repeat("0", 64)}).Get(t.Context(), id); !errors.Is(err, dashboards.ErrAltered) {
		t.Errorf("another file than the ledger knows: %v", err)
	}
	if _, err := dashboards.NewFiles(archive(t), ledger{}).Get(t.Context(), id); err == nil {
		t.Error("a file that the ledger does not know is shown")
	}
}

func TestFilesNoticeChanges(t *testing.T) {
	dir := t.TempDir()
	files := dashboards.NewFiles(os.DirFS(dir), nil)
	if ids, err := files.List(t.Context()); err != nil || len(ids) != 0 {
		t.Fatalf("an empty folder lists %v, %v", ids, err)
	}
	rel := release(t, "archives", "2026-11-20", row("/a", 9_000, 6_000))
	if _, err := files.Get(t.Context(), rel.ID()); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a release that is not there: %v", err)
	}
	name := filepath.Join(dir, filepath.FromSlash(rel.ID().String())+".json")
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, key := range []string{"/a", "/b"} { // two files of one size
		m := fstest.MapFS{}
		rel.Rows[0].Key = key
		put(t, m, rel)
		if err := os.WriteFile(name, m[rel.ID().String()+".json"].Data, 0o600); err != nil {
			t.Fatal(err)
		}
		modified := time.Date(2026, 11, 22, i, 0, 0, 0, time.UTC)
		if err := os.Chtimes(name, modified, modified); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			stored, err := files.Get(t.Context(), rel.ID())
			if err != nil || stored.Rows[0].Key != key {
				t.Fatalf("read %v, %v; want row %s", stored, err, key)
			}
		}
	}
	for _, stray := range []string{"2026-11-20.json.tmp", ".2026-11-21.json", "notes.json"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(name), stray), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if ids, err := files.List(t.Context()); err != nil || !slices.Equal(ids, []throng.ReleaseID{rel.ID()}) {
		t.Errorf("listed %v, %v", ids, err)
	}
}

func TestCSVHasNoFormula(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first := rapid.SampledFrom([]string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "/"}).Draw(rt, "first")
		key := first + rapid.StringMatching(`[a-z,"' =]{0,12}`).Draw(rt, "rest")
		var b strings.Builder
		if err := dashboards.WriteCSV(&b, release(t, "archives", "2026-11-20", row(key, 9_000, 6_000))); err != nil {
			rt.Fatal(err)
		}
		records, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			rt.Fatal(err)
		}
		cell := records[1][1]
		if strings.ContainsRune("=+-@\t\r\n＝", []rune(cell)[0]) {
			rt.Errorf("cell %q begins a formula", cell)
		}
		if first == "/" && cell != key {
			rt.Errorf("cell %q, want %q", cell, key)
		}
	})
}
