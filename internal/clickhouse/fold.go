package clickhouse

import (
	"context"
	"maps"
	"slices"
	"sync"
	"unsafe"

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
		if err := s.emptyPartition(ctx, table, partitionOf(day)); err != nil {
			return classify("fold units", err)
		}
	}
	if err := s.foldCells(ctx, day, cells); err != nil {
		return classify("fold units", err)
	}
	// A day's rows are thirty times what a batch is: encoding each into memory of its own would leave that much
	// behind at a time when most memory is in use.
	batches := sync.Pool{New: func() any { return new(foldBatch) }}
	return rows(func(r throng.UnitRows) error {
		b := batches.Get().(*foldBatch)
		defer batches.Put(b)
		return classify("fold units", s.foldUnits(ctx, day, r, b))
	})
}

// foldBatch is the memory of a batch of rows on its way into the store.
type foldBatch struct {
	days    proto.ColDate
	encoded proto.Buffer
}

func (s *Store) foldCells(ctx context.Context, day throng.Day, cells []throng.CellKey) error {
	var days proto.ColDate
	var ids proto.ColUInt64
	var key, holder proto.ColStr
	var b proto.Buffer
	for batch := range slices.Chunk(cells, foldedCells) {
		site, table := new(proto.ColStr).LowCardinality(), new(proto.ColStr).LowCardinality()
		days.Reset()
		ids.Reset()
		key.Reset()
		holder.Reset()
		for _, c := range batch {
			days, ids = append(days, proto.Date(day)), append(ids, uint64(c.Cell))
			site.Append(c.Site)
			table.Append(c.Table)
			key.Append(c.Key)
			holder.Append(c.Holder)
		}
		err := insertNative(ctx, s.home(), "Store.Fold.cells", proto.Input{
			{Name: "day", Data: &days}, {Name: "site", Data: site}, {Name: "cell", Data: &ids},
			{Name: "table", Data: table}, {Name: "key", Data: &key}, {Name: "holder", Data: &holder},
		}, len(batch), &b)
		if err != nil {
			return err
		}
	}
	return nil
}

// foldedCells is the number of cells that are inserted at a time.
const foldedCells = 1 << 15

// foldedBytes is about how long an encoded row is; that of a cell is longer.
const foldedBytes = 32

func (s *Store) foldUnits(ctx context.Context, day throng.Day, r throng.UnitRows, b *foldBatch) error {
	n := len(r.Unit)
	if n == 0 {
		return nil
	}
	for len(b.days) < n {
		b.days = append(b.days, proto.Date(day))
	}
	days := b.days[:n]
	units := proto.ColUInt64(unsafe.Slice((*uint64)(unsafe.SliceData(r.Unit)), n)) // the same numbers by other names
	cells := proto.ColUInt64(unsafe.Slice((*uint64)(unsafe.SliceData(r.Cell)), n))
	optedOut, visits, network := proto.ColBool(r.OptedOut), proto.ColUInt32(r.Visits), proto.ColUInt64(r.Network)
	sh := s.shards[uint64(r.Unit[0])%uint64(len(s.shards))] // any: all are read
	return insertNative(ctx, sh, "Store.Fold.units", proto.Input{
		{Name: "day", Data: &days}, {Name: "unit", Data: &units}, {Name: "opted_out", Data: &optedOut},
		{Name: "cell", Data: &cells}, {Name: "visits", Data: &visits}, {Name: "network", Data: &network},
	}, n, &b.encoded)
}

// insertNative inserts columns of n rows with the named statement. They are encoded into b.
func insertNative(ctx context.Context, sh *shard, name string, columns proto.Input, n int, b *proto.Buffer) error {
	b.Reset()
	b.Buf = slices.Grow(b.Buf, n*foldedBytes)
	block := proto.Block{Columns: len(columns), Rows: n}
	if err := block.EncodeRawBlock(b, 0, columns); err != nil {
		return err
	}
	return sh.insert(ctx, name, "Native", b.Buf)
}
