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
