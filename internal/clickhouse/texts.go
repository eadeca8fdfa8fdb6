package clickhouse

import (
	"context"
	"errors"

	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// EachText calls use with every value of a column of a table or view, as text, once and in no order;
// NULL is left out. The table need not be one of this package's; of a cluster the first shard is asked. An error of use ends the call and is
// returned as it is.
func (s *Store) EachText(ctx context.Context, database, table, column string, use func(text string) error) error {
	var stopped error
	scan := func(rows chdriver.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		stopped = use(text)
		return stopped
	}
	err := s.home().each(ctx, statement("Store.EachText"), params{"database": database, "table": table, "column": column}, scan)
	if stopped != nil && errors.Is(err, stopped) {
		return stopped
	}
	return classify("read texts", err)
}
