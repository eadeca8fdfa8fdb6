INSERT INTO held
(
    ordered, until, hold, time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot,
    terms, salt
)
SELECT
    {ordered:Date}, {until:Date}, {hold:UInt32}, time, site, path, method, status, bytes, referrer, client, client_major, os,
    country, network, bot, {terms:String}, {salt:String}
FROM events
