-- The text behind a cell. Blocks repeat cells; merges and readers leave one.
CREATE TABLE IF NOT EXISTS cells
(
    day Date,
    site LowCardinality(String),
    cell UInt64,
    table LowCardinality(String),
    key String
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY cell
SETTINGS
    non_replicated_deduplication_window = 10000,
    index_granularity = 8192,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
