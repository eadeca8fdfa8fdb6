package dashboards_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"testing/fstest"

	"throng/dashboards"
)

// The pages are looked at in a real browser, by scripts/browser/check.mjs; .ci/browser installs what that
// needs and sets THRONG_BROWSER to the browser's path. THRONG_PICTURES is a folder for screenshots.
func TestInABrowser(t *testing.T) {
	browser := os.Getenv("THRONG_BROWSER")
	if browser == "" {
		t.Skip("THRONG_BROWSER names no browser: run .ci/browser")
	}
	srv := httptest.NewServer(serve(t, browsed(t)))
	defer srv.Close()
	args := []string{"../scripts/browser/check.mjs", srv.URL, browser}
	if pictures := os.Getenv("THRONG_PICTURES"); pictures != "" {
		args = append(args, pictures)
	}
	out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// browsed has two months of a site, and all that an auditor can look at.
func browsed(t *testing.T) dashboards.Options {
	t.Helper()
	o := twoMonths(t)
	files := fstest.MapFS{}
	ids, err := o.Releases.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		stored, err := o.Releases.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		files[id.String()+".json"] = &fstest.MapFile{Data: stored.Body}
	}
	all := audited(t, files)
	o.Ledger, o.Transparency, o.WellKnown = all.Ledger, all.Transparency, all.WellKnown
	return o
}
