CREATE MATERIALIZED VIEW IF NOT EXISTS to_cells TO cells AS
SELECT toDate(time) AS day, site, cell, 'path' AS table, path AS key
FROM events_in
WHERE new_cell
