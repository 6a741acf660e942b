-- Whom a share that is reached is told to by mail, once. Those of before were told by events alone, and stay so.
ALTER TABLE budget_alerts ADD COLUMN mailed_at_ms INTEGER;
UPDATE budget_alerts SET mailed_at_ms = 0;
CREATE INDEX alerts_to_mail ON budget_alerts (budget) WHERE mailed_at_ms IS NULL;
