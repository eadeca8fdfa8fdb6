SELECT DISTINCT assumeNotNull(toString({column:Identifier})) AS text
FROM {database:Identifier}.{table:Identifier}
WHERE isNotNull({column:Identifier})
