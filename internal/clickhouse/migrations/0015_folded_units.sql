-- Bounded visits that their day could not publish by themselves, with their unit, until their span is closed.
CREATE TABLE IF NOT EXISTS folded_units
(
    day Date,
    unit UInt64 CODEC(NONE),
    opted_out Bool,
    cell UInt64 CODEC(NONE),
    visits UInt32,
    network UInt64 CODEC(NONE)
)
ENGINE = MergeTree
PARTITION BY day
ORDER BY unit
SETTINGS
    index_granularity = 2048,
    min_bytes_for_wide_part = 1073741824,
    max_bytes_to_merge_at_max_space_in_pool = 33554432,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
