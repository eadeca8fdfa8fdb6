SELECT partition, min(offset)
FROM marks
WHERE day = {day:Date}
GROUP BY partition
ORDER BY partition
