package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"throng/aggregate"
	"throng/ingest"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/embedded"
	"throng/internal/config"
)

// grafanaBoard is what of a Grafana dashboard names metrics, tables and columns.
type grafanaBoard struct {
	Templating struct {
		List []struct{ Query string }
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr, RawSQL string }
	}
}

func readBoard(t *testing.T, name string) (b grafanaBoard) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy/grafana/dashboards", name))
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil || len(b.Panels) == 0 {
		t.Fatalf("%s: %d panels, %v", name, len(b.Panels), err)
	}
	return b
}

var (
	metricName = regexp.MustCompile(`\b(throng|go|process)_[a-z0-9_]+\b`)
	descName   = regexp.MustCompile(`fqName: "([^"]+)"`)
)

// exported are the metrics that a process can have; none is collected.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	reg := metrics(measured{
		ship: &ingest.Shipper{}, load: &ingest.Loader{}, closer: &aggregate.Closer{}, keeper: (&node{cfg: config.Default()}).keeperMetrics(nil),
		seen: newObserver(systemClock{}), ledger: t.TempDir(), pages: newPageMetrics(),
	})
	descriptions := make(chan *prometheus.Desc, 1000)
	reg.Describe(descriptions)
	close(descriptions)
	names := map[string]bool{"process_resident_memory_bytes": true} // of client_golang, which describes it only where the system tells it
	for d := range descriptions {
		names[descName.FindStringSubmatch(d.String())[1]] = true
	}
	return names
}

func TestGrafanaShowsMetricsThatExist(t *testing.T) {
	known, shown := exported(t), 0
	for _, p := range readBoard(t, "operations.json").Panels {
		for _, target := range p.Targets {
			for _, name := range metricName.FindAllString(target.Expr, -1) {
				shown++
				if !known[name] {
					t.Errorf("panel %q shows %s, which nothing exports", p.Title, name)
				}
			}
		}
	}
	if shown < 10 {
		t.Errorf("only %d metrics are shown", shown)
	}
}

// sqlOf are the statements of a dashboard, with what Grafana puts into them.
func sqlOf(b grafanaBoard) (statements []string) {
	for _, v := range b.Templating.List {
		statements = append(statements, v.Query)
	}
	for _, p := range b.Panels {
		for _, target := range p.Targets {
			statements = append(statements, target.RawSQL)
		}
	}
	for i, s := range statements {
		statements[i] = strings.NewReplacer("${site}", "www", "$__fromTime", "toDateTime(0)", "$__toTime", "toDateTime(4000000000)").Replace(s)
	}
	return statements
}

// ask sends one statement.
func askEngine(t *testing.T, e *embedded.Engine, database, statement string) (string, bool) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine/?"+url.Values{"database": {database}}.Encode(), strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	res, err := e.RoundTripper().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), res.StatusCode == http.StatusOK
}

// Grafana's user reads what the dashboard shows, and cannot read anything else.
func TestReadersReadReleasesAndNothingElse(t *testing.T) {
	if _, err := embedded.Find(); err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	dir := t.TempDir()
	users, err := os.ReadFile("../../deploy/clickhouse/readers.xml")
	if err != nil {
		t.Fatal(err)
	}
	withEngine(t, embedded.Options{Dir: dir}, func(e *embedded.Engine) {
		if answer, ok := askEngine(t, e, "default", "CREATE DATABASE throng"); !ok {
			t.Fatal(answer)
		}
		s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: e.RoundTripper(), Database: "throng", NoBackstop: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	withEngine(t, embedded.Options{Dir: dir, Grants: grantsOf(t, users)}, func(e *embedded.Engine) {
		for _, statement := range sqlOf(readBoard(t, "readership.json")) {
			if answer, ok := askEngine(t, e, "throng", statement); !ok {
				t.Errorf("%s\n%s", statement, answer)
			}
		}
		for _, statement := range []string{
			"SELECT * FROM throng.events LIMIT 1", "SELECT count() FROM throng.events", "SELECT unit FROM throng.open_units", "SELECT * FROM throng.folded_units", "SELECT * FROM throng.cells",
			"SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "INSERT INTO throng.releases SELECT * FROM throng.releases",
			"DROP TABLE throng.releases", "CREATE TABLE throng.other (n UInt8) ENGINE = Memory", "SELECT * FROM merge('throng', '^events$')", "SELECT * FROM system.query_log",
		} {
			if answer, ok := askEngine(t, e, "throng", statement); ok || strings.Contains(statement, "throng.") && !strings.Contains(answer, "ACCESS_DENIED") {
				t.Errorf("%s: %s", statement, answer)
			}
		}
	})
}

func withEngine(t *testing.T, o embedded.Options, use func(*embedded.Engine)) {
	t.Helper()
	e, err := embedded.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	use(e)
}

var grant = regexp.MustCompile(`<query>([^<]+)</query>`)

func grantsOf(t *testing.T, users []byte) (grants []string) {
	t.Helper()
	for _, m := range grant.FindAllSubmatch(users, -1) {
		grants = append(grants, string(m[1]))
	}
	if len(grants) == 0 {
		t.Fatal("readers.xml grants nothing")
	}
	return grants
}
