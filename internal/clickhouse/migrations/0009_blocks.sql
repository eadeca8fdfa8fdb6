-- One row for each block that was dealt with. Reading with FINAL counts a block once whatever happened.
CREATE TABLE IF NOT EXISTS blocks
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
ENGINE = ReplacingMergeTree
PARTITION BY day
ORDER BY token
SETTINGS
    non_replicated_deduplication_window = 10000,
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
