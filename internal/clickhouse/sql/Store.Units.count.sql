SELECT sum(rows)
FROM system.parts
WHERE database = currentDatabase() AND table = {table:String} AND partition_id BETWEEN {first:String} AND {last:String} AND active
