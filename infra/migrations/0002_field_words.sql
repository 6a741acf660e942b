-- How a call ended, in the field's terms. Ledgers and nodes that still hold lines in the old words
-- have them renamed on their way here (agreements/records/usage.ts).
UPDATE usage SET "end" = CASE "end"
  WHEN 'done' THEN 'completed'
  WHEN 'cut' THEN 'cancelled'
  WHEN 'broken' THEN 'failed'
  WHEN 'corrected' THEN 'adjusted'
  ELSE "end" END;
