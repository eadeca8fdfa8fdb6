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
	tableBotUnits    = "bot_units"
	tableHeld        = "held"
)

// systemDatabase is where ClickHouse keeps its own logs. In items' names its tables stand behind it.
const systemDatabase = "system"

// table says how retention sees a table of Throng's own.
type table struct {
	class throng.Class
	// time is the column that tells the time of a row; empty in tables that are kept.
	time string
	// partition reads the id of a partition into what the item is. Defaults to YYYYMMDD, the event day.
	partition func(id string, it *throng.Item) error
}

// tables are all that Throng makes. A table that is not in here is unclassified.
var tables = map[string]table{
	tableEvents:      {throng.ClassStandard, "time", classAndDay},
	tableBlocks:      {throng.ClassStandard, "day", nil},
	tableMarks:       {throng.ClassStandard, "day", nil},
	tableOpenUnits:   {throng.ClassOpenUnits, "day", nil},
	tableTableUnits:  {throng.ClassOpenUnits, "day", nil},
	tableBotUnits:    {throng.ClassOpenUnits, "day", nil},
	tableCells:       {throng.ClassOpenUnits, "day", nil},
	tableFoldedUnits: {throng.ClassFoldedUnits, "day", nil},
	tableFoldedCells: {throng.ClassFoldedUnits, "day", nil},
	tableHeld:        {throng.ClassHeld, "ordered", ofHold},
	"releases":       {throng.ClassReleases, "", nil},
	"table_sites":    {throng.ClassState, "", nil},
	"schema_steps":   {throng.ClassState, "", nil},
}

// partitionOf is the id of a day's partition in the tables that are partitioned by day alone.
func partitionOf(day throng.Day) string { return strings.ReplaceAll(day.String(), "-", "") }

// eventDay reads the id of a partition: YYYYMMDD.
func eventDay(id string, it *throng.Item) error {
	t, err := time.Parse("20060102", id)
	if err == nil {
		it.Day = throng.DayOf(t)
	}
	return err
}

// classAndDay reads the id of a partition of events: YYYYMMDD behind 0- (standard) or 1- (opted out). What
// cannot be read is of the stricter class.
func classAndDay(id string, it *throng.Item) error {
	flag, date, _ := strings.Cut(id, "-")
	if flag != "0" {
		it.Class = throng.ClassOptedOut
	}
	return eventDay(date, it)
}

// detached stands in an item's name in place of a partition.
const detached = "detached"

// Items lists what the server has in the store's database, whoever made it: the partitions of tables, with
// the parts that a merge replaced; detached parts; the texts of mutations; dropped tables that are not
// removed yet; and backups. It also lists those of the server's own logs that can hold the text of
// statements. Names are TABLE/PARTITION-ID, TABLE/detached/PART, and TABLE/KIND/ID for the rest; the
// tables of the server's logs stand behind "system.". What several servers of a cluster have of one name is one
// item, and each of them has to answer. What has no day that can be read gets day 0, so that
// it is older than any limit. Frozen copies (shadow) cannot be asked for in SQL: look at the files.
func (s *Store) Items(ctx context.Context) ([]throng.Item, error) {
	var items []throng.Item
	at := map[string]int{} // of items by kind and name
	scan := func(rows chdriver.Rows) error {
		var kind, table, partition, part string
		var since int64
		it := throng.Item{Store: StoreName}
		if err := rows.Scan(&kind, &table, &partition, &part, &it.Rows, &it.Bytes, &since); err != nil {
			return err
		}
		it.Kind = throng.ItemKind(kind)
		describe(&it, table, partition, part, time.Unix(since, 0))
		key := kind + " " + it.Name
		if i, ok := at[key]; ok {
			addCopy(&items[i], it)
			return nil
		}
		at[key] = len(items)
		items = append(items, it)
		return nil
	}
	for _, query := range []string{"Store.Items", "Store.Items.logs"} {
		err := s.onEachServer(func(c chdriver.Conn) error { return eachRow(ctx, c, statement(query), nil, scan) })
		if err != nil {
			return nil, classify("list partitions", err)
		}
	}
	return items, nil
}

