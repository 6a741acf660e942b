-- Who a person is (docs/decisions/0022-who-a-person-is.md). What she may do stands elsewhere: here are no orgs, no roles.
-- `is_operator` is the house's own word on her, given and taken through the control API.
CREATE TABLE auth_users (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,
  email_verified INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
  name TEXT NOT NULL DEFAULT '',
  image TEXT,
  two_factor_enabled INTEGER DEFAULT 0 CHECK (two_factor_enabled IN (0, 1)),
  is_operator INTEGER NOT NULL DEFAULT 0 CHECK (is_operator IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_operators ON auth_users (id) WHERE is_operator = 1;

-- `expires_at_ms` moves with use, an hour at a time, and never past twelve hours from `created_at_ms`. Of the token that
-- the cookie carries only the digest is here.
CREATE TABLE auth_sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES auth_users (id),
  token_digest TEXT NOT NULL UNIQUE,
  has_second_factor INTEGER NOT NULL DEFAULT 0 CHECK (has_second_factor IN (0, 1)),
  ip_address TEXT,
  user_agent TEXT,
  expires_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_sessions_by_user ON auth_sessions (user_id);
CREATE INDEX auth_sessions_by_end ON auth_sessions (expires_at_ms);

-- Which issuer knows a user by which subject. The issuer's own tokens are not kept: nobody here needs them.
CREATE TABLE auth_accounts (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES auth_users (id),
  provider_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  scope TEXT,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX auth_accounts_by_subject ON auth_accounts (provider_id, account_id);
CREATE INDEX auth_accounts_by_user ON auth_accounts (user_id);

-- Codes, challenges and states that wait for an answer; what they are known by and what they must equal are digests.
CREATE TABLE auth_verifications (
  id TEXT PRIMARY KEY,
  identifier TEXT NOT NULL,
  value TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_verifications_by_identifier ON auth_verifications (identifier);
CREATE INDEX auth_verifications_by_end ON auth_verifications (expires_at_ms);

-- `secret` and `backup_codes` are sealed under SESSION_KEYS.
CREATE TABLE auth_two_factors (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL UNIQUE REFERENCES auth_users (id),
  secret TEXT NOT NULL,
  backup_codes TEXT NOT NULL,
  verified INTEGER DEFAULT 1 CHECK (verified IN (0, 1)),
  failed_verification_count INTEGER DEFAULT 0,
  locked_until_ms INTEGER
) STRICT;

CREATE TABLE auth_passkeys (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES auth_users (id),
  name TEXT,
  credential_id TEXT NOT NULL UNIQUE,
  public_key TEXT NOT NULL,
  counter INTEGER NOT NULL,
  device_type TEXT NOT NULL,
  backed_up INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
  transports TEXT,
  aaguid TEXT,
  created_at_ms INTEGER
) STRICT;
CREATE INDEX auth_passkeys_by_user ON auth_passkeys (user_id);

-- How often somebody, or some address, has tried something; `id` is a digest of what and who.
CREATE TABLE auth_limits (
  id TEXT PRIMARY KEY,
  tries INTEGER NOT NULL,
  ends_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX auth_limits_by_end ON auth_limits (ends_at_ms);
