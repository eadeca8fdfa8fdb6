CREATE TABLE IF NOT EXISTS throng.schema_steps ON CLUSTER readership
(
    version UInt32,
    name String,
    sha256 FixedString(64)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/schema_steps', '{replica}')
ORDER BY version
SETTINGS cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 864000, auto_statistics_types = ''
;
CREATE TABLE throng.schema_lock ON CLUSTER readership (held UInt8) ENGINE = Null
;
-- What a block is inserted into. It keeps nothing: the views below carry each block on.
CREATE TABLE IF NOT EXISTS throng.events_in ON CLUSTER readership
(
    time DateTime('UTC'),
    site LowCardinality(String),
    path LowCardinality(String),
    method LowCardinality(String),
    status UInt16,
    bytes UInt64,
    referrer LowCardinality(String),
    client LowCardinality(String),
    client_major UInt16,
    os LowCardinality(String),
    country LowCardinality(String),
    network IPv6,
    bot LowCardinality(String),
    opted_out Bool,
    signal LowCardinality(String),
    visit Bool,
    unit UInt64,
    cell UInt64
)
ENGINE = Null
;
-- All events, without the unit. Retention drops partitions, of a class and a day. The TTL, a
-- backstop, is set apart from this: it goes by the server's clock, which is not always the program's.
CREATE TABLE IF NOT EXISTS throng.events ON CLUSTER readership
(
    time DateTime('UTC'),
    site LowCardinality(String),
    path LowCardinality(String),
    method LowCardinality(String),
    status UInt16,
    bytes UInt64,
    referrer LowCardinality(String),
    client LowCardinality(String),
    client_major UInt16,
    os LowCardinality(String),
    country LowCardinality(String),
    network IPv6,
    bot LowCardinality(String),
    opted_out Bool,
    signal LowCardinality(String),
    visit Bool,
    cell UInt64 CODEC(NONE)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/events', '{replica}')
PARTITION BY (CAST(opted_out, 'Enum8(\'standard\' = 0, \'opted_out\' = 1)'), toDate(time))
ORDER BY tuple()
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    ttl_only_drop_parts = 1,
    merge_with_ttl_timeout = 14400,
    index_granularity = 65536,
    index_granularity_bytes = 104857600,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    max_bytes_to_merge_at_max_space_in_pool = 8388608,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
-- One view for each class: splitting a block by partition key costs more than filtering it twice.
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_standard_events ON CLUSTER readership TO throng.events AS
SELECT
    time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot, opted_out, signal,
    visit, cell
FROM throng.events_in
WHERE NOT opted_out
;
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_opted_out_events ON CLUSTER readership TO throng.events AS
SELECT
    time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot, opted_out, signal,
    visit, cell
FROM throng.events_in
WHERE opted_out
;
-- The only home of unit tokens: one row for each visit, summed when the day is closed.
CREATE TABLE IF NOT EXISTS throng.open_units ON CLUSTER readership
(
    day Date,
    site LowCardinality(String),
    unit UInt64 CODEC(NONE),
    opted_out Bool,
    cell UInt64 CODEC(NONE),
    visits UInt32
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/open_units', '{replica}')
PARTITION BY day
ORDER BY unit
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    index_granularity = 2048,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    max_bytes_to_merge_at_max_space_in_pool = 8388608,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_open_units ON CLUSTER readership TO throng.open_units AS
SELECT toDate(time) AS day, site, unit, opted_out, cell, toUInt32(1) AS visits
FROM throng.events_in
WHERE visit
;
-- The text behind a cell. Blocks repeat cells; merges and readers leave one.
CREATE TABLE IF NOT EXISTS throng.cells ON CLUSTER readership
(
    day Date,
    site LowCardinality(String),
    cell UInt64,
    table LowCardinality(String),
    key String
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/throng/cells', '{replica}')
PARTITION BY day
ORDER BY cell
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    index_granularity = 8192,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_cells ON CLUSTER readership TO throng.cells AS
SELECT toDate(time) AS day, any(site) AS site, cell, 'path' AS table, any(path) AS key
FROM throng.events_in
WHERE visit
GROUP BY day, cell
;
-- One row for each block that was dealt with. Reading with FINAL counts a block once whatever happened.
CREATE TABLE IF NOT EXISTS throng.blocks ON CLUSTER readership
(
    token String,
    source String,
    feed LowCardinality(String),
    day Date,
    start UInt64,
    end UInt64,
    rows UInt32,
    rejected UInt32,
    late UInt32,
    watermark DateTime('UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/throng/blocks', '{replica}')
PARTITION BY day
ORDER BY token
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
-- Closing markers that a loader has passed.
CREATE TABLE IF NOT EXISTS throng.marks ON CLUSTER readership
(
    day Date,
    partition UInt32,
    offset Int64
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/throng/marks', '{replica}')
PARTITION BY day
ORDER BY (partition, offset)
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
-- A copy of the release files, for SQL. The file is the release.
CREATE TABLE IF NOT EXISTS throng.releases ON CLUSTER readership
(
    site LowCardinality(String),
    table LowCardinality(String),
    period String,
    sha256 FixedString(64),
    release String CODEC(ZSTD(1))
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/throng/releases', '{replica}')
ORDER BY (site, table, period, sha256)
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    index_granularity = 8192,
    auto_statistics_types = ''
;
-- A hash of the network bucket: at most 64 units of one network help a cell reach k.
ALTER TABLE throng.open_units ON CLUSTER readership ADD COLUMN IF NOT EXISTS network UInt64 CODEC(NONE)
;
-- Made anew in the next step: a view whose query was modified no longer deduplicates. Loaders have to stand still.
DROP VIEW IF EXISTS throng.to_open_units ON CLUSTER readership SYNC
;
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_open_units ON CLUSTER readership TO throng.open_units AS
SELECT toDate(time) AS day, site, unit, opted_out, cell, toUInt32(1) AS visits, cityHash64(network) AS network
FROM throng.events_in
WHERE visit
;
-- Bounded visits that their day could not publish by themselves, with their unit, until their span is closed.
CREATE TABLE IF NOT EXISTS throng.folded_units ON CLUSTER readership
(
    day Date,
    unit UInt64 CODEC(NONE),
    opted_out Bool,
    cell UInt64 CODEC(NONE),
    visits UInt32,
    network UInt64 CODEC(NONE)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/folded_units', '{replica}')
PARTITION BY day
ORDER BY unit
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    index_granularity = 2048,
    min_bytes_for_wide_part = 1073741824,
    max_bytes_to_merge_at_max_space_in_pool = 33554432,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
-- The text behind a cell of folded_units, and the published group in which its visits are.
CREATE TABLE IF NOT EXISTS throng.folded_cells ON CLUSTER readership
(
    day Date,
    site LowCardinality(String),
    cell UInt64,
    table LowCardinality(String),
    key String,
    holder String
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/folded_cells', '{replica}')
PARTITION BY day
ORDER BY cell
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
-- The sites that have further tables than that of paths.
CREATE TABLE IF NOT EXISTS throng.table_sites ON CLUSTER readership (site String)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/throng/table_sites', '{replica}')
ORDER BY site
SETTINGS cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 864000, auto_statistics_types = ''
;
-- The units of sites with further tables, with what those tables count by: one row for each visit.
CREATE TABLE IF NOT EXISTS throng.table_units ON CLUSTER readership
(
    day Date,
    site LowCardinality(String),
    unit UInt64 CODEC(NONE),
    opted_out Bool,
    client LowCardinality(String),
    country LowCardinality(String),
    hour UInt8,
    os LowCardinality(String),
    referrer LowCardinality(String),
    status UInt8,
    network UInt64 CODEC(NONE)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/table_units', '{replica}')
PARTITION BY day
ORDER BY unit
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    index_granularity = 2048,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    max_bytes_to_merge_at_max_space_in_pool = 33554432,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_table_units ON CLUSTER readership TO throng.table_units AS
SELECT
    toDate(time) AS day, site, unit, opted_out, client, country, toHour(time) AS hour, os, referrer,
    toUInt8(intDiv(status, 100)) AS status, cityHash64(network) AS network
FROM throng.events_in
WHERE visit AND site IN (SELECT site FROM throng.table_sites)
;
-- Copies of events that a hold keeps, without what tells who opted out; and, with them, what they were matched by. A partition
-- is a hold with the day of its order and its last day.
CREATE TABLE IF NOT EXISTS throng.held ON CLUSTER readership
(
    ordered Date,
    until Date,
    hold UInt32,
    time DateTime('UTC'),
    site LowCardinality(String),
    path LowCardinality(String),
    method LowCardinality(String),
    status UInt16,
    bytes UInt64,
    referrer LowCardinality(String),
    client LowCardinality(String),
    client_major UInt16,
    os LowCardinality(String),
    country LowCardinality(String),
    network IPv6,
    bot LowCardinality(String),
    terms LowCardinality(String),
    salt LowCardinality(String)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/held', '{replica}')
PARTITION BY (ordered, until, hold)
ORDER BY time
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
-- Rows come in blocks of 8 MB, ordered by unit: merging them would cost a close as much as inserting them.
ALTER TABLE throng.folded_units ON CLUSTER readership MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 8388608
;
-- Made anew in the next step: a view whose query was modified no longer deduplicates. Loaders have to stand still.
DROP VIEW IF EXISTS throng.to_cells ON CLUSTER readership SYNC
;
-- Made anew in the next step: ON CLUSTER, a table that is not replicated cannot be altered. It keeps nothing, and the views
-- that read it know it by its name. Loaders have to stand still.
DROP TABLE IF EXISTS throng.events_in ON CLUSTER readership SYNC
;
-- With a mark of the first visit of each cell in its block, as whoever made the block sets it: grouping a block by cell took a
-- sixth of its insert. Blocks of an earlier version do not have it; all of their visits then name their cell.
CREATE TABLE IF NOT EXISTS throng.events_in ON CLUSTER readership
(
    time DateTime('UTC'),
    site LowCardinality(String),
    path LowCardinality(String),
    method LowCardinality(String),
    status UInt16,
    bytes UInt64,
    referrer LowCardinality(String),
    client LowCardinality(String),
    client_major UInt16,
    os LowCardinality(String),
    country LowCardinality(String),
    network IPv6,
    bot LowCardinality(String),
    opted_out Bool,
    signal LowCardinality(String),
    visit Bool,
    unit UInt64,
    cell UInt64,
    new_cell Bool DEFAULT visit
)
ENGINE = Null
;
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_cells ON CLUSTER readership TO throng.cells AS
SELECT toDate(time) AS day, site, cell, 'path' AS table, path AS key
FROM throng.events_in
WHERE new_cell
;
-- The devices of bots, until their day is closed: one row for each in a block.
CREATE TABLE IF NOT EXISTS throng.bot_units ON CLUSTER readership
(
    day Date,
    site LowCardinality(String),
    unit UInt64 CODEC(NONE),
    network UInt64 CODEC(NONE)
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/throng/bot_units', '{replica}')
PARTITION BY day
ORDER BY unit
SETTINGS
    cleanup_delay_period = 5, max_cleanup_delay_period = 5, cleanup_delay_period_random_add = 0,
    replicated_deduplication_window = 10000,
    replicated_deduplication_window_seconds = 864000,
    index_granularity = 2048,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    max_bytes_to_merge_at_max_space_in_pool = 33554432,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
;
-- What a reader's visit is, of bots and with the files of a page; no record that opted out. Unit 0 has no address.
CREATE MATERIALIZED VIEW IF NOT EXISTS throng.to_bot_units ON CLUSTER readership TO throng.bot_units AS
SELECT DISTINCT toDate(time) AS day, site, unit, cityHash64(network) AS network
FROM throng.events_in
WHERE bot != '' AND NOT opted_out AND method = 'GET' AND (status BETWEEN 200 AND 299 OR status = 304) AND unit != 0
;
ALTER TABLE throng.events ON CLUSTER readership MODIFY TTL time + INTERVAL 11 DAY DELETE SETTINGS materialize_ttl_after_modify = 0
;
ALTER TABLE throng.events ON CLUSTER readership REMOVE TTL
;
DROP TABLE IF EXISTS throng.schema_lock ON CLUSTER readership SYNC
