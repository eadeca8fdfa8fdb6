INSERT INTO releases (site, table, period, sha256, release)
