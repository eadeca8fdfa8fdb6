-- Copies of events that a hold keeps, without what tells who opted out; and, with them, what they were matched by. A partition
-- is a hold with the day of its order and its last day.
CREATE TABLE IF NOT EXISTS held
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
ENGINE = MergeTree
PARTITION BY (ordered, until, hold)
ORDER BY time
SETTINGS
    index_granularity = 8192,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
