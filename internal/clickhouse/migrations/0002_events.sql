-- All events, without the unit. Retention drops partitions, of a class and a day. The TTL, a
-- backstop, is set apart from this: it goes by the server's clock, which is not always the program's.
CREATE TABLE IF NOT EXISTS events
(
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
    opted_out Bool,
    signal LowCardinality(String),
    visit Bool,
    cell UInt64 CODEC(NONE)
)
ENGINE = MergeTree
PARTITION BY (CAST(opted_out, 'Enum8(\'standard\' = 0, \'opted_out\' = 1)'), toDate(time))
ORDER BY tuple()
SETTINGS
    non_replicated_deduplication_window = 10000,
    ttl_only_drop_parts = 1,
    merge_with_ttl_timeout = 14400,
    index_granularity = 65536,
    index_granularity_bytes = 104857600,
    min_bytes_for_wide_part = 1073741824,
    min_parts_to_merge_at_once = 10,
    max_bytes_to_merge_at_max_space_in_pool = 8388608,
    parts_to_delay_insert = 5000,
    parts_to_throw_insert = 10000,
    old_parts_lifetime = 0,
    auto_statistics_types = ''
