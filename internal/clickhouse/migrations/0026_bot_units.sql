-- The devices of bots, until their day is closed: one row for each in a block.
CREATE TABLE IF NOT EXISTS bot_units
(
    day Date,
    site LowCardinality(String),
    unit UInt64 CODEC(NONE),
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
