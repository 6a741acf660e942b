-- Which rows of the bill lie in the archive and not here any more: one row a part of a UTC day, written as they go.
CREATE TABLE archived_usage (
  object TEXT PRIMARY KEY,
  day INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  archived_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX archived_by_day ON archived_usage (day);
