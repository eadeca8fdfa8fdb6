SELECT cell, any(site), any(table), any(key), ''
FROM cells
WHERE day BETWEEN {first:Date} AND {last:Date}
GROUP BY cell
ORDER BY cell
