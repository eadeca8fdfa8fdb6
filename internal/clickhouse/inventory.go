package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	chdriver "github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throng"
)

// StoreName is the Store of the items that this package lists.
const StoreName = "clickhouse"

const (
	tableEvents    = "events"
	tableOpenUnits = "open_units"
	tableCells     = "cells"
	tableBlocks    = "blocks"
	tableMarks     = "marks"

	tableFoldedUnits = "folded_units"
	tableFoldedCells = "folded_cells"
	tableTableUnits  = "table_units"
)

// dated are the tables that hold days, each with the column that tells the time of a row.
var dated = map[string]string{
	tableEvents: "time", tableOpenUnits: "day", tableCells: "day", tableBlocks: "day", tableMarks: "day",
	tableFoldedUnits: "day", tableFoldedCells: "day", tableTableUnits: "day",
}

// partitionOf is the id of a day's partition in the tables that are partitioned by day alone.
func partitionOf(day throng.Day) string { return strings.ReplaceAll(day.String(), "-", "") }

// detached stands in an item's name in place of a partition.
const detached = "detached"

// Items lists every partition of every table that holds days, whether its parts are in use or were
// replaced by a merge and not yet removed, and every detached part. Names are TABLE/PARTITION-ID and
// TABLE/detached/PART. Oldest is left zero: see Store.Oldest. A detached part whose name the server
// cannot read gets day 0, so that it is older than any limit.
func (s *Store) Items(ctx context.Context) ([]throng.Item, error) {
	var items []throng.Item
	scan := func(rows chdriver.Rows) error {
		var table, partition, part string
		it := throng.Item{Store: StoreName}
		if err := rows.Scan(&table, &partition, &part, &it.Rows, &it.Bytes); err != nil {
			return err
		}
		if _, ok := dated[table]; !ok {
			return nil
		}
		it.Name = table + "/" + partition
		if part != "" {
			it.Name = table + "/" + detached + "/" + part
		}
		it.Class, it.Day = classAndDay(table, partition)
		items = append(items, it)
		return nil
	}
	if err := s.each(ctx, "Store.Items", nil, scan); err != nil {
		return nil, classify("list partitions", err)
	}
	return items, nil
}

// classAndDay reads a partition's id: YYYYMMDD, behind 0- (standard) or 1- (opted out) in events. What
// cannot be read is of the strictest class and of day 0.
func classAndDay(table, partition string) (throng.Class, throng.Day) {
	class, date := throng.ClassStandard, partition
	switch table {
	case tableOpenUnits, tableTableUnits, tableCells:
		class = throng.ClassOpenUnits
	case tableFoldedUnits, tableFoldedCells:
		class = throng.ClassFoldedUnits
	case tableEvents:
		flag, rest, _ := strings.Cut(partition, "-")
		if date = rest; flag != "0" {
			class = throng.ClassOptedOut
		}
	}
	t, err := time.Parse("20060102", date)
	if err != nil {
		return class, 0
	}
	return class, throng.DayOf(t)
}

const codeNoSuchPart = 233 // BAD_DATA_PART_NAME

// DropItem drops what an item of [Store.Items] names. An item that is gone already is no error.
func (s *Store) DropItem(ctx context.Context, it throng.Item) error {
	table, partition, part, err := parseName(it.Name)
	if err != nil {
		return fmt.Errorf("drop item: %w", err)
	}
	if part != "" {
		err = s.exec(ctx, "Store.DropItem.detached", params{"table": table, "part": part})
		var e *Exception
		if errors.As(err, &e) && e.Code == codeNoSuchPart {
			return nil
		}
	} else {
		err = s.dropPartition(ctx, table, partition)
	}
	return classify("drop item", err)
}

func (s *Store) dropPartition(ctx context.Context, table, partition string) error {
	return s.exec(ctx, "Store.DropItem", params{"table": table, "partition": partition})
}

// Oldest reads the time of the oldest row of a partition: the event's in events, the start of the day
// elsewhere. Zero where it has no rows, and for detached parts, which cannot be read.
func (s *Store) Oldest(ctx context.Context, it throng.Item) (oldest time.Time, err error) {
	table, partition, part, err := parseName(it.Name)
	if err != nil {
		return time.Time{}, fmt.Errorf("read oldest row: %w", err)
	}
	if part != "" {
		return time.Time{}, nil
	}
	p := params{"table": table, "column": dated[table], "partition": partition}
	err = s.each(ctx, "Store.Oldest", p, func(rows chdriver.Rows) error {
		var count uint64
		var seconds int64
		err := rows.Scan(&count, &seconds)
		if count > 0 {
			oldest = time.Unix(seconds, 0).UTC()
		}
		return err
	})
	return oldest, classify("read oldest row", err)
}

var safeName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// parseName reads what Items writes and refuses everything else: names go into ALTER statements.
func parseName(name string) (table, partition, part string, err error) {
	f := strings.Split(name, "/")
	if slices.ContainsFunc(f, func(s string) bool { return !safeName.MatchString(s) }) {
		return "", "", "", errors.New("not the name of a partition")
	}
	if _, ok := dated[f[0]]; !ok {
		return "", "", "", errors.New("no such table")
	}
	switch {
	case len(f) == 2 && f[1] != detached:
		return f[0], f[1], "", nil
	case len(f) == 3 && f[1] == detached:
		return f[0], "", f[2], nil
	}
	return "", "", "", errors.New("not the name of a partition")
}