// addCopy adds what another server has of the same name. Its rows and bytes are counted with those of the
// first, replicas or not: it is what is stored, and has to be deleted.
func addCopy(it *throng.Item, other throng.Item) {
	it.Rows, it.Bytes = it.Rows+other.Rows, it.Bytes+other.Bytes
	it.Day = min(it.Day, other.Day)
}

// describe fills in an item's name, class, day and way of removal.
func describe(it *throng.Item, name, partition, part string, since time.Time) {
	known := tables[name]
	it.Class = known.class
	switch it.Kind {
	case throng.KindSystemLog:
		it.Name, it.Class, it.Day = systemDatabase+"."+name+"/"+partition, throng.ClassStandard, throng.DayOf(since)
		it.Removal, it.Note = throng.DropPartition, "the server's own log; can hold the text of statements"
		return
	case throng.KindMutation, throng.KindBackup:
		it.Name, it.Class, it.Day = name+"/"+string(it.Kind)+"/"+part, throng.ClassStandard, throng.DayOf(since)
		it.Note = "Throng makes none; whoever made it has to remove it"
		return
	case throng.KindDroppedTable:
		it.Name, it.Class = name+"/"+string(it.Kind)+"/"+part, throng.ClassStandard
		it.Note = "its data is on disk until the server's delay for dropped tables is over"
		return
	case throng.KindDetached:
		it.Name, it.Removal = name+"/"+detached+"/"+part, throng.DropDetached
	default:
		it.Name, it.Removal = name+"/"+partition, throng.DropPartition
	}
	if known.time == "" { // kept, or unknown
		it.Removal = throng.NotRemoved
		if known.class != "" && partition == "all" {
			it.Kind, it.Name = throng.KindTable, name
		}
		return
	}
	read := eventDay
	if known.partition != nil {
		read = known.partition
	}
	if err := read(partition, it); err != nil {
		it.Day, it.Note = 0, "its partition cannot be read, so it passes for older than any limit"
	}
}

const (
	codeNoSuchTable = 60  // UNKNOWN_TABLE
	codeNoSuchPart  = 233 // BAD_DATA_PART_NAME
)

// DropItem drops what an item of [Store.Items] names, on every server. An item that is gone already is no
// error; a server that does not answer is one.
func (s *Store) DropItem(ctx context.Context, it throng.Item) error {
	name, err := parseName(it.Name)
	if err != nil {
		return fmt.Errorf("drop item: %w", err)
	}
	if name.part != "" {
		err = s.dropEverywhere(ctx, statement("Store.DropItem.detached"), params{"table": name.table, "part": name.part}, codeNoSuchPart)
	} else {
		err = s.dropPartitions(ctx, name, []string{name.partition})
	}
	return classify("drop item", err)
}

// DropItems is DropItem of many: the partitions of a table go in few statements, since a statement costs as much as
// what it drops. After an error some are dropped.
func (s *Store) DropItems(ctx context.Context, items []throng.Item) error {
	partitions := map[itemName][]string{} // by their table
	var errs []error
	for _, it := range items {
		name, err := parseName(it.Name)
		if err == nil && name.part != "" {
			err = s.DropItem(ctx, it)
		} else if err == nil {
			of := itemName{table: name.table, system: name.system}
			partitions[of] = append(partitions[of], name.partition)
		}
		errs = append(errs, err)
	}
	for of, ids := range partitions {
		for some := range slices.Chunk(ids, maxDrops) {
			errs = append(errs, s.dropPartitions(ctx, of, some))
		}
	}
	return classify("drop items", errors.Join(errs...))
}

// maxDrops is how many partitions a statement drops: its parameters are part of a URL.
const maxDrops = 200

// dropPartitions drops partitions of a table with one statement on every server.
func (s *Store) dropPartitions(ctx context.Context, of itemName, ids []string) error {
	text, p, gone := statement("Store.DropItem"), s.of(of, params{"partition": ids[0]}), int32(0)
	for i, id := range ids[1:] {
		name := fmt.Sprintf("partition%d", i)
		text += fmt.Sprintf(", DROP PARTITION ID {%s:String}", name)
		p[name] = id
	}
	if of.system { // not every server has had something to log
		gone = codeNoSuchTable
	}
	return s.dropEverywhere(ctx, text, p, gone)
}

