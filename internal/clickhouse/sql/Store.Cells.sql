SELECT cell, any(site), any(table), any(key)
FROM cells
WHERE day = {day:Date}
GROUP BY cell
ORDER BY cell
