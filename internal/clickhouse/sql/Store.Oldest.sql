SELECT count(), toInt64(toUnixTimestamp(min({column:Identifier}), 'UTC'))
FROM {table:Identifier}
WHERE _partition_id = {partition:String}
