package throng_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of this module a package may import; "throng" is the root. Prefixes
// end in "/...". Test files are free. cmd/throng, which wires everything, may import all.
var allowed = map[string][]string{
	"throng":                                    {},
	"throng/ingest/accesslog":                   {"throng"},
	"throng/ingest/block":                       {"throng"},
	"throng/anonymize":                          {"throng", "throng/ingest/accesslog", "throng/anonymize/..."},
	"throng/anonymize/score":                    {"throng", "throng/anonymize"},
	"throng/anonymize/routelist":                {},
	"throng/anonymize/keys":                     {"throng", "throng/internal/durable"},
	"throng/anonymize/optout":                   {"throng", "throng/internal/durable", "throng/internal/livefile"},
	"throng/anonymize/country":                  {"throng", "throng/internal/livefile"},
	"throng/ingest":                             {"throng", "throng/anonymize", "throng/ingest/accesslog", "throng/ingest/block", "throng/internal/durable"},
	"throng/ingest/push":                        {"throng/ingest"},
	"throng/ingest/syslog":                      {"throng/ingest/accesslog"},
	"throng/aggregate":                          {"throng", "throng/aggregate/dp", "throng/aggregate/ledger", "throng/internal/durable"},
	"throng/aggregate/dp":                       {"throng"},
	"throng/aggregate/ledger":                   {"throng", "throng/internal/durable"},
	"throng/aggregate/verify":                   {"throng"},
	"throng/aggregate/attack":                   {"throng"},
	"throng/aggregate/utility":                  {"throng", "throng/aggregate/dp", "throng/aggregate/simulation", "throng/internal/loadgen"},
	"throng/aggregate/simulation":               {"throng", "throng/aggregate", "throng/aggregate/ledger"},
	"throng/retention":                          {"throng", "throng/internal/durable"},
	"throng/retention/hold":                     {"throng", "throng/internal/durable"},
	"throng/retention/files":                    {"throng", "throng/internal/durable"},
	"throng/dashboards/fixture":                 {"throng"},
	"throng/dashboards":                         {"throng", "throng/dashboards/wellknown"},
	"throng/dashboards/browser":                 {},
	"throng/dashboards/wellknown":               {},
	"throng/dashboards/access":                  {"throng"},
	"throng/internal/backup":                    {"throng", "throng/aggregate/ledger", "throng/internal/durable", "throng/retention", "throng/retention/hold"},
	"throng/internal/capacity":                  {},
	"throng/internal/config":                    {"throng"},
	"throng/internal/durable":                   {},
	"throng/internal/livefile":                  {"throng"},
	"throng/internal/broker":                    {"throng"},
	"throng/internal/broker/embedded":           {"throng", "throng/internal/durable"},
	"throng/internal/broker/kafkatest":          {},
	"throng/internal/clickhouse":                {"throng"},
	"throng/internal/clickhouse/embedded":       {"throng", "throng/internal/durable"},
	"throng/internal/clickhouse/clickhousetest": {"throng", "throng/internal/clickhouse", "throng/internal/clickhouse/embedded"},
	"throng/internal/loadgen":                   {"throng"},
	"throng/internal/peers":                     {},
	"throng/internal/tracing":                   {"throng"},
	"throng/cmd/throng":                         {"throng", "throng/..."},
}

// owners holds the libraries that one package alone may import. What only tests use may, below its owner's folder.
var owners = map[string]string{
	"github.com/google/differential-privacy/": "throng/aggregate/dp",
	"github.com/ClickHouse/clickhouse-go/":    "throng/internal/clickhouse",
	"github.com/ebitengine/purego":            "throng/internal/clickhouse/embedded",
	"github.com/segmentio/kafka-go":           "throng/internal/broker",
	"github.com/twmb/franz-go":                "throng/internal/broker/embedded",
	"go.opentelemetry.io/otel/sdk":            "throng/internal/tracing",
	"go.opentelemetry.io/otel/exporters/":     "throng/internal/tracing",
	"github.com/oschwald/maxminddb-golang/":   "throng/anonymize/country",
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for dec.More() {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		seen++
		edges, ok := allowed[p.ImportPath]
		if !ok {
			t.Errorf("%s is not in the table of allowed imports: add it there, with what it needs", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			checkImport(t, p.ImportPath, imp, edges)
		}
	}
	if seen < 10 {
		t.Fatalf("go list named %d packages", seen)
	}
}

func checkImport(t *testing.T, from, imp string, edges []string) {
	t.Helper()
	for lib, owner := range owners {
		if strings.HasPrefix(imp, lib) && from != owner && (!strings.HasPrefix(from, owner+"/") || !strings.HasSuffix(from, "test")) {
			t.Errorf("%s imports %s, which only %s may", from, imp, owner)
		}
	}
	if from == "throng" && strings.Contains(imp, ".") {
		t.Errorf("the root package imports %s; it may import the standard library only", imp)
	}
	if imp != "throng" && !strings.HasPrefix(imp, "throng/") {
		return
	}
	if !slices.ContainsFunc(edges, func(e string) bool {
		prefix, wild := strings.CutSuffix(e, "...")
		return e == imp || wild && strings.HasPrefix(imp, prefix)
	}) {
		t.Errorf("%s imports %s, which the table does not allow", from, imp)
	}
}
