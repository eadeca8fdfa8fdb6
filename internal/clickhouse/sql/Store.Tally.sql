SELECT sum(toUInt64(rows)), sum(toUInt64(rejected)), sum(toUInt64(late))
FROM blocks FINAL
WHERE day = {day:Date}
