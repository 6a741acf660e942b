-- What a model costs in a tier from a moment on, in millionths of the currency a million tokens. Without a row it is what
-- MODELS says. `cached` is NULL where cached tokens cost what others do. A version is never changed: a later one follows.
CREATE TABLE prices (
  model TEXT NOT NULL,
  tier TEXT NOT NULL CHECK (tier IN ('shared', 'complex')),
  from_ms INTEGER NOT NULL,
  prompt INTEGER NOT NULL,
  cached INTEGER,
  completion INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  PRIMARY KEY (model, tier, from_ms)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER prices_stay BEFORE UPDATE ON prices BEGIN SELECT raise(ABORT, 'prices do not change'); END;
CREATE TRIGGER prices_last BEFORE DELETE ON prices BEGIN SELECT raise(ABORT, 'prices are not deleted'); END;

-- What an org, a project or a key may spend in a UTC month: whoever it is told to hears of each share (per cent) once.
-- `key` is the first of its chain of rotations. With `is_stop` it is a limit, too: `stop_micros` of its org, project or
-- keys, which their records take into the ledger.
CREATE TABLE budgets (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  project TEXT,
  key TEXT,
  amount_micros INTEGER NOT NULL CHECK (amount_micros > 0),
  shares TEXT NOT NULL,
  is_stop INTEGER NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  CHECK (project IS NULL OR key IS NULL)
) STRICT;
CREATE UNIQUE INDEX one_budget ON budgets (org, coalesce(project, ''), coalesce(key, ''));

CREATE TABLE budget_spend (
  budget TEXT NOT NULL,
  month INTEGER NOT NULL,
  spent_micros INTEGER NOT NULL,
  PRIMARY KEY (budget, month)
) STRICT, WITHOUT ROWID;

CREATE TABLE budget_alerts (
  budget TEXT NOT NULL,
  month INTEGER NOT NULL,
  share INTEGER NOT NULL,
  amount_micros INTEGER NOT NULL,
  PRIMARY KEY (budget, month, share, amount_micros)
) STRICT, WITHOUT ROWID;

ALTER TABLE orgs ADD COLUMN stop_micros INTEGER;
ALTER TABLE projects ADD COLUMN stop_micros INTEGER;
ALTER TABLE keys ADD COLUMN stop_micros INTEGER;

CREATE TRIGGER budgets_spent AFTER INSERT ON usage
WHEN NEW.cost_micros <> 0 AND EXISTS (SELECT 1 FROM budgets WHERE org = NEW.org)
BEGIN
  INSERT INTO budget_spend (budget, month, spent_micros)
  SELECT b.id, unixepoch(NEW.admitted_at_ms / 1000, 'unixepoch', 'start of month') * 1000, NEW.cost_micros
  FROM budgets AS b LEFT JOIN keys AS k ON k.id = NEW.key
  WHERE b.org = NEW.org AND (b.project IS NULL OR b.project = k.project)
    AND (b.key IS NULL OR b.key = coalesce(k.lineage, NEW.key))
  ON CONFLICT (budget, month) DO UPDATE SET spent_micros = spent_micros + excluded.spent_micros;
END;

CREATE TRIGGER shares_reached_first AFTER INSERT ON budget_spend BEGIN
  INSERT INTO budget_alerts (budget, month, share, amount_micros)
  SELECT b.id, NEW.month, s.value, b.amount_micros FROM budgets AS b, json_each(b.shares) AS s
  WHERE b.id = NEW.budget AND NEW.spent_micros * 100 >= b.amount_micros * s.value
  ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER shares_reached AFTER UPDATE ON budget_spend BEGIN
  INSERT INTO budget_alerts (budget, month, share, amount_micros)
  SELECT b.id, NEW.month, s.value, b.amount_micros FROM budgets AS b, json_each(b.shares) AS s
  WHERE b.id = NEW.budget AND NEW.spent_micros * 100 >= b.amount_micros * s.value
  ON CONFLICT DO NOTHING;
END;

-- The characters of an id are random: 88 bits of them, in hex.
CREATE TRIGGER shares_told AFTER INSERT ON budget_alerts BEGIN
  INSERT INTO events (id, org, type, at_ms, body)
  SELECT 'evt_' || hex(randomblob(11)), b.org, 'budget.reached', CAST(unixepoch('subsec') * 1000 AS INTEGER),
    json_object('budget', b.id, 'project', b.project, 'key', b.key,
      'month', strftime('%Y-%m', NEW.month / 1000, 'unixepoch'), 'sharePercent', NEW.share,
      'amountMicros', b.amount_micros, 'spentMicros', s.spent_micros, 'isStop', json(iif(b.is_stop, 'true', 'false')))
  FROM budgets AS b JOIN budget_spend AS s ON s.budget = b.id AND s.month = NEW.month
  WHERE b.id = NEW.budget;
END;

-- A stop reaches the records of those whose it is, in the same batch; whoever changes it publishes them.
CREATE TRIGGER stops_made AFTER INSERT ON budgets BEGIN
  UPDATE orgs SET stop_micros = iif(NEW.is_stop, NEW.amount_micros, NULL), version = version + 1
  WHERE id = NEW.org AND NEW.project IS NULL AND NEW.key IS NULL;
  UPDATE projects SET stop_micros = iif(NEW.is_stop, NEW.amount_micros, NULL), version = version + 1
  WHERE id = NEW.project AND org = NEW.org;
  UPDATE keys SET stop_micros = iif(NEW.is_stop, NEW.amount_micros, NULL), version = version + 1
  WHERE org = NEW.org AND coalesce(lineage, id) = NEW.key;
END;
CREATE TRIGGER stops_changed AFTER UPDATE ON budgets BEGIN
  UPDATE orgs SET stop_micros = iif(NEW.is_stop, NEW.amount_micros, NULL), version = version + 1
  WHERE id = NEW.org AND NEW.project IS NULL AND NEW.key IS NULL;
  UPDATE projects SET stop_micros = iif(NEW.is_stop, NEW.amount_micros, NULL), version = version + 1
  WHERE id = NEW.project AND org = NEW.org;
  UPDATE keys SET stop_micros = iif(NEW.is_stop, NEW.amount_micros, NULL), version = version + 1
  WHERE org = NEW.org AND coalesce(lineage, id) = NEW.key;
END;
CREATE TRIGGER stops_ended AFTER DELETE ON budgets BEGIN
  UPDATE orgs SET stop_micros = NULL, version = version + 1
  WHERE id = OLD.org AND OLD.project IS NULL AND OLD.key IS NULL;
  UPDATE projects SET stop_micros = NULL, version = version + 1 WHERE id = OLD.project AND org = OLD.org;
  UPDATE keys SET stop_micros = NULL, version = version + 1
  WHERE org = OLD.org AND coalesce(lineage, id) = OLD.key;
  DELETE FROM budget_spend WHERE budget = OLD.id;
  DELETE FROM budget_alerts WHERE budget = OLD.id;
END;
