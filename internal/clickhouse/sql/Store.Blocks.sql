SELECT source, day, start, end, rows, rejected, late
FROM blocks FINAL
WHERE feed = {feed:String}
ORDER BY source, start, day
