SELECT unit, sipHash64Keyed(({k0:UInt64}, {k1:UInt64}), site, t.1, t.2) AS cell, opted_out, network
FROM table_units
ARRAY JOIN
    [
        ('client', toString(client)), ('country', toString(country)), ('hour', leftPad(toString(hour), 2, '0')),
        ('os', toString(os)), ('referrer', toString(referrer)), ('status', concat(toString(status), 'xx'))
    ] AS t
WHERE _partition_value.1 BETWEEN {first:Date} AND {last:Date} AND indexHint(unit BETWEEN {lo:UInt64} AND {hi:UInt64})
