-- What a reader's visit is, of bots and with the files of a page; no record that opted out. Unit 0 has no address.
CREATE MATERIALIZED VIEW IF NOT EXISTS to_bot_units TO bot_units AS
SELECT DISTINCT toDate(time) AS day, site, unit, cityHash64(network) AS network
FROM events_in
WHERE bot != '' AND NOT opted_out AND method = 'GET' AND (status BETWEEN 200 AND 299 OR status = 304) AND unit != 0
