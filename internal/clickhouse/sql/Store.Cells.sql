SELECT cell, toString(any(cells.site)) AS site, toString(any(cells.table)) AS table, any(cells.key) AS key, '' AS holder
FROM cells
WHERE day BETWEEN {first:Date} AND {last:Date}
GROUP BY cell
ORDER BY cell
