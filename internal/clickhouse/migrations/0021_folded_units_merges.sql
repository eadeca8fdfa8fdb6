-- Rows come in blocks of 8 MB, ordered by unit: merging them would cost a close as much as inserting them.
ALTER TABLE folded_units MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 8388608
