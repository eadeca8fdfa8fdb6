SELECT unit, cell, opted_out, network
FROM open_units
WHERE day BETWEEN {first:Date} AND {last:Date} AND unit BETWEEN {lo:UInt64} AND {hi:UInt64}
