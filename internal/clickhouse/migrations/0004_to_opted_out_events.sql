CREATE MATERIALIZED VIEW IF NOT EXISTS to_opted_out_events TO events AS
SELECT
    time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot, opted_out, signal,
    visit, cell
FROM events_in
WHERE opted_out
