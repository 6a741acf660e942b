-- Orgs and keys are the control plane's truth; the ledgers hold published copies. Usage is the bill: one row a hold.
CREATE TABLE orgs (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  plan TEXT NOT NULL,
  limits TEXT NOT NULL,
  is_suspended INTEGER NOT NULL DEFAULT 0,
  is_operator INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX orgs_by_age ON orgs (created_at_ms, id);
-- The house itself is one org; two bootstraps at once cannot make two.
CREATE UNIQUE INDEX one_operator ON orgs (is_operator) WHERE is_operator = 1;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  kind TEXT NOT NULL CHECK (kind IN ('inference', 'admin')),
  role TEXT CHECK (role IN ('operator', 'admin')),
  name TEXT NOT NULL,
  hint TEXT NOT NULL,
  digest TEXT NOT NULL,
  pepper_kid TEXT NOT NULL,
  endpoints TEXT,
  models TEXT,
  ip_cidrs TEXT,
  limits TEXT,
  expires_at_ms INTEGER,
  revoked_at_ms INTEGER,
  replaces TEXT REFERENCES keys (id),
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL,
  CHECK ((kind = 'admin') = (role IS NOT NULL))
) STRICT;
CREATE INDEX keys_by_org ON keys (org, created_at_ms, id);
CREATE INDEX operator_keys ON keys (role) WHERE role = 'operator';
-- A key has one successor that is not revoked: of two rotations at once, one is refused.
CREATE UNIQUE INDEX one_successor ON keys (replaces) WHERE revoked_at_ms IS NULL;

CREATE TABLE usage (
  id TEXT PRIMARY KEY,
  hold TEXT NOT NULL,
  org TEXT NOT NULL,
  key TEXT NOT NULL,
  model TEXT NOT NULL,
  tier TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  "end" TEXT NOT NULL,
  response_id TEXT,
  prompt_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,
  admitted_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_by_org ON usage (org, admitted_at_ms, id);
