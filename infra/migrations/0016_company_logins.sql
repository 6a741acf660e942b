-- The issuer by which an org's people sign in (docs/decisions/0025). `secret` is sealed under STORE_KEYS. `id` stands in
-- the address that the issuer sends browsers back to, and is `provider_id` of whom it knows.
CREATE TABLE company_logins (
  id TEXT PRIMARY KEY,
  org TEXT NOT NULL UNIQUE REFERENCES orgs (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  issuer TEXT NOT NULL,
  client_id TEXT NOT NULL,
  secret TEXT NOT NULL,
  proves_second_factor INTEGER NOT NULL DEFAULT 0 CHECK (proves_second_factor IN (0, 1)),
  default_role TEXT CHECK (default_role IN ('developer', 'billing', 'viewer')),
  is_required INTEGER NOT NULL DEFAULT 0 CHECK (is_required IN (0, 1)),
  used_at_ms INTEGER,
  version INTEGER NOT NULL DEFAULT 1,
  created_at_ms INTEGER NOT NULL
) STRICT;

-- Domains of mail that an org claims. Any org may claim any; of those that have proven one there is one at a time.
CREATE TABLE login_domains (
  org TEXT NOT NULL REFERENCES company_logins (org) ON DELETE CASCADE,
  domain TEXT NOT NULL,
  token TEXT NOT NULL,
  proven_by TEXT CHECK (proven_by IN ('dns', 'operator')),
  checked_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (org, domain)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX proven_domains ON login_domains (domain) WHERE proven_by IS NOT NULL;

-- The org whose company login a session began by, and the only one that it opens.
ALTER TABLE auth_sessions ADD COLUMN only_org TEXT;
CREATE INDEX auth_sessions_by_login ON auth_sessions (only_org) WHERE only_org IS NOT NULL;
