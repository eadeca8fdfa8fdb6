-- The text behind a cell of folded_units, and the published group in which its visits are.
CREATE TABLE IF NOT EXISTS folded_cells
(
    day Date,
    site LowCardinality(String),
    cell UInt64,
    table LowCardinality(String),
    key String,
    holder String
)
ENGINE = MergeTree
PARTITION BY day
ORDER BY cell
SETTINGS
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
