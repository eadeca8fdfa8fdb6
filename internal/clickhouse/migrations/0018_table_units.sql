-- The units of sites with further tables, with what those tables count by: one row for each visit.
CREATE TABLE IF NOT EXISTS table_units
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
ENGINE = MergeTree
PARTITION BY day
ORDER BY unit
SETTINGS
    non_replicated_deduplication_window = 10000,
    index_granularity = 2048,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    max_bytes_to_merge_at_max_space_in_pool = 33554432,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
