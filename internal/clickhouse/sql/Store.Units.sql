SELECT unit, cell, opted_out, network
FROM open_units
WHERE _partition_value.1 BETWEEN {first:Date} AND {last:Date} AND indexHint(unit BETWEEN {lo:UInt64} AND {hi:UInt64})
