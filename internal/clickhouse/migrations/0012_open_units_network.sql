-- A hash of the network bucket: at most 64 units of one network help a cell reach k.
ALTER TABLE open_units ADD COLUMN IF NOT EXISTS network UInt64 CODEC(NONE)
