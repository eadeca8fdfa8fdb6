-- Where what was read of lines goes.
CREATE TABLE parsed
(
    time DateTime('UTC'),
    method LowCardinality(String),
    path LowCardinality(String),
    status UInt16,
    bytes UInt64,
    referrer LowCardinality(String),
    agent LowCardinality(String),
    network IPv6,
    unit UInt64,
    opted_out Bool
)
ENGINE = MergeTree
PARTITION BY toDate(time)
ORDER BY tuple()
