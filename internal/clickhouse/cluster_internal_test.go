package clickhouse

import (
	"flag"
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// ClusterSchema are the statements that make the schema of a cluster, for the tests that run them.
func ClusterSchema() (statements []string) {
	s := &Store{shards: []*shard{{}}, cluster: "readership", database: "throng"}
	err := s.onEachSchema(func(sc schema) error {
		for _, name := range []string{"create", "lock"} {
			statements = append(statements, sc.in(statement("Store.Migrate."+name)))
		}
		for _, step := range sc.steps {
			statements = append(statements, step.text)
		}
		for _, name := range []string{"backstop", "noBackstop", "unlock"} {
			statements = append(statements, sc.in(statement("Store.Migrate."+name)))
		}
		return nil
	})
	if err != nil {
		panic(err) // the files are part of the binary
	}
	return statements
}

func TestSchemaOfACluster(t *testing.T) {
	const golden = "testdata/cluster.sql"
	got := strings.Join(ClusterSchema(), ";\n")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is another (-update writes it anew):\n%s", golden, diff)
	}
}

// No statement of the schema is sent to one server of a cluster, and no table that keeps rows is one server's.
func TestSchemaOfAClusterLeavesNothingOut(t *testing.T) {
	for _, text := range ClusterSchema() {
		if !strings.Contains(text, " ON CLUSTER readership") {
			t.Errorf("not on the cluster:\n%s", text)
		}
		if strings.Contains(text, "= MergeTree") || strings.Contains(text, "= ReplacingMergeTree") || strings.Contains(text, "non_replicated") {
			t.Errorf("not replicated:\n%s", text)
		}
	}
}

func TestTablesThatAQueryReads(t *testing.T) {
	for _, tt := range []struct {
		query string
		p     params
		want  string
	}{
		{"Store.Units", nil, "open_units"},
		{"Store.Units.tables", nil, "table_units"},
		{"Store.Bots", nil, "bot_units"},
		{"Store.Cells.folded", nil, "folded_cells"},
		{"Store.CountUnits", params{"one": tableOpenUnits, "other": tableTableUnits}, "open_units table_units"},
		{"Store.OpenDays", nil, "blocks open_units"},
		{"Store.Tally", nil, "blocks"},
		{"Store.Marks", nil, "marks"},
		{"Store.CopyHeld", nil, "events held"},
	} {
		if got := strings.Join(tablesIn(statement(tt.query), tt.p), " "); got != tt.want {
			t.Errorf("%s reads %q, want %q", tt.query, got, tt.want)
		}
	}
}
