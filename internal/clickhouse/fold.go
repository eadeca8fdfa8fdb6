package clickhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2"

	"throng"
)

// foldSettings let equal batches of rows through: what an earlier try has left was dropped before.
func foldSettings() driver.Settings {
	settings := maps.Clone(insertSettings)
	settings["insert_deduplicate"] = 0
	return settings
}

// Fold replaces what is folded of a day: the texts of its cells, and the rows that rows hands to put, from
// several goroutines if it likes. A batch belongs to the caller again when put returns. After an error
// some of it may be there; the next Fold of the day drops it.
func (s *Store) Fold(ctx context.Context, day throng.Day, cells []throng.CellKey, rows func(put func(throng.UnitRows) error) error) error {
	ctx = driver.Context(ctx, driver.WithSettings(foldSettings()))
	for _, table := range []string{tableFoldedUnits, tableFoldedCells} {
		if err := s.dropPartition(ctx, table, partitionOf(day)); err != nil {
			return classify("fold units", err)
		}
	}
	if err := s.foldCells(ctx, day, cells); err != nil {
		return classify("fold units", err)
	}
	return rows(func(r throng.UnitRows) error { return classify("fold units", s.foldUnits(ctx, day, r)) })
}

func (s *Store) foldCells(ctx context.Context, day throng.Day, cells []throng.CellKey) error {
	if len(cells) == 0 {
		return nil
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	for _, c := range cells {
		row := map[string]any{"day": day.String(), "site": c.Site, "cell": uint64(c.Cell), "table": c.Table, "key": c.Key, "holder": c.Holder}
		if err := out.Encode(row); err != nil {
			return err
		}
	}
	return s.conn.InsertFormat(ctx, "JSONEachRow", statement("Store.Fold.cells"), &b)
}

func (s *Store) foldUnits(ctx context.Context, day throng.Day, r throng.UnitRows) error {
	n := len(r.Unit)
	if n == 0 {
		return nil
	}
	days, units, cells := make(proto.ColDate, n), make(proto.ColUInt64, n), make(proto.ColUInt64, n)
	for i := range n {
		days[i], units[i], cells[i] = proto.Date(day), uint64(r.Unit[i]), uint64(r.Cell[i])
	}
	optedOut, visits, network := proto.ColBool(r.OptedOut), proto.ColUInt32(r.Visits), proto.ColUInt64(r.Network)
	columns := proto.Input{
		{Name: "day", Data: &days}, {Name: "unit", Data: &units}, {Name: "opted_out", Data: &optedOut},
		{Name: "cell", Data: &cells}, {Name: "visits", Data: &visits}, {Name: "network", Data: &network},
	}
	var b proto.Buffer
	block := proto.Block{Columns: len(columns), Rows: n}
	if err := block.EncodeRawBlock(&b, 0, columns); err != nil {
		return err
	}
	return s.conn.InsertFormat(ctx, "Native", statement("Store.Fold.units"), bytes.NewReader(b.Buf))
}
