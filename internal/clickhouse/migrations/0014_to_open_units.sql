CREATE MATERIALIZED VIEW IF NOT EXISTS to_open_units TO open_units AS
SELECT toDate(time) AS day, site, unit, opted_out, cell, toUInt32(1) AS visits, cityHash64(network) AS network
FROM events_in
WHERE visit
