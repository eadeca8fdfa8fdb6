SELECT count(), countIf(visit)
FROM events
WHERE site = {site:String} AND toDate(time) = {day:Date}
