package clickhouse

import (
	"context"
	"embed"
	"fmt"
	"strings"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed sql/*.sql
var queryFiles embed.FS

// queries holds the statements, by file name without .sql: Store.Method, and Store.Method.part where a
// method needs more than one.
var queries = readQueries()

func readQueries() map[string]string {
	entries, err := queryFiles.ReadDir("sql")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	all := make(map[string]string, len(entries))
	for _, e := range entries {
		text, err := queryFiles.ReadFile("sql/" + e.Name())
		if err != nil {
			panic(err)
		}
		all[strings.TrimSuffix(e.Name(), ".sql")] = string(text)
	}
	return all
}

// statement is the text of a file under sql.
func statement(name string) string {
	text, ok := queries[name]
	if !ok {
		panic("no statement " + name) // each one runs in a test
	}
	return text
}

// params are the server-side parameters of a statement.
type params map[string]any

func (p params) args() (args []any) {
	for name, v := range p {
		if s, ok := v.(fmt.Stringer); ok {
			v = s.String()
		}
		args = append(args, driver.Named(name, v))
	}
	return args
}

// each runs the named query on every shard and calls scan for every row of the results.
func (s *Store) each(ctx context.Context, name string, p params, scan func(chdriver.Rows) error) error {
	text := statement(name)
	return s.settled(ctx, text, p, func(c chdriver.Conn) error { return eachRow(ctx, c, text, p, scan) })
}
