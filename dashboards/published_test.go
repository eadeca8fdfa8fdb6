package dashboards_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"throng"
	"throng/dashboards"
)

// ledgerOf is a ledger that records the releases of files, and one reservation that is still open.
func ledgerOf(t *testing.T, files fstest.MapFS) []byte {
	t.Helper()
	lines := []string{`{"seq":0,"kind":"genesis"}`, `{"seq":1,"kind":"reservation","release":{"site":"new","table":"path","period":"2026-11-21"}}`}
	for i, name := range slices.Sorted(maps.Keys(files)) {
		kind := []string{"publication", "sum"}[i%2]
		var r throng.Release
		if err := json.Unmarshal(files[name].Data, &r); err != nil {
			t.Fatal(err)
		}
		id, err := json.Marshal(r.ID())
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf(`{"seq":%d,"kind":%q,"release":%s,"sha256":%q}`, len(lines), kind, id, hashOf(files[name].Data)))
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

func TestEverythingThatTheManifestListsIsServedAndWritten(t *testing.T) {
	files := archive(t)
	o := options(files)
	ledger := ledgerOf(t, files)
	o.Ledger = func(context.Context) ([]byte, error) { return ledger, nil }
	h, err := dashboards.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var m throng.Manifest
	if err := json.Unmarshal(get(h, "/manifest.json").Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if m.Format != throng.ManifestFormat || len(m.Releases) != len(files) {
		t.Fatalf("manifest %+v", m)
	}
	written := map[string]string{}
	var last string
	err = h.Publish(context.Background(), func(name string, body []byte) error {
		written[name], last = hashOf(body), name
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != throng.ManifestName {
		t.Errorf("wrote %s last", last)
	}
	for _, f := range append(m.Releases, m.Method, m.Ledger) {
		res := get(h, "/"+f.Path)
		if res.Code != http.StatusOK || hashOf(res.Body.Bytes()) != f.SHA256 || f.Bytes != 0 && int64(res.Body.Len()) != f.Bytes {
			t.Errorf("%s: %d, not what the manifest says", f.Path, res.Code)
		}
		if written[f.Path] != f.SHA256 {
			t.Errorf("%s was written otherwise than it is served", f.Path)
		}
	}
	var s throng.MethodStatement
	if err := json.Unmarshal(get(h, "/method.json").Body.Bytes(), &s); err != nil || len(s.Composition) != 3 || s.Program != "0.1.0" {
		t.Errorf("method %+v, %v", s, err)
	}
}

func TestNothingElseIsServedBesideTheReleases(t *testing.T) {
	o := options(archive(t))
	h := serve(t, o)
	for _, name := range []string{"manifest.json", "ledger/ledger.jsonl", "ledger/head", "releases/archives/path/2026-11-21", "releases/archives/path/2026-11-01.json",
		"releases/..%2f../path/2026-11-21.json", "releases/archives/path/"} {
		if res := get(h, "/"+name); res.Code != http.StatusNotFound {
			t.Errorf("%s: %d", name, res.Code)
		}
	}
	o.Ledger = func(context.Context) ([]byte, error) {
		return nil, errors.New("disk: " + filepath.Join("secret", "place"))
	}
	res := get(serve(t, o), "/manifest.json")
	if res.Code != http.StatusInternalServerError || strings.Contains(res.Body.String(), "secret") {
		t.Errorf("a ledger that cannot be read: %d", res.Code)
	}
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
