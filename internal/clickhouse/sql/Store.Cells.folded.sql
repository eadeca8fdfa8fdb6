SELECT cell, toString(any(folded_cells.site)) AS site, toString(any(folded_cells.table)) AS table, any(folded_cells.key) AS key, any(folded_cells.holder) AS holder
FROM folded_cells
WHERE day BETWEEN {first:Date} AND {last:Date}
GROUP BY cell
ORDER BY cell
