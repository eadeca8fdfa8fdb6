-- The first visit of its cell in its block, as whoever made the block marked it: grouping a block by cell took a sixth of
-- its insert. Blocks of an earlier version do not mark it; all of their visits then name their cell.
ALTER TABLE events_in ADD COLUMN IF NOT EXISTS new_cell Bool DEFAULT visit
