SELECT CAST(bot_units.site, 'String') AS site, unit, min(network) AS network
FROM bot_units
WHERE day = {day:Date} AND unit BETWEEN {lo:UInt64} AND {hi:UInt64}
GROUP BY site, unit
