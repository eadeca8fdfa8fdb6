package clickhouse

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"unique"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"
	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// CountTables keeps from now on what further tables of these sites count by. The table units of other
// sites are not kept, and those of a site are from the first block after the call.
func (s *Store) CountTables(ctx context.Context, sites []string) error {
	for _, site := range sites {
		err := s.onEachShard(func(sh *shard) error {
			return sh.insertRow(ctx, "Store.CountTables", "site-"+site, map[string]any{"site": site})
		})
		if err != nil {
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
		var b cellBatch
		err := s.readNative(ctx, query, nil, p, b.read, func() error {
			cells = b.appendTo(cells)
			return nil
		})
		if err != nil {
			return nil, classify("read cells", err)
		}
	}
	slices.SortFunc(cells, func(a, b throng.CellKey) int { return cmp.Compare(a.Cell, b.Cell) })
	return slices.CompactFunc(cells, func(a, b throng.CellKey) bool { return a.Cell == b.Cell }), nil // each shard has its own
}

// cellBatch is a block of the texts of cells; its memory is reused.
type cellBatch struct {
	cell                     proto.ColUInt64
	site, table, key, holder proto.ColStr
}

func (b *cellBatch) read(r *proto.Reader) error {
	return readBlock(r, proto.Results{
		{Name: "cell", Data: &b.cell}, {Name: "site", Data: &b.site}, {Name: "table", Data: &b.table},
		{Name: "key", Data: &b.key}, {Name: "holder", Data: &b.holder},
	})
}

// appendTo adds the block's cells. Their keys share one string; all else repeats and is kept once.
func (b *cellBatch) appendTo(cells []throng.CellKey) []throng.CellKey {
	keys := string(b.key.Buf)
	for i, id := range b.cell {
		at := b.key.Pos[i]
		cells = append(cells, throng.CellKey{
			Cell: throng.CellID(id), Key: keys[at.Start:at.End],
			Site: unique.Make(b.site.Row(i)).Value(), Table: unique.Make(b.table.Row(i)).Value(), Holder: unique.Make(b.holder.Row(i)).Value(),
		})
	}
	return cells
}

// CountUnits is the number of rows that Units yields for all units of a day or a span. A row of table_units
// is one for each further table.
func (s *Store) CountUnits(ctx context.Context, of throng.Period) (rows uint64, err error) {
	tables := unitTables(of)
	p := params{"one": tables[0], "other": tables[len(tables)-1], "first": partitionOf(of.First()), "last": partitionOf(of.Last())}
	err = s.each(ctx, "Store.CountUnits", p, func(r chdriver.Rows) error {
		var table string
		var n uint64
		err := r.Scan(&table, &n)
		if table == tableTableUnits {
			n *= uint64(len(throng.FurtherTables()))
		}
		rows += n
		return err
	})
	return rows, classify("count units", err)
}

// unitTables are the tables that hold a period's units.
func unitTables(of throng.Period) []string {
	if of.Kind() == throng.SpanPeriod {
		return []string{tableFoldedUnits}
	}
	return []string{tableOpenUnits, tableTableUnits}
}

// Units calls yield with the open units of a day, or the folded ones of a span, whose token is between lo
// and hi, both included, in no order (docs/adr/0002-store-schema.md: putting them in order costs the store more
// than it does whoever counts them). The same (Unit, Cell) can come more than once; its visits add up. A batch
// belongs to yield until it returns. An error of yield ends the call and is returned as it is.
//
// Every call looks at all parts of the period, and reads whole granules of each: ranges should be few, and some
// of the rows are of units of the period below lo or above hi, which the caller leaves out. It has a look at the
// tokens anyway, and for the engine a filter is a copy of everything (docs/adr/0020-close-in-less-time.md).
func (s *Store) Units(ctx context.Context, of throng.Period, lo, hi throng.UnitToken, yield func(throng.UnitRows) error) error {
	queries := []string{"Store.Units", "Store.Units.tables"}
	if of.Kind() == throng.SpanPeriod {
		queries = []string{"Store.Units.folded"}
	}
	for _, query := range queries {
		p := params{"first": of.First(), "last": of.Last(), "lo": uint64(lo), "hi": uint64(hi)}
		if query == "Store.Units.tables" {
			p["k0"], p["k1"] = s.tableKey[0], s.tableKey[1]
		}
		if err := s.readRows(ctx, query, p, yield); err != nil {
			return err
		}
	}
	return nil
}

// unitsSettings keep a range to one thread, since ranges are read at the same time by several callers. The
// partition is all that is asked of a row, and the same for a whole part. By default a block is cut at 1 MB, which is half of what a part has in a range.
var unitsSettings = driver.Settings{"max_threads": 1, "optimize_move_to_prewhere": 0, "preferred_block_size_bytes": 0}

func (s *Store) readRows(ctx context.Context, query string, p params, yield func(throng.UnitRows) error) error {
	b := unitBatch{ones: query != "Store.Units.folded"}
	var stopped error
	err := s.readNative(ctx, query, unitsSettings, p, b.read, func() error {
		stopped = yield(b.rows())
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return classify("read units", err)
}

// readNative runs the named query on every shard and calls take for every block that read has read.
//
// Of a server's result the driver searches every byte for an error in its midst. An engine in this process ends the
// result with the error, so that it need not: that is what the driver takes wait_end_of_query for.
func (s *Store) readNative(ctx context.Context, query string, settings driver.Settings, p params, read func(*proto.Reader) error, take func() error) error {
	if s.embedded {
		whole := driver.Settings{"wait_end_of_query": 1}
		maps.Copy(whole, settings)
		settings = whole
	}
	ctx = driver.Context(ctx, driver.WithSettings(settings))
	text := statement(query)
	return s.settled(ctx, text, p, func(c chdriver.Conn) error { return eachBlock(ctx, c, text, p, read, take) })
}

func eachBlock(ctx context.Context, c chdriver.Conn, text string, p params, read func(*proto.Reader) error, take func() error) error {
	body, err := c.QueryFormat(ctx, "Native", text, p.args()...)
	if err != nil {
		return err
	}
	defer body.Close()
	for r := proto.NewReader(body); ; {
		if err := read(r); err != nil {
			if errors.Is(err, errEnd) {
				return nil
			}
			return err
		}
		if err := take(); err != nil {
			return err
		}
	}
}

// unitBatch is a block of the result; its memory is reused.
type unitBatch struct {
	unit, cell, network proto.ColUInt64
	optedOut            proto.ColBool
	visits              proto.ColUInt32
	// ones says that each row is one visit, as it is before a day has bounded and folded them: a column that
	// need not be read.
	ones bool
}

// rows are the block's columns themselves: tokens and cells are 64-bit numbers by other names.
func (b *unitBatch) rows() throng.UnitRows {
	n := len(b.unit)
	for b.ones && len(b.visits) < n {
		b.visits = append(b.visits, 1)
	}
	return throng.UnitRows{
		Unit:     unsafe.Slice((*throng.UnitToken)(unsafe.SliceData(b.unit)), n),
		Cell:     unsafe.Slice((*throng.CellID)(unsafe.SliceData(b.cell)), n),
		OptedOut: b.optedOut, Visits: b.visits[:n], Network: b.network,
	}
}

// errEnd is the end of a result between two blocks; an end anywhere else is a loss.
var errEnd = errors.New("end of result")

func (b *unitBatch) read(r *proto.Reader) error {
	columns := proto.Results{
		{Name: "unit", Data: &b.unit}, {Name: "cell", Data: &b.cell},
		{Name: "opted_out", Data: &b.optedOut}, {Name: "network", Data: &b.network},
	}
	if !b.ones {
		columns = append(columns, proto.ResultColumn{Name: "visits", Data: &b.visits})
	}
	return readBlock(r, columns)
}

// readBlock reads the next block into columns.
func readBlock(r *proto.Reader, columns proto.Results) error {
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

// DropUnits drops a day's open units, those of bots among them, or the folded ones of a span, and the texts of its cells. When it
// returns nil no such unit token of the period is left in any file of the store.
func (s *Store) DropUnits(ctx context.Context, of throng.Period) error {
	tables := []string{tableOpenUnits, tableTableUnits, tableBotUnits, tableCells}
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
