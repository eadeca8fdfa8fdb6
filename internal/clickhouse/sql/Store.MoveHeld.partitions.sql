SELECT partition_id, sum(rows)
FROM system.parts
WHERE database = currentDatabase() AND table = 'held' AND active AND endsWith(partition_id, concat('-', toString({hold:UInt32})))
GROUP BY partition_id
ORDER BY partition_id
