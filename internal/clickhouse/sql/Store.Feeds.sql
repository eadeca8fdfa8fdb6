SELECT feed, toInt64(max(watermark))
FROM blocks
WHERE day >= {since:Date}
GROUP BY feed
ORDER BY feed