// dropEverywhere tells every server to drop something; gone is its error where it has no such thing.
func (s *Store) dropEverywhere(ctx context.Context, text string, p params, gone int32) error {
	return s.onEachServer(func(c chdriver.Conn) error {
		err := c.Exec(ctx, text, p.args()...)
		if hasCode(err, gone) {
			return nil
		}
		return err
	})
}

// dropPartition drops a partition on every server: what is left on one that does not answer is not gone.
func (s *Store) dropPartition(ctx context.Context, table, partition string) error {
	return s.dropPartitions(ctx, itemName{table: table}, []string{partition})
}

// emptyPartition drops a partition that is filled anew. A replica that does not answer follows later.
func (s *Store) emptyPartition(ctx context.Context, table, partition string) error {
	p := s.of(itemName{table: table}, params{"partition": partition})
	return s.onEachShard(func(sh *shard) error { return sh.exec(ctx, statement("Store.DropItem"), p) })
}

// of adds a name's database and table to the parameters of a statement.
func (s *Store) of(n itemName, p params) params {
	p["database"], p["table"] = s.database, n.table
	if n.system {
		p["database"] = systemDatabase
	}
	return p
}

// Read sets the times of the oldest and the newest row of partitions: the event's in events, the start of
// the day elsewhere. Detached parts cannot be read. The server answers from its index of each part's least
// and greatest value of what a table is partitioned by, and reads no row.
func (s *Store) Read(ctx context.Context, items []throng.Item) error {
	var errs []error
	asked := map[string]map[string][2]time.Time{}
	for i := range items {
		name, err := parseName(items[i].Name)
		if err != nil || name.part != "" {
			continue
		}
		table, _, _ := strings.Cut(items[i].Name, "/")
		if asked[table] == nil {
			asked[table], err = s.ranges(ctx, name)
			errs = append(errs, err)
		}
		r := asked[table][name.partition]
		items[i].Oldest, items[i].Newest = r[0], r[1]
	}
	return classify("read oldest rows", errors.Join(errs...))
}

// ranges are the oldest and newest times in each partition of a table that has rows.
func (s *Store) ranges(ctx context.Context, name itemName) (map[string][2]time.Time, error) {
	column := tables[name.table].time
	if name.system {
		column = "event_date"
	}
	ranges := map[string][2]time.Time{}
	scan := func(rows chdriver.Rows) error {
		var partition string
		var oldest, newest int64
		err := rows.Scan(&partition, &oldest, &newest)
		r := [2]time.Time{time.Unix(oldest, 0).UTC(), time.Unix(newest, 0).UTC()}
		if known, ok := ranges[partition]; ok {
			r[0] = slices.MinFunc([]time.Time{r[0], known[0]}, time.Time.Compare)
			r[1] = slices.MaxFunc([]time.Time{r[1], known[1]}, time.Time.Compare)
		}
		ranges[partition] = r
		return err
	}
	p := s.of(name, params{"column": column})
	err := s.onEachServer(func(c chdriver.Conn) error {
		err := eachRow(ctx, c, statement("Store.Read"), p, scan)
		if name.system && hasCode(err, codeNoSuchTable) {
			return nil
		}
		return err
	})
	return ranges, err
}

// itemName is the name of an item that can be dropped.
type itemName struct {
	table, partition, part string
	system                 bool // a table of the server's logs
}

var (
	safeName  = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	systemLog = regexp.MustCompile(`^system\.([a-z_]+_log(_[0-9]+)?)$`)
)

var errNoName = errors.New("not the name of a partition or detached part")

// parseName reads what Items writes and refuses everything else: names go into ALTER statements.
func parseName(name string) (n itemName, err error) {
	f := strings.Split(name, "/")
	if m := systemLog.FindStringSubmatch(f[0]); m != nil {
		n.system, f[0] = true, m[1]
	}
	if slices.ContainsFunc(f, func(s string) bool { return !safeName.MatchString(s) }) {
		return itemName{}, errNoName
	}
	if n.table = f[0]; !n.system && tables[n.table].time == "" {
		return itemName{}, errors.New("no table of days")
	}
	switch {
	case len(f) == 2 && f[1] != detached:
		n.partition = f[1]
		return n, nil
	case len(f) == 3 && f[1] == detached && !n.system:
		n.part = f[2]
		return n, nil
	}
	return itemName{}, errNoName
}
