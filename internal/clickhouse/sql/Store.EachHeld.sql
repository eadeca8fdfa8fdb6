SELECT
    time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot, terms, salt
FROM held
WHERE _partition_id = {partition:String}
ORDER BY time
