INSERT INTO table_sites (site)
