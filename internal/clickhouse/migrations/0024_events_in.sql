-- With a mark of the first visit of each cell in its block, as whoever made the block sets it: grouping a block by cell took a
-- sixth of its insert. Blocks of an earlier version do not have it; all of their visits then name their cell.
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
    cell UInt64,
    new_cell Bool DEFAULT visit
)
ENGINE = Null
