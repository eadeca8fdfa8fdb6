INSERT INTO schema_steps (version, name, sha256)
