package clickhouse

import (
	"context"
	"errors"
	"io"
	"unsafe"

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

// unitsSettings read one range in the order in which it is stored, in one thread: ranges are read at
// the same time by several callers.
var unitsSettings = driver.Settings{"max_threads": 1, "optimize_read_in_order": 1, "max_block_size": 65409}

// Units calls yield with the open units of a day whose token is between lo and hi, both included,
// ordered by (Unit, Cell). The same (Unit, Cell) can come more than once, also across batches; its
// visits add up. A batch belongs to yield until it returns. An error of yield ends the call and is
// returned as it is.
func (s *Store) Units(ctx context.Context, day throng.Day, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	ctx, cancel := context.WithCancel(driver.Context(ctx, driver.WithSettings(unitsSettings)))
	defer cancel() // ends a query that yield did not want to see the end of
	args := params{"day": day, "lo": uint64(lo), "hi": uint64(hi)}.args()
	body, err := s.conn.QueryFormat(ctx, "Native", statement("Store.Units"), args...)
	if err != nil {
		return classify("read units", err)
	}
	defer body.Close()
	var b unitBatch
	for r := proto.NewReader(body); ; {
		rows, err := b.read(r)
		if err == errEnd {
			return nil
		}
		if err != nil {
			return classify("read units", err)
		}
		if err := yield(rows); err != nil {
			return err
		}
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

func (b *unitBatch) read(r *proto.Reader) (throng.UnitRows, error) {
	var block proto.Block
	columns := proto.Results{
		{Name: "unit", Data: &b.unit}, {Name: "cell", Data: &b.cell},
		{Name: "opted_out", Data: &b.optedOut}, {Name: "visits", Data: &b.visits},
	}
	for _, c := range columns {
		c.Data.Reset()
	}
	if err := block.DecodeRawBlock(r, 0, columns); err != nil {
		if block.Columns == 0 && errors.Is(err, io.EOF) {
			err = errEnd
		}
		return throng.UnitRows{}, err
	}
	return throng.UnitRows{
		Unit: sameBits[throng.UnitToken](b.unit), Cell: sameBits[throng.CellID](b.cell),
		OptedOut: b.optedOut, Visits: b.visits,
	}, nil
}

// sameBits gives a column the type that the rooms use. A copy would cost a fifth of the read.
func sameBits[T ~uint64](column []uint64) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(column))), len(column))
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
