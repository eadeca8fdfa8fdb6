SELECT unit, cell, opted_out, visits, network
FROM {table:Identifier}
WHERE day BETWEEN {first:Date} AND {last:Date} AND unit BETWEEN {lo:UInt64} AND {hi:UInt64}
