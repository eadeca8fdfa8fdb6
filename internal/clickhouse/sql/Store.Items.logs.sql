SELECT 'system_log' AS kind, table, partition_id, '' AS part, sumIf(p.rows, active) AS rows, sum(bytes_on_disk) AS bytes,
    toInt64(toUnixTimestamp(min(min_date), 'UTC')) AS since
FROM system.parts AS p
WHERE database = 'system' AND table IN
(
    SELECT table
    FROM system.columns
    WHERE database = 'system' AND name IN
        ('query', 'formatted_query', 'view_query', 'message', 'exception', 'exception_text', 'last_error_message', 'attribute')
)
GROUP BY table, partition_id
ORDER BY table, partition_id
