SELECT unit, cell, opted_out, visits
FROM open_units
WHERE day = {day:Date} AND unit BETWEEN {lo:UInt64} AND {hi:UInt64}
