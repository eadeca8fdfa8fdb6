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

// Cells are the texts of all cells that have visits on a day, in order of their id.
func (s *Store) Cells(ctx context.Context, day throng.Day) ([]throng.CellKey, error) {
	var cells []throng.CellKey
	err := s.each(ctx, "Store.Cells", params{"day": day}, func(rows chdriver.Rows) error {
		var c throng.CellKey
		var id uint64
		err := rows.Scan(&id, &c.Site, &c.Table, &c.Key)
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

// Units calls yield with the open units of a day whose token is between lo and hi, both included,
// ordered by (Unit, Cell) within and across batches. The same (Unit, Cell) can come more than once; its
// visits add up. A unit is never split between batches. A batch belongs to yield until it returns. An
// error of yield ends the call and is returned as it is.
//
// Rows are put in order here and not by ORDER BY, which costs a third more when the day has many parts
// (docs/adr/0002-store-schema.md). Tokens are taken to be spread evenly; where they are not, a range
// needs more memory.
func (s *Store) Units(ctx context.Context, day throng.Day, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	steps, err := s.rangesOf(ctx, day)
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
		if err := s.readUnits(ctx, day, from, to, &sorter); err != nil {
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
func (s *Store) rangesOf(ctx context.Context, day throng.Day) (steps uint64, err error) {
	err = s.each(ctx, "Store.Units.count", params{"partition": partitionOf(day)}, func(rows chdriver.Rows) error {
		return rows.Scan(&steps)
	})
	return min(steps/rangeRows, maxRanges) + 1, err
}

// unitsSettings keep a range to one thread: ranges are read at the same time by several callers.
var unitsSettings = driver.Settings{"max_threads": 1}

// readUnits fills the sorter with the rows of a range.
func (s *Store) readUnits(ctx context.Context, day throng.Day, lo, hi throng.UnitToken, sorter *unitSorter) error {
	sorter.reset()
	ctx = driver.Context(ctx, driver.WithSettings(unitsSettings))
	args := params{"day": day, "lo": uint64(lo), "hi": uint64(hi)}.args()
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
	unit, cell proto.ColUInt64
	optedOut   proto.ColBool
	visits     proto.ColUInt32
}

// errEnd is the end of a result between two blocks; an end anywhere else is a loss.
var errEnd = errors.New("end of result")

func (b *unitBatch) read(r *proto.Reader) error {
	columns := proto.Results{
		{Name: "unit", Data: &b.unit}, {Name: "cell", Data: &b.cell},
		{Name: "opted_out", Data: &b.optedOut}, {Name: "visits", Data: &b.visits},
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

// DropUnits drops a day's open units and the texts of its cells. When it returns nil no unit token of
// the day is left in any file of the store.
func (s *Store) DropUnits(ctx context.Context, day throng.Day) error {
	for _, table := range []string{tableOpenUnits, tableCells} {
		if err := s.dropPartition(ctx, table, partitionOf(day)); err != nil {
			return classify("drop units", err)
		}
	}
	return nil
}
