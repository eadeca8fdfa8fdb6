INSERT INTO folded_cells (day, site, cell, table, key, holder)
