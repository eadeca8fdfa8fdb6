INSERT INTO events_in
(
    time, site, path, method, status, bytes, referrer, client, client_major, os, country, network, bot, opted_out, signal,
    visit, unit, cell
)
