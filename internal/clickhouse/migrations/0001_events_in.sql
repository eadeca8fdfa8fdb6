-- What a block is inserted into. It keeps nothing: the views below carry each block on.
CREATE TABLE IF NOT EXISTS events_in
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
    unit UInt64,
    cell UInt64
)
ENGINE = Null
