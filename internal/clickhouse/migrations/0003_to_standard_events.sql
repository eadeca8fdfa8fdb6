-- One view for each class: splitting a block by partition key costs more than filtering it twice.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_standard_events TO events AS
SELECT
    time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot, opted_out, signal,
    visit, cell
FROM events_in
WHERE NOT opted_out
