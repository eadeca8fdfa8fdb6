-- The sites that have further tables than that of paths.
CREATE TABLE IF NOT EXISTS table_sites (site String)
ENGINE = ReplacingMergeTree
ORDER BY site
SETTINGS non_replicated_deduplication_window = 10000, auto_statistics_types = ''
