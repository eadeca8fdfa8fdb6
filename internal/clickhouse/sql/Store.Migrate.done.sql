SELECT DISTINCT version, toString(sha256) FROM schema_steps ORDER BY version
