INSERT INTO marks (day, partition, offset)
