-- Closing markers that a loader has passed.
CREATE TABLE IF NOT EXISTS marks
(
    day Date,
    partition UInt32,
    offset Int64
)
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY (partition, offset)
SETTINGS
    non_replicated_deduplication_window = 10000,
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
