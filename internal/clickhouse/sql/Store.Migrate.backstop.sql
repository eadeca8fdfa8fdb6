ALTER TABLE events MODIFY TTL time + INTERVAL 11 DAY DELETE SETTINGS materialize_ttl_after_modify = 0
