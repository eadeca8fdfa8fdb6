INSERT INTO folded_units (day, unit, opted_out, cell, visits, network)
