package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// CountTables keeps from now on what further tables of these sites count by. The table units of other
// sites are not kept, and those of a site are from the first block after the call.
func (s *Store) CountTables(ctx context.Context, sites []string) error {
	for _, site := range sites {
		if err := s.insertRow(ctx, "Store.CountTables", "site-"+site, map[string]any{"site": site}); err != nil {
			return classify("count tables", err)
		}
	}
	return nil
}

// Cells are the texts of all cells that have visits on a day, or that the days of a span have folded, in
// order of their id.
func (s *Store) Cells(ctx context.Context, of throng.Period) ([]throng.CellKey, error) {
	queries := []string{"Store.Cells", "Store.Cells.tables"}
	if of.Kind() == throng.SpanPeriod {
		queries = []string{"Store.Cells.folded"}
	}
	var cells []throng.CellKey
	for _, query := range queries {
		p := params{"first": of.First(), "last": of.Last()}
		if query == "Store.Cells.tables" {
			p["k0"], p["k1"] = s.tableKey[0], s.tableKey[1]
		}
		err := s.each(ctx, query, p, func(rows chdriver.Rows) error {
			var c throng.CellKey
			var id uint64
			err := rows.Scan(&id, &c.Site, &c.Table, &c.Key, &c.Holder)
			c.Cell = throng.CellID(id)
			cells = append(cells, c)
			return err
		})
		if err != nil {
			return nil, classify("read cells", err)
		}
	}
	slices.SortFunc(cells, func(a, b throng.CellKey) int { return cmp.Compare(a.Cell, b.Cell) })
	return cells, nil
}

// A range of about rangeRows rows is read and put in order at a time, in some 70 MB. More than
// maxRanges would read too much for nothing: of every part at least one granule is read for each range.
const (
	rangeRows = 1 << 20
	maxRanges = 256
)

// Units calls yield with the open units of a day, or the folded ones of a span, whose token is between lo
// and hi, both included, ordered by (Unit, Cell) within and across batches. The same (Unit, Cell) can come more than once; its
// visits add up. A unit is never split between batches. A batch belongs to yield until it returns. An
// error of yield ends the call and is returned as it is.
//
// Rows are put in order here and not by ORDER BY, which costs a third more when the day has many parts
// (docs/adr/0002-store-schema.md). Tokens are taken to be spread evenly; where they are not, a range
// needs more memory.
func (s *Store) Units(ctx context.Context, of throng.Period, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	steps, tables, err := s.rangesOf(ctx, of)
	if err != nil {
		return classify("read units", err)
	}
	width := ^throng.UnitToken(0) / throng.UnitToken(steps)
	var sorter unitSorter
	for from := lo; ; {
		to := hi
		if hi-from > width {
			to = from + width
		}
		if err := s.readUnits(ctx, tables, of, from, to, &sorter); err != nil {
			return classify("read units", err)
		}
		if rows := sorter.sort(from, to); len(rows.Unit) > 0 {
			if err := yield(rows); err != nil {
				return err
			}
		}
		if to == hi {
			return nil
		}
		from = to + 1
	}
}

// unitTables are the tables that hold a period's units.
func unitTables(of throng.Period) [2]string {
	if of.Kind() == throng.SpanPeriod {
		return [2]string{tableFoldedUnits}
	}
	return [2]string{tableOpenUnits, tableTableUnits}
}

// rangesOf is the number of equal parts of the token space in which there are about rangeRows rows, and
// the tables in which there are any. A row of table_units makes one for each further table.
func (s *Store) rangesOf(ctx context.Context, of throng.Period) (steps uint64, from []string, err error) {
	tables := unitTables(of)
	p := params{"one": tables[0], "other": tables[1], "first": partitionOf(of.First()), "last": partitionOf(of.Last())}
	err = s.each(ctx, "Store.Units.count", p, func(r chdriver.Rows) error {
		var table string
		var n uint64
		err := r.Scan(&table, &n)
		if table == tableTableUnits {
			n *= uint64(len(throng.FurtherTables()))
		}
		from = append(from, table)
		steps += n
		return err
	})
	return min(steps/rangeRows, maxRanges) + 1, from, err
}

// unitsSettings keep a range to one thread: ranges are read at the same time by several callers.
var unitsSettings = driver.Settings{"max_threads": 1}

// readUnits fills the sorter with the rows of a range.
func (s *Store) readUnits(ctx context.Context, tables []string, of throng.Period, lo, hi throng.UnitToken, sorter *unitSorter) error {
	sorter.reset()
	for _, table := range tables {
		p := params{"first": of.First(), "last": of.Last(), "lo": uint64(lo), "hi": uint64(hi)}
		query := "Store.Units"
		if table == tableTableUnits {
			query, p["k0"], p["k1"] = "Store.Units.tables", s.tableKey[0], s.tableKey[1]
		} else {
			p["table"] = table
		}
		if err := s.readRows(ctx, query, p, sorter); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) readRows(ctx context.Context, query string, p params, sorter *unitSorter) error {
	ctx = driver.Context(ctx, driver.WithSettings(unitsSettings))
	body, err := s.conn.QueryFormat(ctx, "Native", statement(query), p.args()...)
	if err != nil {
		return err
	}
	defer body.Close()
	var b unitBatch
	for r := proto.NewReader(body); ; {
		if err := b.read(r); err != nil {
			if errors.Is(err, errEnd) {
				return nil
			}
			return err
		}
		sorter.add(&b)
	}
}

// unitBatch is a block of the result of Store.Units.sql; its memory is reused.
type unitBatch struct {
	unit, cell, network proto.ColUInt64
	optedOut            proto.ColBool
	visits              proto.ColUInt32
}

// errEnd is the end of a result between two blocks; an end anywhere else is a loss.
var errEnd = errors.New("end of result")

func (b *unitBatch) read(r *proto.Reader) error {
	columns := proto.Results{
		{Name: "unit", Data: &b.unit}, {Name: "cell", Data: &b.cell},
		{Name: "opted_out", Data: &b.optedOut}, {Name: "visits", Data: &b.visits},
		{Name: "network", Data: &b.network},
	}
	for _, c := range columns {
		c.Data.Reset()
	}
	var block proto.Block
	err := block.DecodeRawBlock(r, 0, columns)
	if block.Columns == 0 && errors.Is(err, io.EOF) {
		return errEnd
	}
	return err
}

// DropUnits drops a day's open units, or the folded ones of a span, and the texts of its cells. When it
// returns nil no such unit token of the period is left in any file of the store.
func (s *Store) DropUnits(ctx context.Context, of throng.Period) error {
	tables := []string{tableOpenUnits, tableTableUnits, tableCells}
	if of.Kind() == throng.SpanPeriod {
		tables = []string{tableFoldedUnits, tableFoldedCells}
	}
	for day := of.First(); day <= of.Last(); day++ {
		for _, table := range tables {
			if err := s.dropPartition(ctx, table, partitionOf(day)); err != nil {
				return classify("drop units", err)
			}
		}
	}
	return nil
}
