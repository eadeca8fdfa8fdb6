SELECT DISTINCT toDate(partition) AS day
FROM system.parts
WHERE database = currentDatabase() AND table IN ('open_units', 'blocks') AND active AND rows > 0
ORDER BY day
