SELECT _partition_id AS partition, toInt64(toUnixTimestamp(min({column:Identifier}), 'UTC')) AS oldest,
    toInt64(toUnixTimestamp(max({column:Identifier}), 'UTC')) AS newest
FROM {database:Identifier}.{table:Identifier}
GROUP BY _partition_id
