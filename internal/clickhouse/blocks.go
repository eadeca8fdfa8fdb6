package clickhouse

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// maxBlockRows and maxBlockBytes are above the largest block, so that one is never cut or joined on its
// way in: deduplication compares whole chunks, and a retry that is cut differently counts twice.
//
// blockColumns is the number of columns of events_in, of which blocks of an earlier version lack the last. The
// server would fill any that is missing by default.
const (
	blockColumns  = 19
	maxBlockRows  = 4 << 20
	maxBlockBytes = 1 << 30
)

// insertSettings make an insert one synchronous chunk whose token its targets remember.
var insertSettings = driver.Settings{
	"async_insert":       0,
	"insert_deduplicate": 1,
	"deduplicate_blocks_in_dependent_materialized_views": 1,
	"max_block_size":                             maxBlockRows,
	"max_insert_block_size":                      maxBlockRows,
	"min_insert_block_size_rows":                 maxBlockRows,
	"min_insert_block_size_bytes":                maxBlockBytes,
	"max_insert_threads":                         1,
	"max_threads":                                1,
	"parallel_view_processing":                   0,
	"input_format_native_allow_types_conversion": 0,
	"input_format_parallel_parsing":              0,
	"optimize_on_insert":                         0,
	"throw_on_max_partitions_per_insert_block":   1,
	"max_partitions_per_insert_block":            16,
}

func insertContext(ctx context.Context, token string) context.Context {
	settings := maps.Clone(insertSettings)
	settings["insert_deduplication_token"] = token
	return driver.Context(ctx, driver.WithSettings(settings))
}

// InsertBlock inserts a block of events: native is one block in ClickHouse's Native format at revision
// 0 with the columns of events_in and this number of rows, at least 1; new_cell, the last column, may be
// missing, and is then what visit is. A nil error means that the events are in every table, once, however
// often the block was inserted before.
//
// Errors: [throng.Retryable] where the same call may succeed; then it must be made again with the same
// bytes until it does, because some tables may have the block already.
func (s *Store) InsertBlock(ctx context.Context, id throng.BlockID, rows int, native []byte) error {
	columns, err := checkNative(native, rows)
	if err != nil {
		return fmt.Errorf("insert block: %w", err)
	}
	name := "Store.InsertBlock"
	if columns < blockColumns {
		name = "Store.InsertBlock.before"
	}
	err = s.shardOf(id).insert(insertContext(ctx, id.String()), name, "Native", native)
	return classify("insert block", err)
}

// checkNative compares the head of a Native block with what the caller says of it, and gives the number of
// its columns. The server checks the rest, but it would insert nothing without an error where there is nothing.
func checkNative(native []byte, rows int) (columns uint64, err error) {
	columns, n := binary.Uvarint(native)
	if n <= 0 || rows <= 0 {
		return 0, errors.New("the block is empty")
	}
	has, m := binary.Uvarint(native[n:])
	if m <= 0 || columns != blockColumns && columns != blockColumns-1 {
		return 0, fmt.Errorf("not a block of %d columns in Native format", blockColumns)
	}
	if has != uint64(rows) {
		return 0, fmt.Errorf("the block has %d rows, not %d", has, rows)
	}
	return columns, nil
}

func (sh *shard) insert(ctx context.Context, name, format string, data []byte) error {
	return sh.use(func(c chdriver.Conn) error {
		return c.InsertFormat(ctx, format, statement(name), bytes.NewReader(data))
	})
}

// insertRow inserts one row, given by column, into the table of the named statement. The same token is
// inserted once.
func (sh *shard) insertRow(ctx context.Context, name, token string, row map[string]any) error {
	b, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return sh.insert(insertContext(ctx, token), name, "JSONEachRow", b)
}

// RecordBlock notes that a block is dealt with: inserted, or counted as late, or empty. A block that is
// recorded again counts once.
func (s *Store) RecordBlock(ctx context.Context, h throng.BlockHeader) error {
	row := map[string]any{
		"token": h.BlockID.String(), "source": h.Source.String(), "feed": h.Feed, "day": h.Day.String(),
		"start": h.Start, "end": h.End, "rows": h.Rows, "rejected": h.Rejected, "late": h.Late, "watermark": 0,
	}
	if !h.Watermark.IsZero() {
		row["watermark"] = h.Watermark.Unix() // a second early at most, never late
	}
	return classify("record block", s.shardOf(h.BlockID).insertRow(ctx, "Store.RecordBlock", h.BlockID.String(), row))
}
