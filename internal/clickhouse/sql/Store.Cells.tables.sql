SELECT
    sipHash64Keyed(({k0:UInt64}, {k1:UInt64}), table_units.site, t.1, t.2) AS cell,
    any(toString(table_units.site)) AS site, any(t.1) AS table, any(if(t.2 = '', 'none', t.2)) AS key, '' AS holder
FROM table_units
ARRAY JOIN
    [
        ('client', toString(client)), ('country', toString(country)), ('hour', leftPad(toString(hour), 2, '0')),
        ('os', toString(os)), ('referrer', toString(referrer)), ('status', concat(toString(status), 'xx'))
    ] AS t
WHERE day BETWEEN {first:Date} AND {last:Date}
GROUP BY cell
ORDER BY cell
