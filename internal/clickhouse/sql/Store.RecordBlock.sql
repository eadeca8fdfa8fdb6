INSERT INTO blocks (token, source, feed, day, start, end, rows, rejected, late, watermark)
