-- A key and its successors are counted in the same windows, those of the first of the chain; NULL is the key itself.
-- Keys that were rotated before stay counted by themselves: their windows are under their own ids, and moving one would
-- give it anew what it has used. Their successors from now on share them.
ALTER TABLE keys ADD COLUMN lineage TEXT REFERENCES keys (id);
