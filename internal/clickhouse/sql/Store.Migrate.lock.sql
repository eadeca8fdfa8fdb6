CREATE TABLE schema_lock (held UInt8) ENGINE = Null
