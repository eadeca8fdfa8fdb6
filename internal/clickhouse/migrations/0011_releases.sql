-- A copy of the release files, for SQL. The file is the release.
CREATE TABLE IF NOT EXISTS releases
(
    site LowCardinality(String),
    table LowCardinality(String),
    period String,
    sha256 FixedString(64),
    release String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (site, table, period, sha256)
SETTINGS
    non_replicated_deduplication_window = 10000,
    index_granularity = 8192,
    auto_statistics_types = ''
