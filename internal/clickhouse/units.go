package clickhouse

import (
	"context"
	"errors"
	"io"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// Cells are the texts of all cells that have visits on a day, or that the days of a span have folded, in
// order of their id.
func (s *Store) Cells(ctx context.Context, of throng.Period) ([]throng.CellKey, error) {
	var cells []throng.CellKey
	query := "Store.Cells"
	if of.Kind() == throng.SpanPeriod {
		query = "Store.Cells.folded"
	}
	err := s.each(ctx, query, params{"first": of.First(), "last": of.Last()}, func(rows chdriver.Rows) error {
		var c throng.CellKey
		var id uint64
		err := rows.Scan(&id, &c.Site, &c.Table, &c.Key, &c.Holder)
		c.Cell = throng.CellID(id)
		cells = append(cells, c)
		return err
	})
	return cells, classify("read cells", err)
}

// A range of about rangeRows rows is read and put in order at a time, in some 70 MB. More than
// maxRanges would read too much for nothing: of every part at least one granule is read for each range.
const (
	rangeRows = 1 << 20
	maxRanges = 256
)

// unitsOf is the table that holds the units of a day, or those that the days of a span have folded.
func unitsOf(p throng.Period) string {
	if p.Kind() == throng.SpanPeriod {
		return tableFoldedUnits
	}
	return tableOpenUnits
}

// Units calls yield with the open units of a day, or the folded ones of a span, whose token is between lo
// and hi, both included, ordered by (Unit, Cell) within and across batches. The same (Unit, Cell) can come more than once; its
// visits add up. A unit is never split between batches. A batch belongs to yield until it returns. An
// error of yield ends the call and is returned as it is.
//
// Rows are put in order here and not by ORDER BY, which costs a third more when the day has many parts
// (docs/adr/0002-store-schema.md). Tokens are taken to be spread evenly; where they are not, a range
// needs more memory.
func (s *Store) Units(ctx context.Context, of throng.Period, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	steps, err := s.rangesOf(ctx, of)
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
		if err := s.readUnits(ctx, of, from, to, &sorter); err != nil {
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

// rangesOf is the number of equal parts of the token space in which there are about rangeRows rows.
func (s *Store) rangesOf(ctx context.Context, of throng.Period) (steps uint64, err error) {
	p := params{"table": unitsOf(of), "first": partitionOf(of.First()), "last": partitionOf(of.Last())}
	err = s.each(ctx, "Store.Units.count", p, func(rows chdriver.Rows) error {
		return rows.Scan(&steps)
	})
	return min(steps/rangeRows, maxRanges) + 1, err
}

// unitsSettings keep a range to one thread: ranges are read at the same time by several callers.
var unitsSettings = driver.Settings{"max_threads": 1}

// readUnits fills the sorter with the rows of a range.
func (s *Store) readUnits(ctx context.Context, of throng.Period, lo, hi throng.UnitToken, sorter *unitSorter) error {
	sorter.reset()
	ctx = driver.Context(ctx, driver.WithSettings(unitsSettings))
	args := params{"table": unitsOf(of), "first": of.First(), "last": of.Last(), "lo": uint64(lo), "hi": uint64(hi)}.args()
	body, err := s.conn.QueryFormat(ctx, "Native", statement("Store.Units"), args...)
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
	tables := []string{tableOpenUnits, tableCells}
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
