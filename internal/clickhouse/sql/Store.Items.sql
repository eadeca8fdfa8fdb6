SELECT kind, table, partition_id, part, rows, bytes, toInt64(since) AS since
FROM
(
    SELECT if(countIf(active) > 0, 'partition', 'inactive_part') AS kind, table, partition_id, '' AS part,
        sumIf(p.rows, active) AS rows, sum(bytes_on_disk) AS bytes, 0 AS since
    FROM system.parts AS p
    WHERE database = currentDatabase()
    GROUP BY table, partition_id
    UNION ALL
    SELECT 'detached_part', table, ifNull(partition_id, ''), name, 0, bytes_on_disk, 0
    FROM system.detached_parts
    WHERE database = currentDatabase()
    UNION ALL
    SELECT 'mutation', table, '', mutation_id, 0, 0, toUnixTimestamp(create_time)
    FROM system.mutations
    WHERE database = currentDatabase()
    UNION ALL
    SELECT 'dropped_table', table, '', toString(uuid), 0, 0, 0
    FROM system.dropped_tables
    WHERE database = currentDatabase()
    UNION ALL
    SELECT 'backup', '', '', id, 0, total_size, toUnixTimestamp(start_time)
    FROM system.backups
)
ORDER BY table, partition_id, part
