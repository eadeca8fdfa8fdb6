SELECT
    sipHash64Keyed(({k0:UInt64}, {k1:UInt64}), site, t.1, t.2) AS cell, any(toString(site)), any(t.1), any(if(t.2 = '', 'none', t.2)), ''
FROM table_units
ARRAY JOIN
    [
        ('client', toString(client)), ('country', toString(country)), ('hour', leftPad(toString(hour), 2, '0')),
        ('os', toString(os)), ('referrer', toString(referrer)), ('status', concat(toString(status), 'xx'))
    ] AS t
WHERE day BETWEEN {first:Date} AND {last:Date}
GROUP BY cell
ORDER BY cell
