-- Orgs and keys are the control plane's truth; the ledgers hold published copies. Usage is the bill: one row a hold.
CREATE TABLE orgs (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  plan TEXT NOT NULL,
  limits TEXT NOT NULL,
  is_suspended INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL REFERENCES orgs (id),
  kind TEXT NOT NULL,
  role TEXT,
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
  replaces TEXT,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX keys_by_org ON keys (org, created_at_ms);

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
CREATE INDEX usage_by_org ON usage (org, admitted_at_ms);
