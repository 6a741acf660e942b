-- When a key was last used, to the minute: it follows from the lines of the bill, so no call writes it. A line that was
-- here already inserts nothing, so it fires nothing; one that comes late moves nothing back; and within a minute a key
-- is written once, however many its calls. Null: no call of the key is on the bill, which those of admin keys never are.
ALTER TABLE keys ADD COLUMN last_used_at_ms INTEGER;
CREATE TRIGGER usage_last_use AFTER INSERT ON usage BEGIN
  UPDATE keys SET last_used_at_ms = NEW.admitted_at_ms - NEW.admitted_at_ms % 60000
  WHERE id = NEW.key AND coalesce(last_used_at_ms, 0) < NEW.admitted_at_ms - NEW.admitted_at_ms % 60000; END;
-- Of what is here, the newest lines: all of a small table, and of a large one no more than a migration has time for.
UPDATE keys SET last_used_at_ms = used.at_ms - used.at_ms % 60000 FROM (
  SELECT key, max(admitted_at_ms) AS at_ms
  FROM (SELECT key, admitted_at_ms FROM usage ORDER BY rowid DESC LIMIT 1000000) GROUP BY key
) AS used WHERE used.key = keys.id;
