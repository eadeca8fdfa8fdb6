SELECT unit, cell, opted_out, network, visits
FROM folded_units
WHERE _partition_value.1 BETWEEN {first:Date} AND {last:Date} AND indexHint(unit BETWEEN {lo:UInt64} AND {hi:UInt64})
