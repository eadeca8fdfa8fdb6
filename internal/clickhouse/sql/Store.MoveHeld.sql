INSERT INTO held
(
    ordered, until, hold, time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot,
    terms, salt
)
SELECT
    ordered, {until:Date}, hold, time, site, path, method, status, bytes, referrer, client, client_major, os, country, network,
    bot, terms, salt
FROM held
WHERE _partition_id = {partition:String}
