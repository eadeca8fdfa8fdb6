CREATE TABLE IF NOT EXISTS schema_steps
(
    version UInt32,
    name String,
    sha256 FixedString(64)
)
ENGINE = MergeTree
ORDER BY version
SETTINGS non_replicated_deduplication_window = 10000, auto_statistics_types = ''
