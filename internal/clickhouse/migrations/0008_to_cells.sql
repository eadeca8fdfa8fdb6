CREATE MATERIALIZED VIEW IF NOT EXISTS to_cells TO cells AS
SELECT toDate(time) AS day, any(site) AS site, cell, 'path' AS table, any(path) AS key
FROM events_in
WHERE visit
GROUP BY day, cell
