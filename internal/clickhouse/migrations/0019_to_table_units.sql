CREATE MATERIALIZED VIEW IF NOT EXISTS to_table_units TO table_units AS
SELECT
    toDate(time) AS day, site, unit, opted_out, client, country, toHour(time) AS hour, os, referrer,
    toUInt8(intDiv(status, 100)) AS status, cityHash64(network) AS network
FROM events_in
WHERE visit AND site IN (SELECT site FROM table_sites)
