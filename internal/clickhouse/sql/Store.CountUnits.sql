SELECT table, sum(rows)
FROM system.parts
WHERE database = currentDatabase()
    AND table IN ({one:String}, {other:String}) AND partition_id BETWEEN {first:String} AND {last:String} AND active
GROUP BY table
ORDER BY table
