SELECT table, partition_id, part, rows, bytes
FROM
(
    SELECT table, partition_id, '' AS part, sumIf(p.rows, active) AS rows, sum(bytes_on_disk) AS bytes
    FROM system.parts AS p
    WHERE database = currentDatabase()
    GROUP BY table, partition_id
    UNION ALL
    SELECT table, ifNull(partition_id, ''), name, toUInt64(0), toUInt64(bytes_on_disk)
    FROM system.detached_parts
    WHERE database = currentDatabase()
)
ORDER BY table, partition_id, part
