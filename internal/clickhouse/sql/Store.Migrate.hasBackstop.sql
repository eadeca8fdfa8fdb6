SELECT create_table_query LIKE '% TTL %' AS has
FROM system.tables
WHERE database = currentDatabase() AND name = 'events'
