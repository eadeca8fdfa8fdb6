package main_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDashboardsSayHowTheyAre asks a process that only serves pages for its metrics and whether it is in order.
func TestDashboardsSayHowTheyAre(t *testing.T) {
	t.Parallel()
	dir := testDir(t)
	public, admin := freeAddr(t), freeAddr(t)
	config := filepath.Join(dir, "throng.yaml")
	writeFile(t, config, "dir: "+dir+"/state\nsites: [{id: www}]\nlisten: {public: '"+public+"', admin: '"+admin+"'}\n")
	startService(t, dir, "dashboards", nil, "dashboards", "--config", config)
	ready := func() (status int, said string) {
		res, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	waitFor(t, drainTime, "the pages", func() (bool, string) {
		status, said := ready()
		return status == http.StatusOK, said
	})
	if _, said := ready(); !strings.Contains(said, "pages    ok\n") || !strings.Contains(said, "releases ok\n") {
		t.Errorf("it says:\n%s", said)
	}
	get(t, "http://"+public+"/a-page-with-a-name")
	page := string(get(t, "http://"+admin+"/metrics"))
	if !strings.Contains(page, `throng_pages_requests_total{code="404"} 1`) || !strings.Contains(page, "throng_pages_duration_seconds_count") {
		t.Errorf("the metrics do not tell what was answered:\n%s", page)
	}
	if strings.Contains(page, "a-page") {
		t.Error("the metrics tell what was asked for")
	}

	// A release that no ledger knows cannot be shown: whoever looks after the service shall hear of it.
	release := filepath.Join(dir, "state", "releases", "www", "path")
	if err := os.MkdirAll(release, 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(release, "2026-11-20.json"), "{}")
	if status, said := ready(); status != http.StatusServiceUnavailable || !strings.Contains(said, "releases check ledger: ") {
		t.Errorf("%d: %s", status, said)
	}
}
