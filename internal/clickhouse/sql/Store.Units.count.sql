SELECT sum(rows)
FROM system.parts
WHERE database = currentDatabase() AND table = 'open_units' AND partition_id = {partition:String} AND active
