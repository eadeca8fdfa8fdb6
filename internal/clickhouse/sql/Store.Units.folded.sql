SELECT unit, cell, opted_out, network, visits
FROM folded_units
WHERE day BETWEEN {first:Date} AND {last:Date} AND unit BETWEEN {lo:UInt64} AND {hi:UInt64}
