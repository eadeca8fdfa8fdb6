SELECT cell, any(site), any(table), any(key), any(holder)
FROM folded_cells
WHERE day BETWEEN {first:Date} AND {last:Date}
GROUP BY cell
ORDER BY cell
